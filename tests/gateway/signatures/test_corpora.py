"""Real mail: nothing raises, all but the text and the pictures stays, and a second time changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.mail.structure import parse_structure
from gateway.signatures.placing import place
from tests.gateway.signatures.mails import PICTURE, WITH_PICTURE

CORPORA = os.environ.get("POSTKEEP_CORPORA", "")


def _mails(most: int) -> Iterator[bytes]:
    """Every n-th message of each folder, with CRLF as it comes over the wire."""
    for folder in ("spamassassin", "torture"):
        files = sorted(path for path in Path(CORPORA, folder).rglob("*") if path.is_file())
        for path in files[:: max(1, len(files) // most)]:
            yield path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _leaves(raw: bytes) -> list[tuple[str, bytes]]:
    leaves = [part for part in parse_structure(raw).walk() if not part.children]
    return [(part.media, part.content()) for part in leaves if PICTURE.cid.encode() not in part.get(b"content-id")]


@pytest.mark.skipif(not CORPORA, reason="POSTKEEP_CORPORA names no folder with real mail")
def test_real_mail_is_signed_once_and_keeps_all_else() -> None:
    signed = 0
    for raw in _mails(150):
        placed = place(raw, [WITH_PICTURE])
        if not placed.added:
            assert placed.raw == raw
            assert placed.why is not None
            continue
        signed += 1
        assert place(placed.raw, [WITH_PICTURE]).raw == placed.raw
        before, after = _leaves(raw), _leaves(placed.raw)
        assert len(before) == len(after)
        assert sum(was != now for was, now in zip(before, after, strict=True)) == len(placed.insertions)
    assert signed > 150
