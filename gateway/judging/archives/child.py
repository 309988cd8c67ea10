"""The process that looks into archives: takes one as an open file, answers in JSON what files it has.

A fork per archive, bounded in memory, processor time and wall-clock time, without network and rights (`archive.forks`).
Zip, tar, gzip, bzip2 and xz are opened, each other inside each other; of a file only the first bytes are looked at.
Not for texts (`archive.texts`) nor for importing mail (`archive.sources`).
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import resource
import signal
import tarfile
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from archive.forks import serve
from domains.policy.inside import PEEK_BYTES, UNLISTED, type_by_name, type_of

MEMORY_BYTES = 512 << 20
SECONDS = 5
MOST_ENTRIES, MOST_DEPTH, MOST_NAME = 2000, 5, 1000  # of further files only the names are told
MOST_TOLD_BYTES = 6 << 20
MOST_INNER_BYTES = 64 << 20  # of archives inside, taken together
NOBODY = 65534
_BROKEN = (
    OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError, NotImplementedError,
    zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip
_PACKED: dict[str, Any] = {
    "application/gzip": gzip.open,
    "application/x-bzip2": bz2.open,
    "application/x-xz": lzma.open,
}
_OPENED = frozenset({"application/zip", "application/x-tar", *_PACKED})


@dataclass(slots=True)
class Look:
    """What was found: (name, type, depth) each; `skipped` has what wasn't looked at."""

    entries: list[tuple[str, str, int]] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    left_bytes: int = MOST_INNER_BYTES
    left_told_bytes: int = MOST_TOLD_BYTES

    def into(self, data: bytes, depth: int) -> None:
        """Never raises but MemoryError."""
        kind = type_of(data[: PEEK_BYTES * 2])
        try:
            if kind == "application/zip":
                self._zip(data, depth)
            elif kind == "application/x-tar":
                self._tar(io.BytesIO(data), depth)
            elif kind in _PACKED:
                self._packed(kind, data, depth)
        except _BROKEN:
            self.skipped.add("archive-unread")

    def _zip(self, data: bytes, depth: int) -> None:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if self._is_full:
                    self._add(info.filename, type_by_name(info.filename), depth)
                    continue
                if info.flag_bits & 1:
                    self.skipped.add("archive-locked")
                    self._add(info.filename, type_by_name(info.filename), depth)
                    continue
                try:
                    with archive.open(info) as file:
                        self._member(info.filename, file, depth)
                except _BROKEN:
                    self.skipped.add("archive-unread")
                    self._add(info.filename, type_by_name(info.filename), depth)

    def _tar(self, source: IO[bytes], depth: int) -> None:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for info in archive:
                if info.isfile() and self._is_full:
                    self._add(info.name, type_by_name(info.name), depth)
                elif info.isfile() and (file := archive.extractfile(info)) is not None:
                    self._member(info.name, file, depth)

    def _packed(self, kind: str, data: bytes, depth: int) -> None:
        """A plain compression: of one file, or of a tar."""
        opened: Any = _PACKED[kind](io.BytesIO(data), "rb")
        with opened:
            self._member(_name_in_gzip(data) if kind == "application/gzip" else "", opened, depth)

    def _member(self, name: str, file: IO[bytes], depth: int) -> None:
        start = file.read(PEEK_BYTES * 2)
        kind = type_of(start) or type_by_name(name)
        self._add(name, kind, depth)
        if kind in UNLISTED and kind not in _OPENED:
            self.skipped.add("archive-inside")
        elif kind in _OPENED and not name.lower().endswith((".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp")):
            if depth >= MOST_DEPTH:
                self.skipped.add("archive-inside")
                return
            rest = file.read(max(self.left_bytes - len(start), 0) + 1)
            self.left_bytes -= len(start) + len(rest)
            if self.left_bytes < 0:
                self.left_bytes = 0
                self.skipped.add("archive-inside")
                return
            self.into(start + rest, depth + 1)

    @property
    def _is_full(self) -> bool:
        return len(self.entries) >= MOST_ENTRIES

    def _add(self, name: str, kind: str, depth: int) -> None:
        if self._is_full:
            self.skipped.add("archive-entries")
        entry = (name[:MOST_NAME], kind, depth)
        self.left_told_bytes -= len(json.dumps(entry)) + 2
        if self.left_told_bytes < 0:
            self.skipped.add("archive-entries")
            raise EOFError
        self.entries.append(entry)


def _name_in_gzip(data: bytes) -> str:
    """The name that gzip keeps, where it does and nothing else stands before it (RFC 1952 §2.3)."""
    if len(data) > 10 and data[3] & 0x1C == 0x08:
        return data[10 : 10 + MOST_NAME].split(b"\0", 1)[0].decode("latin-1")
    return ""


def _confine() -> None:
    for what, bound in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (bound, bound))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS * 2)


def _serve(_order: dict[str, Any], file_fd: int, pipe_fd: int) -> None:
    _confine()
    with os.fdopen(file_fd, "rb") as file:
        data = file.read()
    look = Look()
    try:
        look.into(data, 1)
    except (MemoryError, RecursionError):
        look.skipped.add("archive-unread")
    del data
    answer = {"entries": look.entries, "skipped": sorted(look.skipped)}
    with os.fdopen(pipe_fd, "wb") as out:
        out.write(json.dumps(answer).encode())


def _prepare() -> None:
    for name in ("cp437", "utf-8", "latin-1", "ascii"):  # while this process may still read where Python lies
        codecs.lookup(name)
    if os.getuid() == 0:
        with suppress(OSError):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)


if __name__ == "__main__":
    serve(_serve, _prepare)
