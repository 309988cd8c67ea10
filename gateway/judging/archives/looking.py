"""This side of the process that looks into archives: hands it one, hears what is in it. For many threads at once."""

from __future__ import annotations

import json
import os
import select
import threading
import time
from dataclasses import dataclass

from archive.forks import Forks
from domains.policy.facts import ArchiveEntry
from gateway.directory import before_reading

ANSWER_S = 12.0
MOST_ANSWER_BYTES = 8 << 20
UNREAD = "archive-unread"


@dataclass(frozen=True, slots=True)
class Found:
    """The files in an archive; `skipped`: codes of what wasn't looked at, for `facts.incomplete`."""

    entries: tuple[ArchiveEntry, ...] = ()
    skipped: tuple[str, ...] = ()


class Archives:
    """Looks into archives; its process is started with the first one, and again where it went away."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._forks = Forks("gateway.judging.archives.child")

    def look(self, data: bytes) -> Found:
        """Never raises: what can't be read says so. But NotRemembered where nobody may wait."""
        before_reading()
        answer = self._ask(data)
        if answer is None:
            return Found(skipped=(UNREAD,))
        try:
            found = json.loads(answer)
            entries = tuple(
                ArchiveEntry(_clean(str(name)), str(kind), int(depth)) for name, kind, depth in found["entries"]
            )
            return Found(entries, tuple(map(str, found["skipped"])))
        except (ValueError, KeyError, TypeError):
            return Found(skipped=(UNREAD,))

    def _ask(self, data: bytes) -> bytes | None:
        with os.fdopen(os.memfd_create("archive"), "w+b") as file:
            file.write(data)
            file.seek(0)
            reading, writing = os.pipe()
            try:
                try:
                    with self._guard:
                        self._forks.hand_over(b"{}", file.fileno(), writing)
                finally:
                    os.close(writing)
                return _answer(reading, time.monotonic() + ANSWER_S)
            except OSError:
                return None
            finally:
                os.close(reading)

    def close(self) -> None:
        """End the process. It holds nothing worth keeping."""
        with self._guard:
            self._forks.close()


def _answer(pipe: int, until: float) -> bytes | None:
    """Everything until the other side ends; None when that is nothing, too much or too late."""
    held = bytearray()
    while True:
        left_s = until - time.monotonic()
        if left_s <= 0 or not select.select([pipe], [], [], left_s)[0]:
            return None
        piece = os.read(pipe, 1 << 20)
        if not piece:
            return bytes(held) or None
        held += piece
        if len(held) > MOST_ANSWER_BYTES:
            return None


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
