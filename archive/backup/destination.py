"""Where backups lie: a small face of whole objects by name, and its implementation in a folder.

What every destination promises: `put` leaves the whole object under its name or nothing, durable when it returns; an
object with a name is never changed. Names are relative, with `/`. Not for what the objects are (`manifest`).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from archive.store.backend import FileLease, make_folder, sync_folder
from archive.store.errors import Busy

from .errors import DestinationBusy, DestinationFailed, DestinationFull, DestinationRefused, ObjectMissing

Pieces = Callable[[], Iterator[bytes]]
BLOCK = 4 << 20


class Destination(Protocol):
    """Named whole objects below one place."""

    label: str

    def sizes(self, folder: str) -> dict[str, int]:
        """All objects below a folder, with their bytes."""

    def size(self, name: str) -> int:
        """Raises: ObjectMissing."""

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Some bytes of an object, fewer at its end. Raises: ObjectMissing."""

    def put(self, name: str, pieces: Pieces, size: int) -> None:
        """Keep an object, whole or not at all; `pieces` is asked again where a try fails."""

    def delete(self, name: str) -> None:
        """Also where it isn't there."""

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """One writer at a time. Raises: DestinationBusy."""

    def sweep(self) -> None:
        """Remove what killed writers left behind; only while it is held."""


def pieces_of(destination: Destination, name: str, size: int) -> Iterator[bytes]:
    """A whole object as a stream."""
    at = 0
    while at < size:
        block = destination.read(name, at, min(BLOCK, size - at))
        if not block:
            return
        yield block
        at += len(block)


def read_whole(destination: Destination, name: str) -> bytes:
    """A small object."""
    return b"".join(pieces_of(destination, name, destination.size(name)))


def hash_of(pieces: Iterator[bytes]) -> tuple[str, int]:
    """SHA-256 in hex, and how many bytes."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing(f"{name} is not there") from error
    except OSError as error:
        said = os.strerror(error.errno or errno.EIO)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DestinationFull(f"no room is left at the destination ({name})") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise DestinationRefused(f"{name}: {said}") from error
        raise DestinationFailed(f"{name}: {said}") from error


class FolderDestination:
    """A folder of a file system that this machine has."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.label = str(root)

    def sizes(self, folder: str) -> dict[str, int]:
        top = self.root / folder
        found: dict[str, int] = {}
        with _translated(folder):
            for parent, _folders, files in os.walk(top):
                for file in files:
                    if not file.endswith(".tmp"):
                        path = Path(parent) / file
                        found[path.relative_to(self.root).as_posix()] = path.stat().st_size
        return found

    def size(self, name: str) -> int:
        with _translated(name):
            return (self.root / name).stat().st_size

    def read(self, name: str, offset: int, length: int) -> bytes:
        with _translated(name), (self.root / name).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def put(self, name: str, pieces: Pieces, size: int) -> None:
        path = self.root / name
        temporary = path.with_name(f"{path.name[:80]}.{os.getpid()}.{time.monotonic_ns()}.tmp")
        try:
            with _translated(name):
                self._folder(path.parent)
                fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(fd, "wb") as file:
                    for piece in pieces():
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
                sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    def _folder(self, path: Path) -> None:
        """Made with those above it, each name durable; nothing above the destination itself."""
        if path != self.root and not path.is_dir():
            self._folder(path.parent)
        make_folder(path)

    def delete(self, name: str) -> None:
        with _translated(name):
            (self.root / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                (self.root / name).parent.rmdir()  # where that was the last one

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        with _translated("backup.lock"):
            make_folder(self.root)
        lease = FileLease(self.root / "backup.lock").hold(wait=False)
        try:
            lease.__enter__()
        except Busy as error:
            raise DestinationBusy(f"another backup works on {self.label} now") from error
        try:
            yield
        finally:
            lease.__exit__(None, None, None)

    def sweep(self) -> None:
        with _translated(self.label):
            for path in self.root.rglob("*.tmp"):
                path.unlink(missing_ok=True)
