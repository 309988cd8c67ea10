"""What stands in base64 is decoded in pieces: wherever they part it, and whatever stands between the letters. A large
message lies in memory once."""

from __future__ import annotations

import base64
import random
import tracemalloc

import pytest

from domains.policy import mime
from domains.policy.facts import Envelope
from domains.policy.reading import read_message


@pytest.mark.parametrize("piece", [1, 3, 7, 64, 1 << 20])
def test_pieces_change_nothing(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime, "_PIECE_BYTES", piece)
    chance = random.Random(piece)
    for length in (0, 1, 2, 3, 56, 57, 58, 200, 1001):
        data = chance.randbytes(length)
        lines = base64.encodebytes(data)
        for body in (lines, lines.replace(b"\n", b" \r\n\t"), lines.replace(b"=", b"")):
            assert mime._from_base64(body) == (data, ""), (length, body)


def test_what_is_no_base64_is_skipped_and_said() -> None:
    assert mime._from_base64(b"aGVs!bG8=") == (b"hello", "base64")
    assert mime._from_base64(b"aGVsbG8=\r\n--\r\n") == (b"hello", "base64")
    assert mime._from_base64(b"aGVsb") == (b"hel", "base64")  # one letter is no byte
    assert mime._from_base64(b"") == (b"", "")


def test_reading_a_large_message_holds_little_beside_it() -> None:
    data = random.Random(5).randbytes(4 << 20)
    part = b"Content-Type: application/octet-stream; name=numbers.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    part += base64.encodebytes(data).replace(b"\n", b"\r\n")
    raw = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n' + part + b"--b--\r\n"
    tracemalloc.start()
    try:
        facts = read_message(raw, Envelope()).facts
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(each.names, each.size_bytes) for each in facts.attachments] == [(("numbers.dat",), len(data))]
    assert [each.text for each in facts.texts] == ["Hello"]
    # what came out of base64, which is made room for in steps, and a piece or two; not the part once more (5.6 MiB)
    assert peak < len(data) * 1.25 + (4 << 20)
