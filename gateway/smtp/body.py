"""The message after DATA: where it ends, its dots, its lines; into memory, or a file where it is large.

Only CRLF . CRLF ends a message, whatever is done about line ends that stand alone: what is taken for the end by one
server and not by the next is how mail is smuggled. Not for headers or MIME.

Source: RFC 5321 §2.3.8 (lines), §4.5.2 (dots); "SMTP smuggling" (SEC Consult, 2023).
"""

from __future__ import annotations

import re
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import IO

from gateway.flow import Answer, Body, InFile, InMemory
from gateway.smtp.door import Bare, Limits
from gateway.smtp.wire import Overrun

_END = b"\r\n.\r\n"
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_FOLD = b"\r\n "  # as Postfix breaks lines that are too long for the next server (smtp_line_length_limit)

BARE_ENDS = Answer(550, "5.6.0", "A CR or LF stands alone; lines end with CRLF")
NUL = Answer(550, "5.6.0", "The message holds NUL bytes")
LONG_LINE = Answer(550, "5.6.0", "A line of the message is too long")
TOO_LARGE = Answer(552, "5.3.4", "The message is too large")
NO_SPACE = Answer(452, "4.3.1", "There is no space for this message now; try again later")


class Collector:
    """Bytes of one message: in memory up to `memory_bytes`, then in a file without a name."""

    __slots__ = ("_digest", "_file", "_folder", "_most", "_pieces", "size_bytes")

    def __init__(self, memory_bytes: int, folder: Path | None) -> None:
        self._most, self._folder = memory_bytes, folder
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._digest = sha256()
        self.size_bytes = 0

    def write(self, piece: bytes) -> None:
        """Raises: OSError when the disk is full."""
        self.size_bytes += len(piece)
        if self._file is None and self.size_bytes > self._most:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  # closed with the body
            waiting, self._pieces = self._pieces, []
            for each in waiting:
                self._store(each)
        if self._file is None:
            self._pieces.append(piece)
        else:
            self._store(piece)

    def _store(self, piece: bytes) -> None:
        assert self._file is not None
        self._digest.update(piece)
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]

    def body(self) -> Body:
        """What was written, for whoever closes it."""
        if self._file is None:
            return InMemory(b"".join(self._pieces))
        return InFile(self._file, self.size_bytes, self._digest.digest())

    def close(self) -> None:
        self._pieces = []
        if self._file is not None:
            self._file.close()
            self._file = None


class DataReader:
    """Takes a message out of a connection's buffer, piece by piece. Where line ends are mended, so are lines that are
    too long: they are broken.

    `problem` is set as soon as the message can't be taken; the rest of it is then read and thrown away, so that what
    follows it can't be mistaken for commands.
    """

    __slots__ = ("_at_start", "_bare", "_collector", "_length", "_limits", "_scanned", "problem", "received")

    def __init__(self, limits: Limits, bare: Bare, folder: Path | None) -> None:
        self._limits, self._bare = limits, bare
        self._collector = Collector(limits.memory_bytes, folder)
        self._at_start = True  # the buffer begins where a line begins, after a true CRLF
        self._length = 0  # of the line that was taken in part
        self._scanned = 0  # no end lies before this place in the buffer
        self.problem: Answer | None = None
        self.received = 0  # raw bytes, for the rate

    def feed(self, buffer: bytearray) -> bool:
        """Take from the buffer what belongs to the message; whether its end was there. Raises: Overrun."""
        end, rest = self._find_end(buffer)
        if end < 0:
            end = rest = self._whole_lines(buffer)
        if end:
            self._take(bytes(buffer[:end]))
        is_over = rest > end
        self._scanned = max(0, len(buffer) - rest - len(_END) + 1)
        if rest:
            self._at_start = bytes(buffer[max(0, rest - 2) : rest]) == b"\r\n"
            self.received += rest
            del buffer[:rest]
        limits = self._limits
        if not is_over and self.received > limits.overrun * limits.message_bytes + limits.memory_bytes:
            raise Overrun
        return is_over

    def _find_end(self, buffer: bytearray) -> tuple[int, int]:
        """Where the message ends in the buffer, and where what follows begins; (-1, 0) while it goes on."""
        if self._at_start and buffer.startswith(b".\r\n"):
            return 0, 3
        found = buffer.find(_END, self._scanned)
        return (found + 2, found + len(_END)) if found >= 0 else (-1, 0)

    def _whole_lines(self, buffer: bytearray) -> int:
        """How much of the buffer can be taken: up to the last line end, which may stand alone where those are mended.

        A line that is too long is taken as far as it came, but for what could be the beginning of its end.
        """
        end = buffer.rfind(b"\r\n") + 2
        if end == 1:
            end = 0
        if self._bare is Bare.FIX:
            end = max(end, buffer.rfind(b"\n") + 1, buffer.rfind(b"\r", 0, len(buffer) - 1) + 1)
        if len(buffer) - end > self._limits.line_bytes + 2:
            if self._bare is Bare.REFUSE:
                stands_alone = buffer.find(b"\n", end) >= 0 or buffer.find(b"\r", end, -1) >= 0
                self._fail(self.problem or (BARE_ENDS if stands_alone else LONG_LINE))
            return len(buffer) - 1 if buffer.endswith(b"\r") else len(buffer)
        return end

    def _take(self, piece: bytes) -> None:
        if self.problem is not None:
            return None
        if self._at_start and piece.startswith(b"."):
            piece = piece[1:]
        piece = piece.replace(b"\r\n.", b"\r\n")
        if b"\x00" in piece and self._bare is Bare.REFUSE:
            return self._fail(NUL)
        endings = piece.count(b"\r\n")
        if piece.count(b"\n") != endings or piece.count(b"\r") != endings:
            if self._bare is Bare.REFUSE:
                return self._fail(BARE_ENDS)
            piece = _BARE.sub(b"\r\n", piece)
        piece = piece.replace(b"\x00", b"")  # last: what stood apart stays apart
        if self._bare is Bare.FIX:
            piece = self._folded(piece)
        elif _has_long_line(piece, self._limits.line_bytes):
            return self._fail(LONG_LINE)
        if self._collector.size_bytes + len(piece) > self._limits.message_bytes:
            return self._fail(TOO_LARGE)
        try:
            self._collector.write(piece)
        except OSError:
            self._fail(NO_SPACE)
        return None

    def _folded(self, piece: bytes) -> bytes:
        """With lines that are too long broken; the last one may go on in the next piece."""
        most = self._limits.line_bytes
        if self._length == 0 and piece.endswith(b"\r\n") and not _has_long_line(piece, most):
            return piece
        lines = piece.split(b"\r\n")
        for number, line in enumerate(lines):
            parts, left = [], line
            while self._length + len(left) > most:
                parts.append(left[: most - self._length])
                left, self._length = left[most - self._length :], len(_FOLD) - 2
            self._length += len(left)
            if parts:
                lines[number] = _FOLD.join([*parts, left])
            if number < len(lines) - 1:
                self._length = 0
        return b"\r\n".join(lines)

    def _fail(self, problem: Answer) -> None:
        self.problem = problem
        self._collector.close()

    def body(self) -> Body:
        """The message; only where there is no problem."""
        return self._collector.body()

    def close(self) -> None:
        """Throw it away."""
        self._collector.close()


def _has_long_line(piece: bytes, most: int) -> bool:
    """Whether a line is longer than `most` without its CRLF; looks at few places of a piece of short lines."""
    at, size = 0, len(piece)
    while size - at > most + 2:
        end = piece.rfind(b"\r\n", at, at + most + 2)
        if end < 0:
            return True
        at = end + 2
    return False
