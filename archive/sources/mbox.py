"""Split an mbox into its messages, as a stream, with little memory and little time per message.

For: mboxrd and mboxo; mboxcl and mboxcl2 need to seek and are split in content_length.py.
Not for: deciding whether a file is an mbox (recognise.py) or what a postmark is (postmark.py).

A message is what stands between its postmark line and the next postmark, without the one blank line that separates
the two, and with the quoting of From lines taken off. Line ends stay as they are. The blank line is taken off where
it is there; a file in which most separators have none was written without them, and there nothing is taken off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archive.sources.model import SPOOL_OVER_BYTES, MboxKind
from archive.sources.postmark import LOOK_BYTES, Style
from archive.sources.spool import LargeMessage, unquote

BLOCK_BYTES = 1 << 20
_HOLD = 16  # bytes kept back when a long message goes to its spool: a separator may begin in them
_SEPARATORS_JUDGED = 1000
_FROM = re.compile(rb"\nFrom ")  # twice as fast as bytes.find here


class Stopped(Exception):
    """Somebody asked the run to end."""


class Damaged(Exception):
    """The stream breaks off before its end; what was read so far is good. The text says why."""


def watched(read: Callable[[int], bytes], stop: Callable[[], bool]) -> Callable[[int], bytes]:
    """`read`, which breaks off when asked to stop (raises: Stopped) or when the disk does (raises: Damaged)."""

    def block(size: int) -> bytes:
        if stop():
            raise Stopped
        try:
            return read(size)
        except OSError as error:
            raise Damaged(f"can't be read: {error.strerror}") from error

    return block


@dataclass(slots=True)
class Piece:
    """A message of an mbox, or (damage set) the one in which the stream broke off."""

    offset: int
    received_at: int | None
    content: bytes | None
    spool: BinaryIO | None
    size: int
    damage: str = ""


def has_blank_lines(text: bytes, style: Style) -> bool:
    """Does this file put a blank line before its postmarks? Judged by the majority of the first thousand."""
    with_blank = without = 0
    for hit in _FROM.finditer(text):
        at = hit.start()
        if not style.judge(text, at + 1)[0]:
            continue
        if text[at - 1 : at] == b"\n" or text[at - 2 : at] == b"\n\r":
            with_blank += 1
        else:
            without += 1
        if with_blank + without >= _SEPARATORS_JUDGED:
            break
    return with_blank >= without


def blank_line_length(text: bytes) -> int:
    """The length of the blank line at the end of a text, which may be nothing else."""
    if text.endswith(b"\n\n") or text == b"\n":
        return 1
    if text.endswith(b"\n\r\n") or text == b"\r\n":
        return 2
    return 0


class Splitter:
    """The messages of one mbox stream, once.

    `head` begins with the first postmark, at `offset` of the file; `read` gives what follows, b"" at the end.
    A `Damaged` out of `read` ends the run in order: the last piece names the damage.
    Holds at most SPOOL_OVER_BYTES and one block.
    """

    def __init__(
        self, read: Callable[[int], bytes], head: bytes, offset: int, style: Style, kind: MboxKind, spool_dir: Path
    ) -> None:
        self.read = read
        self.buffer = head
        self.base = offset  # of buffer[0] in the file
        self.style = style
        self.kind: MboxKind = kind
        self.spool_dir = spool_dir
        self.eof = False
        self.damage = ""
        self.body = 0  # where the rest of the current message begins in the buffer
        self.large: LargeMessage | None = None

    def pieces(self) -> Iterator[Piece]:
        """Raises: SpoolFailed."""
        if len(self.buffer) < BLOCK_BYTES:
            self._grow(0)
        separated = has_blank_lines(self.buffer, self.style)
        start = 0
        when = self.style.judge(self.buffer, 0)[1]
        try:
            while True:
                offset = self.base + start
                self.body = self.buffer.find(b"\n", start) + 1 or len(self.buffer)
                end, next_when = self._find_end()
                yield self._piece(offset, when, end, separated)
                if end >= len(self.buffer):
                    return
                start, when = end, next_when
        finally:
            if self.large is not None:
                self.large.drop()

    def _find_end(self) -> tuple[int, int | None]:
        """Where the current message ends in the buffer, and the date in the postmark that stands there."""
        search = max(self.body - 1, 0)
        while True:
            found = _FROM.search(self.buffer, search)
            hit = -1 if found is None else found.start()
            if hit >= 0 and (self.eof or len(self.buffer) - hit > LOOK_BYTES):
                is_postmark, when = self.style.judge(self.buffer, hit + 1)
                if is_postmark:
                    return hit + 1, when
                search = hit + 1
            elif self.eof:
                return len(self.buffer), None
            else:
                search = max(search, hit if hit >= 0 else len(self.buffer) - 6)
                search -= self._make_room(search)

    def _make_room(self, undecided: int) -> int:
        """Read one more block; returns how far what is in the buffer moved to the front."""
        cut = undecided - _HOLD
        if cut - self.body > (0 if self.large else SPOOL_OVER_BYTES):
            self.large = self.large or LargeMessage(self.spool_dir, self.kind)
            self.large.write(self.buffer[self.body : cut])
            self.body = cut
        moved = max(self.body - 1, 0)
        self._grow(moved)
        self.body -= moved
        return moved

    def _grow(self, from_: int) -> None:
        try:
            block = self.read(BLOCK_BYTES)
        except Damaged as damage:
            self.damage, block = str(damage), b""
        self.eof = not block
        if block:
            self.buffer = b"".join((memoryview(self.buffer)[from_:], block))
        else:
            self.buffer = self.buffer[from_:]
        self.base += from_

    def _piece(self, offset: int, when: int | None, end: int, separated: bool) -> Piece:
        text = self.buffer[self.body : end]
        if self.damage and end == len(self.buffer):
            return Piece(offset, None, None, None, 0, self.damage)
        if separated:
            blank = blank_line_length(text)
            if blank:
                text = text[:-blank]
        large, self.large = self.large, None
        if large is None:
            if b">From " in text:
                text = unquote(text, self.kind)
            if len(text) <= SPOOL_OVER_BYTES:
                return Piece(offset, when, text, None, len(text))
            large = LargeMessage(self.spool_dir, "cl2")  # nothing left to unquote
        large.write(text)
        spool = large.finish()
        return Piece(offset, when, None, spool, large.size)
