"""How many messages a source holds, found out another way than `read()` does.

For: the importer's check that nothing went missing: what is counted here = archived + duplicates + rejected.
It looks for all postmarks of an mbox at once and never at what stands between; everything else counts as one.
With reading it shares the definitions only: what a postmark is, what is an archive, an mbox, a message by its name;
and the doors to the disk (walk.py, archives.py).
"""

from __future__ import annotations

import os
import re
import stat
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

from archive.sources.archives import Ended, Member, Unpacker, place
from archive.sources.mbox import Damaged, Stopped, watched
from archive.sources.model import Limits, MboxKind, Rejected
from archive.sources.postmark import LOOK_BYTES, Style
from archive.sources.recognise import HEAD_BYTES, Mbox, archive_kind, recognise
from archive.sources.spool import open_spool, rewind, write_spool
from archive.sources.walk import walk

_BLOCK = 1 << 20
_FROM = re.compile(rb"\nFrom ")
_LENGTH = re.compile(rb"\ncontent-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r?\n", re.IGNORECASE)
_BODY = re.compile(rb"\n\r?\n")


def _postmarks(read: Callable[[int], bytes], text: bytes, start: int, style: Style) -> Iterator[int]:
    """Offsets of all postmarks from `start` on; `text` is the head of the file, `read` gives the rest."""
    base, more = 0, True
    text = b"\n" + text  # so that every line of the file has a line end before it
    while more:
        try:
            block = read(_BLOCK)
        except Damaged:
            block = b""
        more = bool(block)
        text += block
        sure = len(text) - LOOK_BYTES if more else len(text)
        for hit in _FROM.finditer(text):
            at = hit.start()
            if at >= sure:
                break
            if base + at >= start and style.judge(text, at + 1)[0]:
                yield base + at
        sure = max(sure, 0)
        base, text = base + sure, text[sure:]


def _count_mbox(read: Callable[[int], bytes], head: bytes, kind: Mbox) -> int:
    return sum(1 for _ in _postmarks(read, head, kind.start, kind.style))


def _count_by_length(file: BinaryIO, kind: Mbox, headers_max: int) -> int:
    """Believe a Content-Length that leads to a postmark or to the end: skip the postmarks before that place."""
    file.seek(0)
    places = array("Q", _postmarks(file.read, b"", kind.start, kind.style))
    size = file.seek(0, os.SEEK_END)
    number = index = 0
    while index < len(places):
        number += 1
        target = _target(file, places[index], headers_max)
        index += 1
        if target is None or target > size:
            continue
        file.seek(target)
        after = file.read(2)
        blank = 1 if after[:1] == b"\n" else 2 if after == b"\r\n" else 0
        if target + blank == size:
            break
        for landing in (target, target + blank):
            following = bisect_left(places, landing, index)
            if following < len(places) and places[following] == landing:
                index = following
                break
    return number


def _target(file: BinaryIO, postmark: int, headers_max: int) -> int | None:
    file.seek(postmark)
    text = file.read(16 << 10)
    if _BODY.search(text, text.find(b"\n") + 1) is None:
        file.seek(postmark)
        text = file.read(headers_max + text.find(b"\n") + 1)
    line = text.find(b"\n")
    body = _BODY.search(text, line + 1)
    if line < 0 or body is None:
        return None
    length = _LENGTH.search(text, line, body.start() + 1)
    return None if length is None else postmark + body.end() + int(length[1])


class _Counter:
    def __init__(self, mbox: MboxKind, spool_dir: Path | None, limits: Limits, stop: Callable[[], bool]) -> None:
        self.mbox = mbox
        self.spool_dir = spool_dir or Path("/tmp")  # noqa: S108 - anonymous files only
        self.limits = limits
        self.stop = stop
        self.unpacker = Unpacker(limits, self.spool_dir)

    def run(self, paths: Sequence[Path]) -> int:
        number = 0
        with closing(self.unpacker), suppress(Stopped):
            for leaf in walk(paths, self.limits.directory_levels):
                if self.stop():
                    if not isinstance(leaf, Rejected):
                        os.close(leaf.fd)
                    break
                if isinstance(leaf, Rejected) or leaf.single:
                    number += 1
                    if not isinstance(leaf, Rejected):
                        os.close(leaf.fd)
                    continue
                with os.fdopen(leaf.fd, "rb", buffering=0) as file:
                    number += self._file(file, leaf.name)
        return number

    def _file(self, file: BinaryIO, name: str) -> int:
        try:
            head = file.read(HEAD_BYTES)
            if archive_kind(head):
                file.seek(0)
                return self._archive(file.fileno(), name)
            return self._text(file.read, head, name, file)
        except OSError:
            return 1

    def _text(self, read: Callable[[int], bytes], head: bytes, name: str, file: BinaryIO | None) -> int:
        kind, read = recognise(head, name), watched(read, self.stop)
        if not isinstance(kind, Mbox):
            return 1
        if self.mbox in ("rd", "o"):
            return kind.preamble + _count_mbox(read, head, kind)
        if file is not None:
            return kind.preamble + _count_by_length(file, kind, 1 << 20)
        with open_spool(self.spool_dir) as spool:
            write_spool(spool, head)
            try:
                while block := read(_BLOCK):
                    write_spool(spool, block)
            except Damaged:
                pass
            rewind(spool)
            return kind.preamble + _count_by_length(spool, kind, 1 << 20)

    def _archive(self, fd: int, name: str) -> int:
        number = 0
        with closing(self.unpacker.open(fd, name)) as events:
            for event in events:
                if isinstance(event, Ended):
                    number += event.things == 0
                elif isinstance(event, Member):
                    number += self._member(event, name)
                else:
                    number += 1
        return number

    def _member(self, member: Member, archive_name: str) -> int:
        _, name, single = place(member, archive_name)
        if single:
            return 1
        try:
            head = member.head(HEAD_BYTES)
        except Damaged:
            return 1
        return self._text(member.read, head, name, None)


def count(
    paths: Sequence[Path],
    *,
    mbox: MboxKind = "rd",
    spool_dir: Path | None = None,
    limits: Limits | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """The number of messages in `paths`, things that hold none included: each refusal of `read()` is one.

    Streams; archives are unpacked once more, under the same limits. `spool_dir` is used for mboxcl in archives and
    zips in archives only.
    """
    return _Counter(mbox, spool_dir, limits or Limits(), stop).run(paths)


def estimate(paths: Sequence[Path]) -> int:
    """Bytes that `read()` will go through, by the sizes on disk; the scale of `consumed`."""
    total = 0
    for path in paths:
        with suppress(OSError):
            status = Path(path).stat()
            total += status.st_size if stat.S_ISREG(status.st_mode) else 0
            stack = [os.fspath(path)] if stat.S_ISDIR(status.st_mode) else []
            while stack:
                total += _size_of_files(stack)
    return total


def _size_of_files(stack: list[str]) -> int:
    """Bytes in the files of the last directory of the stack, which its subdirectories replace."""
    total = 0
    with suppress(OSError), os.scandir(stack.pop()) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                total += entry.stat(follow_symlinks=False).st_size
    return total
