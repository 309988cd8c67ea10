"""Where a message ends, and what its bytes are then."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.flow import CHUNK_BYTES, Answer, InFile
from gateway.smtp.body import BARE_ENDS, LONG_LINE, NUL, TOO_LARGE, Collector, DataReader
from gateway.smtp.door import Bare, Limits
from gateway.smtp.wire import Overrun

SMALL = Limits(message_bytes=4000, memory_bytes=500, line_bytes=100)


def read(wire: bytes, bare: Bare = Bare.REFUSE, *, step: int = 0, limits: Limits = SMALL) -> tuple[object, bytes]:
    """(message or problem, what is left for commands); None while the end is still awaited."""
    reader, buffer = DataReader(limits, bare, None), bytearray()
    size = step or max(1, len(wire))
    for at in range(0, len(wire), size):
        buffer += wire[at : at + size]
        if reader.feed(buffer):
            rest = bytes(buffer) + wire[at + size :]
            if reader.problem is not None:
                return reader.problem, rest
            body = reader.body()
            try:
                return body.read(), rest
            finally:
                body.close()
    return None, b""


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..a\r\n...\r\n.\r\n", b".a\r\n..\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n\r\n..\r\n\r\n.\r\n", b"a\r\n\r\n.\r\n\r\n"),
        (b"x" * 100 + b"\r\n.\r\n", b"x" * 100 + b"\r\n"),
    ],
)
def test_dots_go_as_they_came(wire: bytes, message: bytes, step: int) -> None:
    assert read(wire + b"QUIT\r\n", step=step) == (message, b"QUIT\r\n")


@pytest.mark.parametrize("step", [0, 1, 2, 3, 5])
@pytest.mark.parametrize(
    "end",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\n.\r",
        b"\r.\n",
        b"\r\r\n.\n",
        b"\r\n.\r\r\n",
        b"\r\n\x00.\r\n",
        b"\r\n.\x00\r\n",
        b"\r\n.\r\x00\n",
        b"\r\x00\n.\r\n",
    ],
)
def test_only_crlf_dot_crlf_ends_a_message(end: bytes, step: int) -> None:
    """Whatever looks like an end is part of the message: refused whole, or mended, and never a command after it."""
    wire = b"Subject: a\r\n\r\nb" + end + b"MAIL FROM:<evil@example.net>\r\nmore\r\n.\r\nQUIT\r\n"
    problem, rest = read(wire, step=step)
    assert isinstance(problem, Answer)
    assert problem in (BARE_ENDS, NUL)
    assert rest == b"QUIT\r\n"
    mended, rest = read(wire, Bare.FIX, step=step)
    assert isinstance(mended, bytes)
    assert b"MAIL FROM:<evil@example.net>\r\nmore\r\n" in mended
    assert rest == b"QUIT\r\n"
    assert b"\x00" not in mended
    assert mended.count(b"\r") == mended.count(b"\n") == mended.count(b"\r\n")


def test_long_lines_large_messages_and_endless_ones() -> None:
    assert read(b"x" * 101 + b"\r\n.\r\n")[0] == LONG_LINE
    assert read(b"x" * 700 + b"\r\n.\r\nQUIT\r\n", step=7) == (LONG_LINE, b"QUIT\r\n")


@pytest.mark.parametrize("step", [0, 1, 7, 103])
def test_where_line_ends_are_mended_lines_that_are_too_long_are_broken(step: int) -> None:
    wire = b"a\r\n.." + b"x" * 250 + b"\r\n" + b"y" * 100 + b"\r\n" + b"." + b"z" * 101 + b"\r\n.\r\nQUIT\r\n"
    # 100 bytes, of which the first is a blank where a line was broken
    lines = [b"a", b"." + b"x" * 99, b" " + b"x" * 99, b" " + b"x" * 52, b"y" * 100, b"z" * 100, b" z"]
    assert read(wire, Bare.FIX, step=step) == (b"".join(line + b"\r\n" for line in lines), b"QUIT\r\n")
    assert read((b"x" * 50 + b"\n") * 10 + b"\r\n.\r\n", step=9)[0] == BARE_ENDS
    assert read(b"0123456789\r\n" * 400 + b".\r\nQUIT\r\n", step=50) == (TOO_LARGE, b"QUIT\r\n")
    with pytest.raises(Overrun):
        read(b"0123456789\r\n" * 1000, step=50)
    with pytest.raises(Overrun):
        read(b"x" * 100_000, step=500)
    limits = Limits()
    assert read(b"x" * 65536 + b"\r\n.\r\n", limits=limits)[0] == b"x" * 65536 + b"\r\n"
    assert read(b"x" * 65537 + b"\r\n.\r\n", limits=limits)[0] == LONG_LINE


def test_a_large_message_goes_to_a_file() -> None:
    reader = DataReader(SMALL, Bare.REFUSE, None)
    assert reader.feed(bytearray(b"0123456789\r\n" * 100 + b".\r\n"))
    body = reader.body()
    assert isinstance(body, InFile)
    assert body.size_bytes == 1200
    assert b"".join(body.chunks()) == body.read() == b"0123456789\r\n" * 100
    body.close()


def test_a_large_message_is_read_by_several_at_once() -> None:
    """A virus scanner gets it piece by piece while a thread reads it whole: neither may miss any of it."""
    collector = Collector(CHUNK_BYTES, None)
    whole = bytes(range(256)) * (3 * CHUNK_BYTES // 256)
    collector.write(whole)
    body = collector.body()
    scanner = body.chunks()
    pieces = [next(scanner)]
    other = next(body.chunks())
    assert body.read() == whole
    assert other == pieces[0]
    assert b"".join([*pieces, *scanner]) == whole
    body.close()


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_PIECES = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\x00", b"\r\n.\r\n", b"b" * 40]), max_size=30)


@QUICK
@given(_PIECES, st.integers(1, 7), st.sampled_from(list(Bare)))
def test_how_the_bytes_arrive_changes_nothing(pieces: list[bytes], step: int, bare: Bare) -> None:
    wire = b"".join(pieces) + b"\r\n.\r\nQUIT\r\n"
    whole, rest = read(wire, bare)
    cut, cut_rest = read(wire, bare, step=step)
    assert rest == cut_rest
    if isinstance(whole, bytes):
        assert whole == cut
    else:
        assert isinstance(cut, Answer)
    first = 0 if wire.startswith(b".\r\n") else wire.find(b"\r\n.\r\n") + 2
    assert rest == wire[first + 3 :]
