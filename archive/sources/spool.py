"""Messages too long for memory: anonymous files that vanish with their last handle, whatever happens to us.

Not for: anything that must outlive the process.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from archive.sources.model import MboxKind, SpoolFailed

_LINE_HOLD = 64 << 10


def open_spool(folder: Path) -> BinaryIO:
    """A file without a name in `folder` (O_TMPFILE, or unlinked at once where the file system has no such thing).

    Raises: SpoolFailed.
    """
    try:
        handle = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - handed on, closed by whoever takes the message
    except OSError as error:
        raise SpoolFailed(f"no temporary file in {folder}: {error.strerror}") from error
    return cast("BinaryIO", handle)


def write_spool(spool: BinaryIO, data: bytes) -> None:
    """Raises: SpoolFailed (full disk)."""
    try:
        spool.write(data)
    except OSError as error:
        raise SpoolFailed(f"no room for a large message: {error.strerror}") from error


def rewind(spool: BinaryIO) -> None:
    try:
        spool.flush()
        spool.seek(0, os.SEEK_SET)
    except OSError as error:
        raise SpoolFailed(f"no room for a large message: {error.strerror}") from error


_RD = re.compile(rb"\n>(>*From )")
_O = re.compile(rb"\n>From ")


def unquote(text: bytes, kind: MboxKind) -> bytes:
    """Take the quoting of From lines off a text that begins at the start of a line.

    mboxrd: one ">" off every line that begins with any number of ">" and "From "; mboxo and mboxcl (mbox(5) of
    qmail: cl is quoted like o): off ">From " only; mboxcl2 quotes nothing.
    """
    if kind == "cl2" or b">From " not in text:
        return text
    if kind == "rd":
        if text[:1] == b">" and text.lstrip(b">").startswith(b"From "):
            text = text[1:]
        return _RD.sub(rb"\n\1", text)
    return _O.sub(b"\nFrom ", text[1:] if text.startswith(b">From ") else text)


_QUOTE = re.compile(rb"\n(>*From )")


def quote(text: bytes) -> bytes:
    """Put the quoting of mboxrd on a text that begins at the start of a line."""
    if b"From " not in text:
        return text
    if text.lstrip(b">").startswith(b"From "):
        text = b">" + text
        return text[:1] + _QUOTE.sub(rb"\n>\1", text[1:])
    return _QUOTE.sub(rb"\n>\1", text)


class LineFilter:
    """Applies `unquote` or `quote` to a text that comes in pieces; never holds more than 64 KiB of a line.

    keep_back: of a run of ">" without end at the start of a line, how many must stay until it is known what follows.
    It is all the same which one of them is taken off, or where one is added; None: such a run is never touched.
    """

    def __init__(self, change: Callable[[bytes], bytes], keep_back: int | None) -> None:
        self.change = change
        self.keep_back = keep_back
        self.held = b""
        self.inside_line = False

    def feed(self, piece: bytes) -> bytes:
        text = self.held + piece if self.held else piece
        cut = text.rfind(b"\n") + 1
        self.held = text[cut:]
        done = self._lines(text[:cut]) if cut else b""
        return done + self._long_line() if len(self.held) > _LINE_HOLD else done

    def finish(self) -> bytes:
        last, self.held = self.held, b""
        return self._lines(last)

    def _lines(self, text: bytes) -> bytes:
        if not self.inside_line or not text:
            return self.change(text)
        end = text.find(b"\n") + 1 or len(text)
        self.inside_line = text[end - 1 : end] != b"\n"
        return text[:end] + self.change(text[end:])

    def _long_line(self) -> bytes:
        """Let go of a line without end."""
        held, self.held = self.held, b""
        rest = held.lstrip(b">")
        if self.keep_back is not None and not self.inside_line and b"From ".startswith(rest):
            cut = len(held) - len(rest) - self.keep_back
            self.held = held[cut:]
            return held[:cut]
        was_inside, self.inside_line = self.inside_line, True
        return held if was_inside else self.change(held)


def unquoter(kind: MboxKind) -> LineFilter:
    return LineFilter(lambda text: unquote(text, kind), 1 if kind == "rd" else None)


def quoter() -> LineFilter:
    return LineFilter(quote, 0)


class LargeMessage:
    """A message on its way into an anonymous file."""

    def __init__(self, folder: Path, kind: MboxKind) -> None:
        self.spool = open_spool(folder)
        self.unquoter = unquoter(kind)
        self.size = 0

    def write(self, piece: bytes) -> None:
        done = self.unquoter.feed(piece)
        self.size += len(done)
        write_spool(self.spool, done)

    def finish(self) -> BinaryIO:
        rest = self.unquoter.finish()
        self.size += len(rest)
        write_spool(self.spool, rest)
        rewind(self.spool)
        return self.spool

    def drop(self) -> None:
        self.spool.close()
