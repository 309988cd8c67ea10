"""A folder as a .zip that is made while it is sent: constant memory, nothing written.

Members are stored, not compressed: mail is sent over a compressing connection or is small anyway, and the processor
belongs to the other requests. Not for choosing what to pack.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

CHUNK_BYTES = 256 << 10


class _Pipe:
    """A file to write to whose content is taken away as it comes; without seek or tell, so zipfile streams."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def zip_stream(root: Path) -> Iterator[bytes]:
    """The files below `root` as a zip archive, in the order of their names. Empty folders are kept (Maildir's new/)."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:  # type: ignore[call-overload]
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_dir():
                if not any(path.iterdir()):
                    archive.mkdir(f"{name}/")
                continue
            yield from _member(archive, pipe, path, name)
    yield pipe.take()


def _member(archive: zipfile.ZipFile, pipe: _Pipe, path: Path, name: str) -> Iterator[bytes]:
    stat = path.stat()
    info = zipfile.ZipInfo(name, time.gmtime(max(stat.st_mtime, 315_532_800))[:6])
    info.external_attr = 0o600 << 16
    with path.open("rb") as source, archive.open(info, "w", force_zip64=stat.st_size > 1 << 31) as member:
        while chunk := source.read(CHUNK_BYTES):
            member.write(chunk)
            yield pipe.take()
    yield pipe.take()
