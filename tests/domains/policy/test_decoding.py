"""What stands in base64 is decoded in pieces: wherever they part it, and whatever stands between the letters."""

from __future__ import annotations

import base64
import random

import pytest

from domains.policy import mime


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
