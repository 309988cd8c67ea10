"""The bytes that leave: what is changed in the header, and that nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.composing import Changes, TooManyHops, compose, stuffed

MAIL = b"Subject: hello\r\nBcc: secret@example.org,\r\n other@example.org\r\nFrom: a@example.org\r\n\r\nText\r\n"


def composed(data: bytes, changes: Changes, *, size: int = 7) -> bytes:
    return asyncio.run(_joined(compose(_pieces(data, size), changes)))


def on_the_wire(data: bytes, *, size: int = 3) -> bytes:
    return asyncio.run(_joined(stuffed(_pieces(data, size))))


async def _pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def _joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def unstuffed(wire: bytes) -> bytes:
    """What a server makes of it."""
    lines = wire.split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    assert b"." not in lines[:-2]
    return b"".join((line[1:] if line.startswith(b".") else line) + b"\r\n" for line in lines[:-2])


def subject_of(data: bytes) -> str:
    return str(make_header(decode_header(message_from_bytes(data)["Subject"].replace("\r\n", ""))))


def test_without_changes_every_byte_is_as_it_came() -> None:
    assert composed(MAIL, Changes()) == MAIL


def test_lines_go_before_the_message_and_can_smuggle_nothing_in() -> None:
    made = composed(MAIL, Changes(before=["X-One: 1", "X-Two: a\r\n\tb", "X-Bad: a\r\nEvil: b\n\r\n"]))
    assert made == b"X-One: 1\r\nX-Two: a\r\n\tb\r\nX-Bad: a Evil: b\r\n" + MAIL


def test_nobody_else_says_where_a_message_is_filed() -> None:
    made = composed(
        b"x-postkeep-folder: Paid\r\nX-Postkeep-Flags : a\r\n b\r\n" + MAIL, Changes(["X-Postkeep-Folder: Ours"])
    )
    assert made == b"X-Postkeep-Folder: Ours\r\n" + MAIL


def test_bcc_is_taken_out_with_its_folded_lines_and_nothing_else() -> None:
    made = composed(MAIL, Changes(without_bcc=True))
    assert made == b"Subject: hello\r\nFrom: a@example.org\r\n\r\nText\r\n"


@pytest.mark.parametrize(
    ("subject", "prefix", "wanted"),
    [
        (b"hello", "[SPAM]", "[SPAM] hello"),
        (b"=?utf-8?Q?gr=C3=BC=C3=9Fe?=", "[SPAM]", "[SPAM] grüße"),
        (b"=?utf-8?Q?gr=C3=BC=C3=9Fe?=", "[Müll]", "[Müll] grüße"),
        (b"hello", "[Müll]", "[Müll] hello"),
        (b"x" * 90, "[SPAM]", "[SPAM] " + "x" * 90),
        (b"[SPAM] hello", "[SPAM]", "[SPAM] hello"),
        (b"", "[SPAM]", "[SPAM] "),
    ],
)
def test_a_prefix_reads_well_whatever_the_subject_is_encoded_as(subject: bytes, prefix: str, wanted: str) -> None:
    made = composed(b"Subject: " + subject + b"\r\n\r\nText\r\n", Changes(subject_prefix=prefix))
    assert subject_of(made).rstrip() == wanted.rstrip()
    assert made.endswith(b"\r\n\r\nText\r\n")


def test_a_message_without_subject_gets_one() -> None:
    assert subject_of(composed(b"From: a@b\r\n\r\nText\r\n", Changes(subject_prefix="[SPAM]"))) == "[SPAM]"


def test_a_message_that_goes_in_a_circle_is_stopped() -> None:
    with pytest.raises(TooManyHops):
        composed(b"Received: x\r\n" * 51 + MAIL, Changes())


def test_a_header_without_end_passes_in_pieces_and_isnt_held() -> None:
    data = b"X: " + b"y" * (3 << 20)
    made = composed(data, Changes(before=["A: b"], subject_prefix="[X]"), size=1 << 18)
    before = b"A: b\r\nSubject: [X]\r\n"
    assert made.startswith(before)
    assert made.removeprefix(before) == data


@given(st.lists(st.sampled_from([b".", b"\r\n", b"a", b"..", b"\r\n.\r\n"]), max_size=30), st.integers(1, 5))
def test_what_a_server_unpacks_is_what_was_sent_whatever_the_pieces(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    got = unstuffed(on_the_wire(data, size=size))
    assert got == data + (b"" if data.endswith(b"\r\n") or not data else b"\r\n")


@given(st.binary(max_size=40).map(lambda data: data.translate(bytes(b"\r\n.ab"[n % 5] for n in range(256)))))
def test_no_bare_line_end_leaves_and_no_end_of_data_can_be_forged(data: bytes) -> None:
    wire = on_the_wire(data, size=2)
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")
    assert wire.find(b"\r\n.\r\n") in (len(wire) - 5, -1)
    assert wire.endswith(b".\r\n")
