"""Drafts that wait for the index, in a file without a name: what was parsed once isn't parsed again.

Only a convenience: what doesn't fit, or goes with the process, is read back from the packs. It lies where the index
does, whose words it holds, and is gone with whoever has it open. For one writer and one reader.
Why: docs/decisions/0054-the-index-follows.md.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from archive.mail.extract import Extract

from .drafts import Draft
from .parsing import plain_of_text, text_from_plain

MOST_BYTES = 512 << 20
Supply = dict[int, Extract | Draft]


@dataclass(frozen=True, slots=True)
class _Place:
    sequence: int
    offset: int
    size: int
    messages: int


class Spill:
    """Supplies of the index in the order of the journal. Every call is safe for threads, and none blocks for long."""

    def __init__(self, folder: Path, most_bytes: int | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # open as long as this is
        self._most = MOST_BYTES if most_bytes is None else most_bytes
        self._places: deque[_Place] = deque()
        self._guard = threading.Lock()
        self._end = 0
        self.messages = 0

    def put(self, sequence: int, supply: Supply) -> bool:
        """Keep what was parsed of the messages up to a record of the journal; False where there is no room for it."""
        data = marshal.dumps([(number, *plain_of_text(text)) for number, text in supply.items()])
        with self._guard:
            offset = self._end
            if offset + len(data) > self._most:
                return False
            self._end += len(data)
        try:
            if os.pwrite(self._file.fileno(), data, offset) != len(data):
                return False
        except OSError:
            return False
        with self._guard:
            self._places.append(_Place(sequence, offset, len(data), len(supply)))
            self.messages += len(supply)
        return True

    def take(self) -> tuple[int, Supply] | None:
        """The oldest supply with its record's sequence, or None. The file is emptied when the last one is taken."""
        with self._guard:
            if not self._places:
                return None
            place = self._places.popleft()
            data = os.pread(self._file.fileno(), place.size, place.offset)
            self.messages -= place.messages
            if not self._places and self._end == place.offset + place.size:
                self._end = 0
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file.fileno(), 0)
        # Of our own process, through a file that nobody else can open.
        found = marshal.loads(data)  # noqa: S302
        return place.sequence, {number: text_from_plain(is_draft, plain) for number, is_draft, plain in found}

    def close(self) -> None:
        self._file.close()
