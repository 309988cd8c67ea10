"""This side of the process that reads attached files: starts it, hands it files, several at once, hears its answers.

No byte of a file is parsed here. A reader may be used from several threads; its process ends with it.
"""

from __future__ import annotations

import json
import os
import select
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict

from archive.forks import Forks
from archive.mail.attached import FileText
from archive.mail.extract import waiting

from .model import CRASHED, LARGE, MANY, TIME, Policy

WORKERS = min(4, os.cpu_count() or 1)
MESSAGE_SECONDS = 60.0
MEGABYTE = 1 << 20


class Reader:
    """Reads the attached files of messages. `policy` is asked at each message, so that a change counts at once."""

    def __init__(self, policy: Callable[[], Policy] = Policy) -> None:
        self._policy = policy
        self._guard = threading.Lock()
        self._forks = Forks("archive.texts.child")
        self._pool: ThreadPoolExecutor | None = None

    def reads(self, kind: str) -> bool:
        """Whether files of that kind are to be read now."""
        return self._policy().reads(kind)

    def submit(self, raw: Callable[[], bytes], *, cut: bool = False) -> Future[list[FileText]]:
        """Read a message's files on a thread of the pool; `raw` gives its bytes there. `cut`: that is not all of it."""
        policy = self._policy()
        with self._guard:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="texts")
            return self._pool.submit(lambda: self._read(raw(), policy, cut=cut))

    def read(self, raw: bytes, *, cut: bool = False) -> list[FileText]:
        """What the attached files of a message say. Never raises on any bytes."""
        return self._read(raw, self._policy(), cut=cut)

    def _read(self, raw: bytes, policy: Policy, *, cut: bool) -> list[FileText]:
        found: list[FileText] = []
        began = time.monotonic()
        room = policy.text_chars * 2
        for files, (name, data) in enumerate(waiting(raw, policy.file_bytes, policy.reads), 1):
            if files > policy.files:
                found.append(FileText(name, reason=MANY))
                break
            if data is None:
                found.append(FileText(name, reason=LARGE))
            elif time.monotonic() - began > MESSAGE_SECONDS or room <= 0:
                found.append(FileText(name, reason=TIME if room > 0 else MANY))
            else:
                found += self._read_one(name, data, policy)
                room = policy.text_chars * 2 - sum(len(each.text) for each in found)
        if cut and found and found[-1].reason == "damaged":
            found[-1].reason = LARGE  # the end of the message was not looked at
        return found

    def _read_one(self, name: str, data: bytes, policy: Policy) -> list[FileText]:
        began = time.monotonic()
        answer = self._ask(name, data, policy)
        if answer is not None:
            return answer
        late = time.monotonic() - began >= policy.seconds * 0.9
        return [FileText(name, reason=TIME if late else CRASHED)]

    def _ask(self, name: str, data: bytes, policy: Policy) -> list[FileText] | None:
        """The child's answer; None when it died over the file or was too slow."""
        order = {"name": name[:2000], "policy": {**asdict(policy), "groups": sorted(policy.groups)}}
        with (
            tempfile.TemporaryFile()
            if not hasattr(os, "memfd_create")
            else os.fdopen(os.memfd_create("file"), "w+b") as file
        ):
            file.write(data)
            file.seek(0)
            reading, writing = os.pipe()
            try:
                try:
                    with self._guard:
                        self._forks.hand_over(json.dumps(order).encode(), file.fileno(), writing)
                finally:
                    os.close(writing)
                return _answer(reading, time.monotonic() + policy.seconds * 2 + 5)
            except OSError:
                return None
            finally:
                os.close(reading)

    def close(self) -> None:
        """End the process. It holds nothing worth keeping."""
        with self._guard:
            pool, self._pool = self._pool, None
            self._forks.close()
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def _answer(pipe: int, until: float) -> list[FileText] | None:
    """Read the length and then the JSON; None when the other side ends before, or says too much or too late."""
    held, size = bytearray(), -1
    while size < 0 or len(held) < size:
        left = until - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return None
        piece = os.read(pipe, MEGABYTE)
        if not piece:
            return None
        held += piece
        if size < 0 and len(held) >= 4:
            size = int.from_bytes(held[:4], "big")
            del held[:4]
            if size > 64 * MEGABYTE:
                return None
    try:
        return [
            FileText(_clean(str(each["name"]))[:2000], _clean(str(each["text"])), str(each["reason"])[:20])
            for each in json.loads(held)
        ]
    except (ValueError, KeyError, TypeError):
        return None


def _clean(text: str) -> str:
    """Text that can be encoded again: halves of characters (RTF writes them so) are joined, lone ones replaced."""
    if text.isascii():
        return text.replace("\0", " ")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", " ")
