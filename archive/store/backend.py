"""Where journal and packs live: a small face of append-only files, and its two plain implementations.

Everything the engine writes outside its projections goes through a `Backend`, so that the conformance suite can put
a failing one underneath. Not for catalogue and index: SQLite and tantivy write their own files.

What every backend promises:

- `append` returns a writer placed at `at`; whatever lay beyond is gone. Data counts as kept only after `sync()`, and
  what was written under the writer lease only once that is given back too;
- `total` is the sum of the sizes of a folder's files, in bytes;
- `put` replaces a whole small file or leaves the old one: never half of either;
- `lock` is exclusive between processes and threads and is freed when its holder dies. An exception out of the writer
  lease may take back all that was written under it (a transaction), so whoever holds positions asks for them again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .errors import Busy, NotFound, StorageFailed, StoreError, StoreFull


class Writer(Protocol):
    """One file being appended to."""

    @property
    def position(self) -> int: ...

    def write(self, data: bytes) -> None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class Backend(Protocol):
    """Named append-only files below one place. Names are relative, with `/`."""

    def names(self, folder: str) -> list[str]: ...

    def size(self, name: str) -> int: ...

    def total(self, folder: str) -> int: ...

    def read(self, name: str, offset: int, length: int) -> bytes: ...

    def append(self, name: str, at: int) -> Writer: ...

    def put(self, name: str, data: bytes) -> None: ...

    def delete(self, name: str) -> None: ...

    def move_folder(self, folder: str, to: str) -> None: ...

    def lock(self, name: str, *, wait: bool = True) -> contextlib.AbstractContextManager[None]: ...

    def close(self) -> None: ...


def translate(error: OSError, name: str) -> StoreError:
    """The engine's error for one of the operating system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreFull(f"no room left while writing {name}")
    if error.errno == errno.ENOENT:
        return NotFound(f"{name} is not there")
    return StorageFailed(f"{name}: {os.strerror(error.errno or errno.EIO)}")


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn OSError into the engine's errors at this boundary."""
    try:
        yield
    except OSError as error:
        raise translate(error, name) from error


class FileWriter:
    """Appends to one file by descriptor, at a position it tracks itself."""

    def __init__(self, path: Path, name: str, at: int) -> None:
        self._name = name
        with translated(name):
            new = at == 0 and not path.exists()
            if new:
                make_folder(path.parent)
            self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if at == 0 else 0), 0o600)
            try:
                size = os.fstat(self._fd).st_size
                if size < at:
                    raise StorageFailed(f"{name} has {size} bytes, {at} were expected")
                if size > at:
                    os.ftruncate(self._fd, at)
                if new:
                    sync_folder(path.parent)
            except BaseException:
                os.close(self._fd)
                raise
        self._position = at

    @property
    def position(self) -> int:
        return self._position

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        with translated(self._name):
            while view:
                done = os.pwrite(self._fd, view, self._position)
                self._position += done
                view = view[done:]

    def sync(self) -> None:
        with translated(self._name):
            os.fdatasync(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def make_folder(path: Path) -> None:
    """Make a folder whose own name is durable too."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class FileLease:
    """`flock` between processes, a lock between threads; freed by the kernel when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.RLock()
        self._depth = 0
        self._fd = -1

    @contextlib.contextmanager
    def hold(self, *, wait: bool = True) -> Iterator[None]:
        """Hold the lease; waits its turn unless `wait` is false. Raises: Busy."""
        if not self._threads.acquire(blocking=wait):
            raise Busy(f"{self._path.name} is held by another thread")
        try:
            if self._depth == 0:
                self._take(wait=wait)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    os.close(self._fd)
                    self._fd = -1
        finally:
            self._threads.release()

    def _take(self, *, wait: bool) -> None:
        with translated(self._path.name):
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise Busy(f"{self._path.name} is held by another process") from None
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd


class FileBackend:
    """A folder of the local file system. Safe for threads; processes meet at `lock`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._leases: dict[str, FileLease] = {}
        self._open: dict[str, int] = {}
        self._guard = threading.Lock()

    def names(self, folder: str) -> list[str]:
        path = self.root / folder
        if not path.is_dir():
            return []
        with translated(folder):
            return sorted(f"{folder}/{entry.name}" for entry in os.scandir(path) if not entry.name.endswith(".tmp"))

    def size(self, name: str) -> int:
        with translated(name):
            return (self.root / name).stat().st_size

    def total(self, folder: str) -> int:
        return sum(self.size(name) for name in self.names(folder))

    def read(self, name: str, offset: int, length: int) -> bytes:
        with translated(name):
            if "/" not in name:  # a small file that is replaced as a whole, also by another process
                with (self.root / name).open("rb") as file:
                    file.seek(offset)
                    return file.read(length)
            with self._guard:
                # Bounded: a descriptor costs little, but packs are many. Closed under the guard, read outside of it
                # on a duplicate, so that nobody reads from a number that was given to another file meanwhile.
                fd = self._open.get(name)
                if fd is None:
                    fd = os.open(self.root / name, os.O_RDONLY | os.O_CLOEXEC)
                    if len(self._open) >= 64:
                        os.close(self._open.pop(next(iter(self._open))))
                    self._open[name] = fd
                mine = os.dup(fd)
            try:
                return os.pread(mine, length, offset)
            finally:
                os.close(mine)

    def append(self, name: str, at: int) -> FileWriter:
        return FileWriter(self.root / name, name, at)

    def put(self, name: str, data: bytes) -> None:
        path = self.root / name
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}.tmp")
        with translated(name):
            make_folder(path.parent)
            try:
                fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(fd, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            sync_folder(path.parent)
            self._forget(name)

    def _forget(self, name: str) -> None:
        """The name means another file from now on, or none."""
        with self._guard:
            if (fd := self._open.pop(name, None)) is not None:
                os.close(fd)

    def delete(self, name: str) -> None:
        with translated(name):
            self._forget(name)
            (self.root / name).unlink(missing_ok=True)
            sync_folder((self.root / name).parent)

    def move_folder(self, folder: str, to: str) -> None:
        """Give a folder of files another name."""
        with translated(folder):
            self.close()
            (self.root / folder).rename(self.root / to)
            sync_folder(self.root)

    def lock(self, name: str, *, wait: bool = True) -> contextlib.AbstractContextManager[None]:
        with self._guard:
            lease = self._leases.setdefault(name, FileLease(self.root / name))
        return lease.hold(wait=wait)

    def close(self) -> None:
        with self._guard:
            for fd in self._open.values():
                os.close(fd)
            self._open.clear()


class MemoryWriter:
    """Appends to one bytearray of a MemoryBackend; what is not synced is lost by `MemoryBackend.crash()`."""

    def __init__(self, backend: MemoryBackend, name: str, at: int) -> None:
        if len(backend.files.get(name, b"")) < at:
            raise StorageFailed(f"{name} has not the {at} bytes that were expected")
        data = backend.files.setdefault(name, bytearray())
        del data[at:]
        backend.synced[name] = min(backend.synced.get(name, 0), at)
        self._backend = backend
        self._name = name
        self._data = data

    @property
    def position(self) -> int:
        return len(self._data)

    def write(self, data: bytes) -> None:
        self._data += data

    def sync(self) -> None:
        self._backend.synced[self._name] = len(self._data)

    def close(self) -> None:
        """Nothing is held open."""


class MemoryBackend:
    """Files in memory, for tests that need speed or want to lose what was not synced. One process only."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.synced: dict[str, int] = {}
        self._locks: dict[str, threading.RLock] = {}

    def names(self, folder: str) -> list[str]:
        return sorted(name for name in self.files if name.startswith(f"{folder}/"))

    def size(self, name: str) -> int:
        return len(self._file(name))

    def total(self, folder: str) -> int:
        return sum(self.size(name) for name in self.names(folder))

    def read(self, name: str, offset: int, length: int) -> bytes:
        return bytes(self._file(name)[offset : offset + length])

    def append(self, name: str, at: int) -> MemoryWriter:
        return MemoryWriter(self, name, at)

    def put(self, name: str, data: bytes) -> None:
        self.files[name] = bytearray(data)
        self.synced[name] = len(data)

    def delete(self, name: str) -> None:
        self.files.pop(name, None)
        self.synced.pop(name, None)

    def move_folder(self, folder: str, to: str) -> None:
        for name in self.names(folder):
            moved = to + name[len(folder) :]
            self.files[moved] = self.files.pop(name)
            self.synced[moved] = self.synced.pop(name)

    @contextlib.contextmanager
    def lock(self, name: str, *, wait: bool = True) -> Iterator[None]:
        lock = self._locks.setdefault(name, threading.RLock())
        if not lock.acquire(blocking=wait):
            raise Busy(f"{name} is held by another thread")
        try:
            yield
        finally:
            lock.release()

    def close(self) -> None:
        """Nothing is held open."""

    def crash(self) -> None:
        """As after a power cut: what was never synced is gone."""
        for name, data in self.files.items():
            del data[self.synced.get(name, 0) :]

    def _file(self, name: str) -> bytearray:
        try:
            return self.files[name]
        except KeyError:
            raise NotFound(f"{name} is not there") from None
