"""Read mail from disk: every file, tree and archive of a source as a flat run of messages and refusals.

For: the importer. Not for: counting (counting.py does that another way, so that the two can disagree).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archive.sources.archives import Ended, Member, Refused, Unpacker, inside, place
from archive.sources.content_length import split_by_length
from archive.sources.mbox import BLOCK_BYTES, Damaged, Piece, Splitter, Stopped, has_blank_lines, watched
from archive.sources.model import SPOOL_OVER_BYTES, Found, Limits, MboxKind, Rejected, Watch
from archive.sources.names import folder_of_mbox, join_folder, names_mbox, shown
from archive.sources.recognise import HEAD_BYTES, Mbox, Nothing, archive_kind, recognise
from archive.sources.spool import LargeMessage, open_spool, rewind, write_spool
from archive.sources.walk import Leaf, walk


@dataclass(slots=True)
class _Text:
    """A file or member to be judged: where it is, what its name says, and how to read it."""

    path: str
    name: str
    folder: list[str]
    single: bool
    alone: bool  # given by the person: an mbox adds no folder of its own
    read: Callable[[int], bytes]
    file: BinaryIO | None  # set when it can seek
    position: Callable[[], int]


class Reader:
    """One run over a source. Use `read()`."""

    def __init__(
        self, mbox: MboxKind, spool_dir: Path, limits: Limits, stop: Callable[[], bool], watch: Watch | None = None
    ) -> None:
        self.watch = watch
        self.mbox: MboxKind = mbox
        self.spool_dir = spool_dir
        self.limits = limits
        self.stop = stop
        self.done = 0  # bytes of files finished
        self.unpacker = Unpacker(limits, spool_dir)

    def run(self, paths: Sequence[Path]) -> Iterator[Found | Rejected]:
        with closing(self.unpacker), suppress(Stopped):
            for leaf in walk(paths, self.limits.directory_levels):
                if isinstance(leaf, Rejected):
                    leaf.consumed = self.done
                    yield leaf
                elif self.stop():
                    os.close(leaf.fd)
                elif self.watch is not None and self.watch.skips(leaf.path, os.fstat(leaf.fd)):
                    os.close(leaf.fd)
                    self.done += leaf.size
                else:
                    yield from self._leaf(leaf)
                    if self.watch is not None and not self.stop():
                        self.watch.finished(leaf.path)
                if self.stop():
                    return

    def _leaf(self, leaf: Leaf) -> Iterator[Found | Rejected]:
        with os.fdopen(leaf.fd, "rb", buffering=0) as file:
            try:
                head = file.read(HEAD_BYTES)
                if not leaf.single and archive_kind(head):
                    file.seek(0)
                    yield from self._archive(leaf, file.fileno())
                else:
                    text = _Text(
                        leaf.path,
                        leaf.name,
                        leaf.folder,
                        leaf.single,
                        leaf.given,
                        read=watched(file.read, self.stop),
                        file=file,
                        position=lambda: self.done + file.tell(),
                    )
                    yield from self._text(text, head)
            except OSError as error:
                yield Rejected(leaf.path, None, f"can't be read: {error.strerror}", self.done)
        self.done += leaf.size

    def _text(self, text: _Text, head: bytes) -> Iterator[Found | Rejected]:
        if text.single:
            yield from self._whole(text, head)
            return
        kind = recognise(head, text.name)
        if isinstance(kind, Nothing):
            yield from self._refuse(text, kind.reason)
        elif isinstance(kind, Mbox):
            yield from self._mbox(text, head, kind)
        else:
            yield from self._whole(text, head)

    def _refuse(self, text: _Text, reason: str) -> Iterator[Rejected]:
        """Name what is no message; of a member that turns out to be damaged or a bomb, that is said instead."""
        if text.file is None:
            try:
                while text.read(BLOCK_BYTES):
                    pass
            except Damaged as damage:
                reason = str(damage)
        yield Rejected(text.path, None, reason, text.position())

    def _whole(self, text: _Text, head: bytes) -> Iterator[Found | Rejected]:
        """A file that is one message, byte for byte."""
        if not head:
            yield from self._refuse(text, "empty file")
            return
        parts, size, large = [head], len(head), None
        try:
            while block := text.read(BLOCK_BYTES):
                size += len(block)
                parts.append(block)
                if size > SPOOL_OVER_BYTES:
                    large = large or LargeMessage(self.spool_dir, "cl2")
                    for part in parts:
                        large.write(part)
                    parts = []
        except Damaged as damage:
            if large is not None:
                large.drop()
            yield Rejected(text.path, None, str(damage), text.position())
            return
        content = None if large else b"".join(parts)
        spool = large.finish() if large else None
        yield Found(text.path, None, join_folder(text.folder), content, spool, size, None, text.position())

    def _mbox(self, text: _Text, head: bytes, kind: Mbox) -> Iterator[Found | Rejected]:
        if kind.preamble:
            yield Rejected(text.path, 0, "no message here: text before the first From line", text.position())
        pieces: Iterator[Piece]
        if self.mbox in ("cl", "cl2"):
            pieces = self._by_length(text, head, kind)
        else:
            rest = Splitter(text.read, head[kind.start :], kind.start, kind.style, self.mbox, self.spool_dir)
            pieces = rest.pieces()
        # only a file with several messages, or named like an mbox, is a folder: single mails saved with their
        # From_ line are not
        own = "" if text.alone else shown(folder_of_mbox(text.name))
        named = names_mbox(text.name) or not own
        first: Found | None = None
        plain, inner = join_folder(text.folder), join_folder([*text.folder, own])
        for number, piece in enumerate(pieces):
            found = self._found(text, piece, inner)
            if number == 0 and not named and isinstance(found, Found):
                first = found
                continue
            if first is not None:
                yield first
                first = None
            yield found
            if number & 255 == 255 and self.stop():
                return
        if first is not None:
            first.folder = plain
            yield first

    def _found(self, text: _Text, piece: Piece, folder: str) -> Found | Rejected:
        if piece.damage:
            return Rejected(text.path, piece.offset, piece.damage, text.position())
        if not piece.size:
            return Rejected(text.path, piece.offset, "empty message", text.position())
        return Found(
            text.path,
            piece.offset,
            folder,
            piece.content,
            piece.spool,
            piece.size,
            piece.received_at,
            text.position(),
        )

    def _by_length(self, text: _Text, head: bytes, kind: Mbox) -> Iterator[Piece]:
        if text.file is not None:
            yield from self._split_by_length(text.file, head, kind)
            return
        with open_spool(self.spool_dir) as spool:
            damage = ""
            write_spool(spool, head)
            try:
                while block := text.read(BLOCK_BYTES):
                    write_spool(spool, block)
            except Damaged as error:
                damage = str(error)
            rewind(spool)
            last: Piece | None = None
            for piece in self._split_by_length(spool, head, kind):
                if last is not None:
                    yield last
                last = piece
            if last is not None and damage:
                if last.spool is not None:
                    last.spool.close()
                last = Piece(last.offset, None, None, None, 0, damage)
            if last is not None:
                yield last

    def _split_by_length(self, file: BinaryIO, head: bytes, kind: Mbox) -> Iterator[Piece]:
        file.seek(0)
        separated = has_blank_lines(file.read(BLOCK_BYTES)[kind.start :], kind.style)
        return split_by_length(file, kind.start, kind.style, self.mbox, separated, self.spool_dir)

    def _archive(self, leaf: Leaf, fd: int) -> Iterator[Found | Rejected]:
        base = self.done
        with closing(self.unpacker.open(fd, leaf.name)) as events:
            for event in events:
                if isinstance(event, Refused):
                    yield Rejected(inside(leaf.path, event.path), None, event.reason, base + event.position)
                elif isinstance(event, Member):
                    yield from self._member(leaf, event, base)
                    if self.stop():
                        return
                elif isinstance(event, Ended) and not event.things:
                    yield Rejected(leaf.path, None, "no message here: an empty archive", base + leaf.size)

    def _member(self, leaf: Leaf, member: Member, base: int) -> Iterator[Found | Rejected]:
        parts, name, single = place(member, leaf.name)
        text = _Text(
            inside(leaf.path, member.path),
            name,
            leaf.folder + [shown(part) for part in parts],
            single,
            leaf.given and not member.path,
            read=watched(member.read, self.stop),
            file=None,
            position=lambda: base + member.position,
        )
        try:
            head = member.head(HEAD_BYTES)
        except Damaged as damage:
            yield Rejected(text.path, None, str(damage), text.position())
            return
        yield from self._text(text, head)


def read(
    paths: Sequence[Path],
    *,
    mbox: MboxKind = "rd",
    spool_dir: Path,
    limits: Limits | None = None,
    stop: Callable[[], bool] = lambda: False,
    watch: Watch | None = None,
) -> Iterator[Found | Rejected]:
    """Everything in `paths`, in a fixed order: messages, and one refusal for each thing that is none.

    Streams: holds at most ~16 MiB, whatever the source. Ends early and in order when `stop()` says so. Never raises
    for anything a source holds. Raises: SpoolFailed (no room for a message over 4 MiB in `spool_dir`).
    Not for several threads at once.
    """
    yield from Reader(mbox, spool_dir, limits or Limits(), stop, watch).run(paths)
