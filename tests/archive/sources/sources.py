"""Small mails and shorthands for the tests of reading and writing mail on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from archive.sources import Found, Limits, MboxKind, Rejected, count, read

POSTMARK = b"From ann@example.org Sat Jan  3 01:05:34 2004\n"


def mail(number: int = 1, body: bytes = b"Hello.\n", end: bytes = b"\n") -> bytes:
    text = b"From: Ann <ann@example.org>\nSubject: Number %d\nMessage-ID: <%d@example.org>\n\n" % (number, number)
    return (text + body).replace(b"\n", end)


def content_of(found: Found) -> bytes:
    if found.content is not None:
        assert found.spool is None
        return found.content
    assert found.spool is not None
    with found.spool as spool:
        return spool.read()


def everything(
    path: Path | Sequence[Path], tmp: Path, *, mbox: MboxKind = "rd", limits: Limits | None = None
) -> tuple[list[Found], list[Rejected]]:
    """All that is read; counted too, and the two must agree. Spooled contents are made plain."""
    paths = [path] if isinstance(path, Path) else list(path)
    spool = tmp / "spool"
    spool.mkdir(exist_ok=True)
    found, rejected = [], []
    for item in read(paths, mbox=mbox, spool_dir=spool, limits=limits):
        if isinstance(item, Found):
            item.content, item.spool = content_of(item), None
            assert len(item.content) == item.size
            found.append(item)
        else:
            rejected.append(item)
    assert count(paths, mbox=mbox, spool_dir=spool, limits=limits) == len(found) + len(rejected)
    assert not list(spool.iterdir())
    return found, rejected


def contents(
    path: Path | Sequence[Path], tmp: Path, *, mbox: MboxKind = "rd", limits: Limits | None = None
) -> list[bytes]:
    return [found.content or b"" for found in everything(path, tmp, mbox=mbox, limits=limits)[0]]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
