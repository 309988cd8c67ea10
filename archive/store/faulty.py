"""A backend that fails on purpose, at the call one names: a double for tests and torture, never for mail.

It stands before another backend and counts every call that changes something (append, write, sync, put, delete,
move_folder). At the planned one it refuses, writes half, or dies; a dead one answers nothing more until it is revived,
as a process that was killed does nothing more. With memory behind it, `crash` also loses what was not synced.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator

from .backend import Backend, MemoryBackend, Writer
from .errors import StorageFailed, StoreFull


class Killed(BaseException):
    """The process would be gone now. No Exception, so that nothing which handles failures handles it."""


class Fault(enum.Enum):
    """What happens at the planned call."""

    FULL = "the disk is full"
    FAILED = "an I/O error"
    TORN = "half of the bytes are written, then an I/O error"
    KILLED_BEFORE = "killed before the call"
    KILLED_TORN = "killed with half of the bytes written"
    KILLED_AFTER = "killed after the call"


class FaultyBackend:
    """Passes calls on until the planned one. Safe for one thread."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.calls = 0
        self.fired = False
        self.dead = False
        self._at = 0
        self._fault: Fault | None = None

    def plan(self, at: int, fault: Fault) -> None:
        """The call number `at` from now (1 = the next one) goes wrong."""
        self.calls, self._at, self._fault, self.fired = 0, at, fault, False

    def revive(self) -> None:
        """As a new process would find it: nothing planned. With memory behind it, unsynced bytes stay."""
        self.dead, self._fault = False, None

    def crash(self) -> None:
        """As after a power cut: what was not synced is gone, and nothing is planned."""
        if isinstance(self.inner, MemoryBackend):
            self.inner.crash()
        self.revive()

    @contextlib.contextmanager
    def change(self, name: str) -> Iterator[bool]:
        """Around each changing call. Gives whether only half of it is to be done."""
        self.alive()
        self.calls += 1
        fault = self._fault if self._fault is not None and self.calls == self._at else None
        if fault is None:
            yield False
            return
        self.fired = True
        if fault is Fault.FULL:
            raise StoreFull(f"no room left while writing {name} (planned)")
        if fault is Fault.FAILED:
            raise StorageFailed(f"{name}: planned failure")
        if fault is Fault.KILLED_BEFORE:
            self.dead = True
            raise Killed(name)
        yield fault in (Fault.TORN, Fault.KILLED_TORN)
        if fault is Fault.TORN:
            raise StorageFailed(f"{name}: planned failure in the middle")
        self.dead = True
        raise Killed(name)

    def alive(self) -> None:
        if self.dead:
            raise Killed("dead already")

    def names(self, folder: str) -> list[str]:
        self.alive()
        return self.inner.names(folder)

    def size(self, name: str) -> int:
        self.alive()
        return self.inner.size(name)

    def total(self, folder: str) -> int:
        self.alive()
        return self.inner.total(folder)

    def read(self, name: str, offset: int, length: int) -> bytes:
        self.alive()
        return self.inner.read(name, offset, length)

    def append(self, name: str, at: int) -> FaultyWriter:
        with self.change(name) as half:
            writer = self.inner.append(name, at)
            if half:
                writer.close()
        return FaultyWriter(self, writer, name)

    def put(self, name: str, data: bytes) -> None:
        with self.change(name) as half:
            if not half:
                self.inner.put(name, data)

    def delete(self, name: str) -> None:
        with self.change(name) as half:
            if not half:
                self.inner.delete(name)

    def move_folder(self, folder: str, to: str) -> None:
        with self.change(folder) as half:
            if not half:
                self.inner.move_folder(folder, to)

    def lock(self, name: str, *, wait: bool = True) -> contextlib.AbstractContextManager[None]:
        self.alive()
        return self.inner.lock(name, wait=wait)

    def close(self) -> None:
        """The inner one is its owner's."""


class FaultyWriter:
    """A writer of a FaultyBackend."""

    def __init__(self, backend: FaultyBackend, inner: Writer, name: str) -> None:
        self._backend = backend
        self._inner = inner
        self._name = name

    @property
    def position(self) -> int:
        return self._inner.position

    def write(self, data: bytes) -> None:
        with self._backend.change(self._name) as half:
            self._inner.write(data[: len(data) // 2] if half else data)

    def sync(self) -> None:
        with self._backend.change(self._name) as half:
            if not half:
                self._inner.sync()

    def close(self) -> None:
        self._inner.close()
