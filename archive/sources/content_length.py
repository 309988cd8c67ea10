"""Split an mboxcl or mboxcl2: Content-Length says where a message ends, if it is true.

It is believed only if it lands on the end of the file or on a postmark (one blank line may stand between); else the
message ends at the next postmark, as in any mbox. Needs to seek, so members of archives are spooled before.
Sources: mbox(5) of qmail; mboxcl is quoted like mboxo, mboxcl2 not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from archive.sources.mbox import BLOCK_BYTES, Piece, blank_line_length
from archive.sources.model import SPOOL_OVER_BYTES, MboxKind
from archive.sources.postmark import LOOK_BYTES, Style
from archive.sources.spool import LargeMessage, unquote

_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_HEADERS_END = re.compile(rb"\n\r?\n")
HEADERS_MAX = 1 << 20  # where no blank line comes within a MiB, no Content-Length is looked for


def split_by_length(
    file: BinaryIO, start: int, style: Style, kind: MboxKind, separated: bool, spool_dir: Path
) -> Iterator[Piece]:
    """The messages of a seekable file whose first postmark stands at `start`. Raises: SpoolFailed, OSError."""
    size = file.seek(0, 2)
    at = start
    while at < size:
        head = _at(file, at, LOOK_BYTES)
        when = style.judge(head, 0)[1]
        body = at + ((head.find(b"\n") + 1) or len(head))
        end = _believed_end(file, body, size, style)
        if end is None:
            end = next_postmark(file, body, size, style)
            last = end
            if separated:
                tail = _at(file, max(body, end - 3), min(3, end - body))
                last -= blank_line_length(tail)
            yield _cut(file, at, body, last, when, kind, spool_dir)
        else:
            yield _cut(file, at, body, end, when, kind, spool_dir)
            end += _blank_at(_at(file, end, 2))
        at = end


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _blank_at(text: bytes) -> int:
    return 1 if text.startswith(b"\n") else 2 if text.startswith(b"\r\n") else 0


def _believed_end(file: BinaryIO, body: int, size: int, style: Style) -> int | None:
    headers = _at(file, body, 16 << 10)
    found = _HEADERS_END.search(headers)
    if found is None and len(headers) == 16 << 10:
        headers = _at(file, body, HEADERS_MAX)
        found = _HEADERS_END.search(headers)
    if found is None:
        return None
    length = _LENGTH.search(headers, 0, found.start() + 1)
    if length is None:
        return None
    end = body + found.end() + int(length[1])
    if end > size:
        return None
    after = _at(file, end, LOOK_BYTES + 2)
    at = _blank_at(after)
    if len(after) == at:
        return end
    for place in {0, at}:
        # a postmark stands at the start of a line, be it the message's own last line end before it
        line_start = place > 0 or _at(file, end - 1, 1) == b"\n"
        if line_start and after.startswith(b"From ", place) and style.judge(after, place)[0]:
            return end
    return None


def next_postmark(file: BinaryIO, body: int, size: int, style: Style) -> int:
    """The offset of the first postmark at or after `body` (the start of a line), or the file's size."""
    at = body - 1
    while at < size:
        text = _at(file, at, BLOCK_BYTES)
        whole = at + len(text) >= size
        search = 0
        while (hit := text.find(b"\nFrom ", search)) >= 0:
            if not whole and len(text) - hit <= LOOK_BYTES:
                break
            if style.judge(text, hit + 1)[0]:
                return at + hit + 1
            search = hit + 1
        if whole:
            break
        at += hit if hit >= 0 else len(text) - 6
    return size


def _cut(file: BinaryIO, offset: int, body: int, end: int, when: int | None, kind: MboxKind, spool_dir: Path) -> Piece:
    if end - body <= SPOOL_OVER_BYTES:
        text = unquote(_at(file, body, end - body), "cl2" if kind == "cl2" else "o")
        return Piece(offset, when, text, None, len(text))
    large = LargeMessage(spool_dir, kind)
    file.seek(body)
    left = end - body
    while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
        large.write(block)
        left -= len(block)
    spool = large.finish()
    return Piece(offset, when, None, spool, large.size)
