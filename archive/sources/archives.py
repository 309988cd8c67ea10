"""Read archives through a process of their own (unpack.py) that may crash, hang or be killed without harm.

This side starts it, hands it the opened archive, and turns its frames into members that read like files.
Not for: looking into archives; no byte of an archive is parsed in this process.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archive.forks import Forks
from archive.sources.mbox import Damaged
from archive.sources.model import Limits, SourceError
from archive.sources.names import place_path, shown

FRAME = struct.Struct(">cIQ")  # kind, length of what follows, bytes of the archive read so far
_STOPPED = "the archive's reader was stopped: it needed too much memory or time, or crashed on damaged data"


@dataclass(slots=True)
class Refused:
    """Something in an archive that holds no message. path: segments, one per archive it lies in."""

    path: list[str]
    reason: str
    position: int


@dataclass(slots=True)
class Ended:
    """The archive was read to its end, or to where it is damaged; things: what it named or held."""

    things: int


class Member:
    """A file in an archive, read once from front to back, before the next event is asked for."""

    def __init__(self, frames: _Frames, path: list[str], layers: int, position: int) -> None:
        self.path = path
        self.layers = layers  # compressions around it that are no archives: their suffixes belong off its name
        self._frames = frames
        self._ended = False

    @property
    def position(self) -> int:
        return self._frames.position

    def head(self, size: int) -> bytes:
        """The first `size` bytes or a little more; fewer only if there are fewer. Raises: Damaged."""
        parts, length = [], 0
        while length < size and (part := self.read(size)):
            parts.append(part)
            length += len(part)
        return b"".join(parts)

    def read(self, _: int) -> bytes:
        """The next block, of whatever size; b"" at the end. Raises: Damaged (once; b"" after that)."""
        while not self._ended:
            kind, payload = self._frames.next()
            if kind == b"D":
                if payload:
                    return payload
                continue
            self._ended = True
            if kind == b"X":
                raise Damaged(payload.decode("utf-8", "replace"))
            if kind != b"E":
                raise Damaged(_STOPPED)
        return b""

    def finish(self) -> None:
        with suppress(Damaged):
            while self.read(0):
                pass


class _Frames:
    def __init__(self, pipe: BinaryIO) -> None:
        self.pipe = pipe
        self.position = 0

    def next(self) -> tuple[bytes, bytes]:
        """(kind, payload); kind is b"" when the other side ended without saying so."""
        header = self.pipe.read(FRAME.size)
        if len(header) < FRAME.size:
            return b"", b""
        kind, length, position = FRAME.unpack(header)
        payload = self.pipe.read(length) if length else b""
        if len(payload) < length:
            return b"", b""
        self.position = position
        return kind, payload


def place(member: Member, archive_name: str) -> tuple[list[str], str, bool]:
    """Where a member belongs: (folder parts, name, is it one message by its name). An archive adds no folder."""
    return place_path(member.path, member.layers, archive_name)


def inside(archive_path: str, path: list[str]) -> str:
    """How a thing in an archive is named to people: `mail.zip!/a.tar!/b.eml`."""
    return "!/".join([archive_path, *(shown(segment) for segment in path)])


def _segments(payload: bytes) -> list[str]:
    return [part.decode("utf-8", "surrogateescape") for part in payload.split(b"\x00")] if payload else []


class Unpacker:
    """Opens archives one after the other. The process behind it is started with the first and serves all."""

    def __init__(self, limits: Limits, spool_dir: Path) -> None:
        self.limits = limits
        self.spool_dir = spool_dir
        self._forks = Forks("archive.sources.unpack")

    def open(self, fd: int, name: str) -> Generator[Member | Refused | Ended, None, None]:
        """What an archive holds, in its order, and then `Ended`. Closing the generator stops the reader."""
        reading, writing = os.pipe()
        try:
            self._hand_over(fd, writing, name)
        except OSError as error:
            os.close(reading)
            raise SourceError(f"the archive reader can't be started: {error.strerror}") from error
        finally:
            os.close(writing)
        with os.fdopen(reading, "rb", buffering=256 << 10) as pipe:
            frames, things = _Frames(pipe), 0
            while True:
                kind, payload = frames.next()
                if kind == b"Z":
                    break
                things += 1
                if kind == b"M":
                    member = Member(frames, _segments(payload[1:]), payload[0], frames.position)
                    yield member
                    member.finish()
                elif kind == b"R":
                    path, _, reason = payload.rpartition(b"\x00\x00")
                    yield Refused(_segments(path), reason.decode("utf-8", "replace"), frames.position)
                else:
                    yield Refused([], _STOPPED, frames.position)
                    break
            yield Ended(things)

    def _hand_over(self, archive_fd: int, pipe_fd: int, name: str) -> None:
        limits = {key: getattr(self.limits, key) for key in Limits.__slots__}
        order = json.dumps({"name": os.fsencode(name).hex(), "spool_dir": str(self.spool_dir), "limits": limits})
        self._forks.hand_over(order.encode(), archive_fd, pipe_fd)

    def close(self) -> None:
        """End the process. It holds nothing worth keeping."""
        self._forks.close()
