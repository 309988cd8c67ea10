"""The process that opens archives: reads one from a handle, writes its members as frames into a pipe.

Started by archives.py with a socket. It loads nothing but parsers and then forks once per archive; each fork has
bounds on memory, processor time, file size and handles, no network where the system allows that, and no way to write
under a name: the only file it ever makes is an anonymous one (a zip inside an archive needs seeking).
Not for: deciding what a member is; that is done on the other side, as for any file.

Frames: kind (1 byte) | length u32 | bytes of the archive read u64 | payload. M a member begins (layers u8, path
segments joined by NUL), D its data, E its end, X its end by damage (why), R refused (path, two NULs, why), Z done.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import resource
import signal
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import zstandard

from archive.forks import serve
from archive.sources.model import Limits
from archive.sources.names import place_path
from archive.sources.recognise import archive_kind
from archive.sources.zip_headers import ZipMember, local_header
from archive.sources.zstd_frames import ZstdWatch

_FRAME = struct.Struct(">cIQ")
_CHUNK = 256 << 10
_PEEK = 1024  # enough to know an archive by
_ZSTD_WINDOW = 1 << 27  # what `zstd --long=27` writes; more would need more memory than an import may take


class Broken(Exception):
    """What is read at `level` is damaged; named: it has been told already."""

    def __init__(self, reason: str, level: int) -> None:
        super().__init__(reason)
        self.level = level
        self.named = False


class Bomb(Exception):
    """A bound of `Limits` is passed; the whole archive ends here."""

    named = False


_ERRORS = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError, tarfile.TarError)
_ZIP_ERRORS = (*_ERRORS, zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error, KeyError, IndexError)


def _why(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "the archive needs more memory than allowed"
    return f"the archive is damaged here: {error or type(error).__name__}"


class Stream:
    """A stream one can look ahead in. Every error of what is below becomes `Broken` of this level."""

    def __init__(self, read: Callable[[int], bytes], level: int) -> None:
        self._read = read
        self.level = level
        self._ahead = b""

    def read(self, size: int = _CHUNK) -> bytes:
        if self._ahead:
            head, self._ahead = self._ahead[:size], self._ahead[size:]
            return head
        try:
            return self._read(size)
        except (Broken, Bomb):
            raise
        except (*_ZIP_ERRORS, MemoryError) as error:
            raise Broken(_why(error), self.level) from error

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size:
            ahead, self._ahead = self._ahead, b""
            try:
                more = self.read(size)
            finally:
                self._ahead = ahead
            if not more:
                break
            self._ahead += more
        return self._ahead


def _decompressor(kind: str, below: Stream) -> Callable[[int], bytes]:
    source = cast("BinaryIO", below)
    if kind == "gz":
        return gzip.GzipFile(fileobj=source, mode="rb").read1
    if kind == "bz2":
        return bz2.BZ2File(source).read1
    if kind == "xz":
        return lzma.LZMAFile(source).read1
    plain = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    return plain.stream_reader(cast("BinaryIO", ZstdWatch(below)), read_across_frames=True).read1


class _TarInfo(tarfile.TarInfo):
    """Remembers in its archive how the reading of headers ended: tarfile takes a broken header for the end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> _TarInfo:
        try:
            return super().fromtarfile(tar)
        except Exception as error:
            cast("Any", tar).ended_by = error
            raise


@dataclass(slots=True)
class _Place:
    """Where we are: a path segment per archive, and how many plain compressions were taken off the last."""

    segments: list[str]
    layers: int = 0

    def inside(self, name: str) -> _Place:
        return _Place([*self.segments, name.replace("\x00", "")])

    def path(self) -> bytes:
        return b"\x00".join(_name_bytes(segment) or b"?" for segment in self.segments)


def _name_bytes(name: str) -> bytes:
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return name.encode("utf-8", "replace")


class Unpacking:
    """One archive on its way into the pipe."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits, spool_dir: str, out: BinaryIO) -> None:
        self.file = file
        self.name = name
        self.limits = limits
        self.spool_dir = spool_dir
        self.out = out
        self.size = os.fstat(file.fileno()).st_size
        self.zip_bytes = 0  # compressed bytes of the outermost zip gone through; a zip is not read in order
        self.in_zip = False
        self.unpacked = 0
        self.members = 0

    def run(self) -> None:
        stream = Stream(self.file.read, 0)
        try:
            self._visit(stream, _Place([]), 0)
        except (Broken, Bomb) as error:
            if not error.named:
                self._refuse(_Place([]), str(error))
        self._frame(b"Z", b"")
        self.out.flush()

    def _position(self) -> int:
        return min(self.size, self.zip_bytes if self.in_zip else self.file.tell())

    def _frame(self, kind: bytes, payload: bytes) -> None:
        self.out.write(_FRAME.pack(kind, len(payload), self._position()))
        self.out.write(payload)

    def _refuse(self, place: _Place, reason: str) -> None:
        self._frame(b"R", place.path() + b"\x00\x00" + reason.encode("utf-8", "replace"))

    def _spend(self, size: int) -> None:
        """Account for bytes unpacked, at any level. Raises: Bomb."""
        self.unpacked += size
        if self.unpacked > self.limits.total_bytes:
            raise Bomb(f"unpacks to more than {self.limits.total_bytes:,} bytes; the rest was not read")
        if self.unpacked > max(self.limits.ratio_from_bytes, self.limits.ratio * max(1, self._position())):
            raise Bomb(f"unpacks to more than {self.limits.ratio} times its size (a bomb); the rest was not read")

    def _count_member(self) -> None:
        self.members += 1
        if self.members > self.limits.members:
            raise Bomb(f"holds more than {self.limits.members:,} things; the rest was not read")

    def _visit(self, stream: Stream, place: _Place, depth: int) -> None:
        """Send what `stream` holds: its members if it is an archive, else itself."""
        _, _, single = place_path(place.segments, place.layers, self.name)
        kind = None if single else archive_kind(stream.peek(_PEEK))
        if kind is None:
            self._send(stream, place)
        elif depth >= self.limits.nesting:
            self._refuse(place, f"archives nested more than {self.limits.nesting} deep")
        elif kind == "tar":
            self._tar(stream, place, depth + 1)
        elif kind == "zip":
            self._zip(stream, place, depth + 1)
        else:
            self._compressed(kind, stream, place, depth + 1)

    def _compressed(self, kind: str, stream: Stream, place: _Place, depth: int) -> None:
        try:
            plain = _decompressor(kind, stream)
        except (*_ERRORS, MemoryError) as error:
            raise Broken(_why(error), stream.level + 1) from error
        inner = Stream(self._accounted(plain), stream.level + 1)
        place = _Place(place.segments, place.layers + 1)
        try:
            is_tar = archive_kind(inner.peek(_PEEK)) == "tar"
        except Broken as error:
            self._name(error, place)
            raise
        if is_tar:
            self._tar(inner, place, depth)
        else:
            self._visit(inner, place, depth)

    def _accounted(self, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def accounted(size: int) -> bytes:
            data = read(size)
            self._spend(len(data))
            return data

        return accounted

    def _name(self, error: Broken | Bomb, place: _Place) -> None:
        if not error.named:
            self._refuse(place, str(error))
            error.named = True

    def _send(self, stream: Stream, place: _Place) -> None:
        """One member. Damage in it is told as its end."""
        self._frame(b"M", bytes([min(place.layers, 255)]) + place.path())
        try:
            while data := stream.read(_CHUNK):
                self._frame(b"D", data)
        except (Broken, Bomb) as error:
            self._frame(b"X", str(error).encode("utf-8", "replace"))
            error.named = True
            raise
        self._frame(b"E", b"")

    def _inner(self, stream: Stream, place: _Place, depth: int, level: int) -> None:
        """A member of the container at `level`. Damage that is its own is named and over; other damage goes on up."""
        try:
            self._visit(stream, place, depth)
        except Broken as error:
            self._name(error, place)
            if error.level <= level:
                raise

    def _tar(self, stream: Stream, place: _Place, depth: int) -> None:
        level = stream.level + 1
        try:
            with tarfile.open(fileobj=cast("BinaryIO", stream), mode="r|", tarinfo=_TarInfo) as tar:
                self._tar_members(tar, place, depth, level)
                self._check_tar_end(getattr(tar, "ended_by", None), level)
        except (*_ERRORS, MemoryError, OverflowError) as error:
            broken = Broken(_why(error), level)
            self._name(broken, place)
            raise broken from error
        while stream.read(_CHUNK):  # padding behind the end; a compressed tar shows its damage here
            pass

    def _check_tar_end(self, ended_by: Exception | None, level: int) -> None:
        kind = type(ended_by).__name__  # tarfile keeps these classes to itself
        if ended_by is None or kind == "EOFHeaderError":
            return
        missing = kind == "EmptyHeaderError"
        why = "the tar has no end mark" if missing else f"bad header in the tar: {ended_by}"
        raise Broken(f"the archive is damaged here: {why}; what followed is lost", level)

    def _tar_members(self, tar: tarfile.TarFile, place: _Place, depth: int, level: int) -> None:
        while (info := tar.next()) is not None:
            cast("Any", tar).members = []  # or the list of a large archive eats all memory
            if info.isdir():
                continue
            self._count_member()
            inner = place.inside(info.name)
            what = _tar_special(info)
            if what:
                self._refuse(inner, f"no message here: {what}")
                continue
            file = tar.extractfile(info)
            if file is None:
                self._refuse(inner, "no message here: not a file")
                continue
            read = self._accounted(file.read) if info.issparse() else file.read  # holes cost nothing in the archive
            self._inner(Stream(read, level), inner, depth, level)

    def _zip(self, stream: Stream, place: _Place, depth: int) -> None:
        level = stream.level + 1
        outermost = stream.level == 0
        if outermost:
            self.file.seek(0)
            self.in_zip = True
            self._zip_members(self.file, place, depth, level)
            return
        with tempfile.TemporaryFile(dir=self.spool_dir) as spool:
            size = 0
            try:
                while data := stream.read(_CHUNK):
                    size += len(data)
                    if size > self.limits.nested_zip_bytes:
                        raise Broken(f"a zip of over {self.limits.nested_zip_bytes:,} bytes inside an archive", level)
                    spool.write(data)
                spool.seek(0)
            except OSError as error:
                raise Broken(f"no room to open a zip inside an archive: {error.strerror}", level) from error
            self._zip_members(cast("BinaryIO", spool), place, depth, level)

    def _zip_members(self, file: BinaryIO, place: _Place, depth: int, level: int) -> None:
        try:
            archive = zipfile.ZipFile(file)
        except (*_ZIP_ERRORS, MemoryError) as error:
            self._zip_in_order(file, place, depth, level)
            broken = Broken(f"the archive is damaged: {error or type(error).__name__}", level)
            self._name(broken, place)
            raise broken from error
        with archive:
            for info in archive.infolist():
                if level == 1:
                    self.zip_bytes += max(info.compress_size, 0) + 30 + len(info.filename)
                if info.is_dir():
                    continue
                self._count_member()
                self._zip_member(archive, info, place.inside(info.orig_filename), depth, level)

    def _zip_member(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: _Place, depth: int, level: int
    ) -> None:
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode):
            self._refuse(place, "no message here: a symbolic link, not followed")
        elif info.flag_bits & 1:
            self._refuse(place, "encrypted; give it unpacked")
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            self._refuse(place, "no message here: a device or the like")
        else:
            try:
                file = archive.open(info)
            except (*_ZIP_ERRORS, MemoryError) as error:
                self._refuse(place, _why(error))
                return
            with file:
                # a member's damage is its own: the table of contents leads to the next one
                self._inner(Stream(self._accounted(cast("Any", file).read1), level + 1), place, depth, level)

    def _zip_in_order(self, file: BinaryIO, place: _Place, depth: int, level: int) -> None:
        """The members of a zip that has lost its table of contents, by their own headers (APPNOTE 4.3.7)."""
        at = 0
        while True:
            file.seek(at)
            header = file.read(30)
            if len(header) < 30 or header[:4] != b"PK\x03\x04":
                return
            flags, method, packed, name_length, extra_length = local_header(header)
            name = file.read(name_length).decode("utf-8" if flags & 0x800 else "cp437", "surrogateescape")
            file.seek(extra_length, io.SEEK_CUR)
            at += 30 + name_length + extra_length
            inner = place.inside(name)
            if name.endswith("/") and not packed:
                continue
            self._count_member()
            if flags & 1:
                self._refuse(inner, "encrypted; give it unpacked")
            if method not in (0, 8) or (method == 0 and flags & 8) or (flags & 1 and not packed):
                return
            member = ZipMember(file, packed if not flags & 8 else None, raw=method == 0)
            if not flags & 1:
                self._inner(Stream(self._accounted(member.read), level + 1), inner, depth, level)
            at = at + packed if packed and not flags & 8 else member.behind()
            if level == 1:
                self.zip_bytes = at


def _tar_special(info: tarfile.TarInfo) -> str | None:
    if info.issym():
        return "a symbolic link, not followed"
    if info.islnk():
        return "a hard link, not followed"
    if info.isfifo():
        return "a named pipe"
    if info.ischr() or info.isblk():
        return "a device"
    return None if info.isfile() else "not a file"


def _confine(limits: Limits, size: int) -> None:
    """Bounds of this process. Time: what unpacking the most that is allowed takes at 5 MB/s, and a minute."""
    most = min(limits.total_bytes, max(limits.ratio_from_bytes, size * limits.ratio))
    cpu_s = 60 + min(most // 5_000_000, size // 100_000 + 600)
    for what, bound in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.nested_zip_bytes + _CHUNK),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (bound, bound))


def _serve(order: dict[str, Any], archive_fd: int, pipe_fd: int) -> None:
    limits = Limits(**order["limits"])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with os.fdopen(pipe_fd, "wb", buffering=1 << 20) as out, os.fdopen(archive_fd, "rb", buffering=0) as file:
        _confine(limits, os.fstat(archive_fd).st_size)
        name = os.fsdecode(bytes.fromhex(order["name"]))
        Unpacking(file, name, limits, order["spool_dir"], out).run()


if __name__ == "__main__":
    serve(_serve)
