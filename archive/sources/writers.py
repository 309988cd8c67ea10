"""Write mail out: one file each (.eml), mboxrd, or Maildir++.

For: exports. What a writer leaves in DEST is mail and nothing else, and DEST appears only when all of it is there: it
is built beside DEST (inside it, where that can't be or would change its owner), synced, and renamed by `close()`. A
new DEST is for its owner's eyes only (0700).
Not for: choosing what is exported, or names shown to people (export_names.py makes those safe).

Not for several threads at once. Raises everywhere: WriteFailed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from uuid import uuid4

from archive.sources.export_names import FolderNames, maildir_name, safe_name
from archive.sources.model import WriteFailed
from archive.sources.spool import quoter

_OPEN_MBOXES = 64
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Written:
    """Where a message went, relative to DEST; altered: not the same bytes (mbox: a final newline was added)."""

    altered: bool
    path: str


@contextmanager
def _failures(what: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise WriteFailed(f"{'the disk is full' if full else error.strerror}: {what}") from error


class _Writer:
    """DEST and the staging folder in which it is built."""

    def __init__(self, dest: Path) -> None:
        self.dest = Path(os.path.abspath(dest))  # noqa: PTH100 - no links resolved: it may not exist
        with _failures(self.dest):
            self.existed = self._check_empty()
            self.root = self._stage()
        self.number = 0

    def _check_empty(self) -> bool:
        if not os.path.lexists(self.dest):
            return False
        if not self.dest.is_dir():
            raise WriteFailed(f"{self.dest} exists and is no folder; give a new or an empty one")
        if any(self.dest.iterdir()):
            raise WriteFailed(f"{self.dest} is not empty; give a new or an empty folder")
        return True

    def _stage(self) -> Path:
        name = f".{self.dest.name[:100]}.partial-{uuid4().hex[:8]}"
        if not self.existed:
            self.dest.parent.mkdir(parents=True, exist_ok=True)
        keep = self.dest.is_symlink() or self.dest.is_mount()
        keep = keep or (self.existed and self.dest.stat().st_uid != os.geteuid())
        beside = self.dest.parent / name
        if not keep:
            try:
                beside.mkdir(mode=0o700)
                return beside
            except PermissionError:
                if not self.existed:
                    raise
        inside = self.dest / name
        inside.mkdir(mode=0o700)
        return inside

    def add(self, folder: str, name_hint: str, chunks: Iterable[bytes], when: int | None = None) -> Written:
        """Write one message. An error of `chunks` goes through, and the message leaves nothing behind."""
        self.number += 1
        with _failures(self.dest):
            return self._add(folder, name_hint, chunks, when)

    def _add(self, folder: str, name_hint: str, chunks: Iterable[bytes], when: int | None) -> Written:
        raise NotImplementedError

    def close(self) -> None:
        """Sync everything and let it appear as DEST. After an error here nothing of it is at DEST."""
        with _failures(self.dest):
            self._finish()
            _sync(self.root)
            if self.root.parent == self.dest:
                for entry in sorted(self.root.iterdir()):
                    entry.rename(self.dest / entry.name)
                self.root.rmdir()
            else:
                if self.existed:
                    self.root.chmod(self.dest.stat().st_mode & 0o777)
                self.root.rename(self.dest)
            _sync(self.dest.parent)

    def _finish(self) -> None:
        """What is still open is closed."""

    def abandon(self) -> None:
        """Leave DEST as it was found."""
        with suppress(OSError):
            self._finish()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abandon()
            return
        try:
            self.close()
        except BaseException:
            self.abandon()
            raise

    def _write_file(self, path: Path, chunks: Iterable[bytes]) -> None:
        """A file of its own; never over an existing one."""
        try:
            with path.open("xb", buffering=0) as file:
                for chunk in chunks:
                    _write_all(file, chunk)
        except FileExistsError:
            raise
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _sync(path: Path) -> None:
    """Everything of the file system under `path` onto the disk: one call instead of an fsync per message."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(handle):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    except AttributeError:
        os.sync()
    finally:
        os.close(handle)


class EmlWriter(_Writer):
    """One `.eml` per message, byte for byte, folders as directories: `a/b/000001 hint.eml`."""

    def __init__(self, dest: Path) -> None:
        super().__init__(dest)
        self.folders = FolderNames()

    def _add(self, folder: str, name_hint: str, chunks: Iterable[bytes], when: int | None) -> Written:
        relative = self.folders.path(folder)
        directory = self.root / relative
        hint = safe_name(name_hint, 80)
        name = f"{self.number:06d} {hint}.eml" if hint else f"{self.number:06d}.eml"
        directory.mkdir(parents=True, exist_ok=True)
        try:
            self._write_file(directory / name, chunks)
        except FileExistsError:  # only a folder can bear that name, and then a number more is free
            name = f"{self.number:06d}-{uuid4().hex[:8]}.eml"
            self._write_file(directory / name, chunks)
        return Written(altered=False, path=os.path.join(relative, name))  # noqa: PTH118


class MboxWriter(_Writer):
    """One mboxrd per folder: `a/b.mbox`. What `read()` makes of it is the same messages to the byte.

    Every message gets a postmark (RFC 4155), one more ">" before each line of any number of ">" and "From ", and a
    blank line behind it, be its own line ends CRLF or not. One without final newline gets one: altered.
    """

    def __init__(self, dest: Path) -> None:
        super().__init__(dest)
        self.folders = FolderNames(".mbox")
        self.open: OrderedDict[str, BinaryIO] = OrderedDict()

    def _add(self, folder: str, name_hint: str, chunks: Iterable[bytes], when: int | None) -> Written:
        relative = self.folders.path(folder or "Inbox")
        file = self._file(relative)
        start = file.seek(0, os.SEEK_END)
        try:
            return Written(self._write_message(file, chunks, when), relative)
        except BaseException:
            with suppress(OSError):
                file.truncate(start)
            raise

    def _write_message(self, file: BinaryIO, chunks: Iterable[bytes], when: int | None) -> bool:
        quoting = quoter()
        pending = [postmark(when)]
        size, last = 0, b""
        for chunk in chunks:
            last = chunk[-1:] or last
            pending.append(quoting.feed(chunk))
            size += len(chunk)
            if size > 1 << 20:
                _write_all(file, b"".join(pending))
                pending, size = [], 0
        altered = last != b"\n"
        pending += [quoting.finish(), b"\n\n" if altered else b"\n"]
        _write_all(file, b"".join(pending))
        return altered

    def _file(self, relative: str) -> BinaryIO:
        file = self.open.get(relative)
        if file is None:
            if len(self.open) >= _OPEN_MBOXES:
                self.open.popitem(last=False)[1].close()
            path = self.root / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            file = self.open[relative] = path.open("ab", buffering=0)
        self.open.move_to_end(relative)
        return file

    def _finish(self) -> None:
        while self.open:
            self.open.popitem()[1].close()


def postmark(when: int | None) -> bytes:
    """The From_ line; without a date that of 1970, which readers take for none."""
    t = time.gmtime(when if when is not None and -(1 << 31) < when < 1 << 37 else 0)
    return (
        f"From MAILER-DAEMON {_WEEKDAYS[t.tm_wday]} {_MONTHS[t.tm_mon - 1]} {t.tm_mday:2d} "
        f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} {t.tm_year:04d}\n"
    ).encode("ascii")


class MaildirWriter(_Writer):
    """A Maildir++ (Dovecot, Courier, mutt): the inbox is the root, folder a/b is `.a.b`; byte for byte."""

    def __init__(self, dest: Path) -> None:
        super().__init__(dest)
        self.folders: dict[str, str] = {}
        self.taken: set[str] = set()
        with _failures(self.dest):
            self._make("")

    def _add(self, folder: str, name_hint: str, chunks: Iterable[bytes], when: int | None) -> Written:
        directory = "" if folder.lower() in ("", "inbox") else self._folder(folder)
        relative = os.path.join(directory, "cur", f"{max(when or 0, 0)}.M{self.number:09d}.postkeep:2,S")  # noqa: PTH118
        self._write_file(self.root / relative, chunks)
        return Written(altered=False, path=relative)

    def _folder(self, folder: str) -> str:
        name = self.folders.get(folder)
        if name is None:
            name = self.folders[folder] = maildir_name(folder, self.taken)
            self.taken.add(name.casefold())
            self._make(name)
        return name

    def _make(self, name: str) -> None:
        for part in ("cur", "new", "tmp"):
            (self.root / name / part).mkdir(parents=True, exist_ok=True)
