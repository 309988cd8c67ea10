"""Chunks of an import made ready for the disk: hashed, parsed, compressed. Not for keeping them (`ingest`).

A large import has its messages parsed in a process beside this one, once so many had to wait that starting it pays.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

import zstandard

from archive.mail.extract import Extract, extract

from .adding import Incoming, IncomingPart
from .beside import Beside
from .codec import Squeezed, squeeze_many
from .drafts import Draft
from .parsing import Parsed, parse, parsed
from .parts import LEAST_BYTES
from .replay import TEXT_BYTES
from .samples import SAMPLE_BYTES, Samples
from .splitting import Split, as_recipe
from .store import Store

FIRST_SAMPLE_BYTES = 6 << 20
# The process costs about a third of a second of a processor: from here on it is worth that.
BESIDE_MESSAGES = 1_000
BESIDE_BYTES = 8 << 20
# What comes of a process that died, or that something is the matter with.
BROKEN = (OSError, ValueError, EOFError, TypeError, KeyError, struct.error)


@dataclass(slots=True)
class Given:
    """One message as the caller put it: `content` or, for a large one, `spool`."""

    folder: int
    token: Any
    content: bytes | None
    spool: BinaryIO | None
    size: int
    received_at: int | None


@dataclass(slots=True)
class Chunk:
    given: list[Given] = field(default_factory=list)
    size: int = 0
    since: float = 0.0


@dataclass(slots=True)
class Prepared:
    given: list[Given]
    incoming: list[Incoming]
    texts: list[Extract | Draft | None]


class Parsing:
    """Where messages are parsed: here, and once BESIDE_MESSAGES had to wait for that, in a process beside this one."""

    def __init__(self, *, with_texts: bool) -> None:
        self._with_texts = with_texts
        self._passed = 0
        self._beside: Beside | None = None
        self._may = len(os.sched_getaffinity(0)) > 1 if hasattr(os, "sched_getaffinity") else True

    def begin(self, raws: Sequence[bytes], *, is_behind: bool) -> bool:
        """Hand a batch to the process; whether it took it. is_behind: more messages wait already."""
        self._passed += len(raws) * is_behind
        if not raws or sum(map(len, raws)) > BESIDE_BYTES or not self._may or self._passed < BESIDE_MESSAGES:
            return False
        try:
            if self._beside is None:
                self._beside = Beside()
            if not self._beside.has_room:
                return False
            self._beside.send(raws, with_texts=self._with_texts)
        except OSError:
            self._give_up()
            return False
        return True

    def end(self, raws: Sequence[bytes]) -> list[Parsed]:
        """What the oldest batch that the process took says; it is parsed here where that failed."""
        if self._beside is not None:
            try:
                said = self._beside.receive()
                if len(said) == len(raws):
                    return said
            except BROKEN:
                pass
            self._give_up()
        return parse(raws)

    def _give_up(self) -> None:
        self._may = False
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        beside, self._beside = self._beside, None
        if beside is not None:
            beside.close()


@dataclass(slots=True)
class Begun:
    """A chunk that is hashed, and whose messages may be being parsed elsewhere. fresh: what the store has not yet."""

    given: list[Given]
    digests: list[bytes]
    fresh: list[Given]
    is_beside: bool

    @property
    def raws(self) -> list[bytes]:
        """Of those that are held in memory."""
        return [given.content for given in self.fresh if given.content is not None]


class Preparer:
    """Hashes, parses and compresses chunks. The first ones wait until there is enough to train a dictionary on.

    with_texts: whether the index is fed with what was parsed. To be closed.
    """

    def __init__(self, store: Store, *, with_texts: bool = True) -> None:
        self._store = store
        first = store.current_dictionary() == 0
        raw_bytes = store.catalogue.counter("raw_bytes")
        self._samples = Samples(raw_bytes, 0 if first else max(raw_bytes, SAMPLE_BYTES))
        self._waiting: list[Chunk] | None = [] if first else None
        self._parsing = Parsing(with_texts=with_texts)
        # How many of the messages, counted as `Samples` does, are in the store by now.
        self.committed = 0

    def take(self, chunk: Chunk) -> list[Chunk]:
        """What may be prepared now that this chunk has come."""
        for given in chunk.given:
            if given.content:
                self._samples.add(given.content)
        if self._waiting is None:
            self._train()
            return [chunk]
        self._waiting.append(chunk)
        large = any(given.spool is not None for given in chunk.given)
        if large or sum(one.size for one in self._waiting) >= FIRST_SAMPLE_BYTES:
            return self.finish()
        return []

    def finish(self) -> list[Chunk]:
        """What was held back, with a dictionary if it was enough for one."""
        waiting, self._waiting = self._waiting or [], None
        self._train()
        return waiting

    def close(self) -> None:
        self._parsing.close()

    def _train(self) -> None:
        samples = self._samples.due(self.committed, self._store.catalogue.find_sha256)
        if samples:
            # Too uniform samples can't be trained on; then there is nothing to win either.
            with suppress(zstandard.ZstdError):
                self._store.train_dictionary(samples)

    def begin(self, chunk: Chunk, *, is_behind: bool = False) -> Begun:
        """Hash a chunk, and have it parsed. What the store has already is not parsed again."""
        digests = [digest_of(given) for given in chunk.given]
        known = self._store.catalogue.find_sha256(digests)
        fresh = [given for given, digest in zip(chunk.given, digests, strict=True) if digest not in known]
        begun = Begun(chunk.given, digests, fresh, is_beside=False)
        begun.is_beside = self._parsing.begin(begun.raws, is_behind=is_behind)
        return begun

    def end(self, begun: Begun) -> Prepared:
        """The same chunk, parsed. To be called in the order of `begin`."""
        small = iter(self._parsing.end(begun.raws) if begun.is_beside else parse(begun.raws))
        # By its beginning, where it is large.
        said = {
            id(given): next(small) if given.content is not None else parsed(text_of(given)) for given in begun.fresh
        }
        prepared = Prepared(begun.given, [], [])
        now = int(time.time())
        for given, digest in zip(begun.given, begun.digests, strict=True):
            one = said.get(id(given))
            prepared.texts.append(None if one is None else one.text)
            prepared.incoming.append(self._incoming(given, digest, one, now))
        return prepared

    def _incoming(self, given: Given, digest: bytes, said: Parsed | None, now: int) -> Incoming:
        date = said.date if said is not None else None
        if date is None:
            date = given.received_at if given.received_at is not None else now
        frames: Callable[[], Iterable[Squeezed]] = _not_squeezed
        parts: list[IncomingPart] = []
        if said is None or given.content is None:
            # Compressed under the lease: a large message, or one that is known now and may be deleted until then.
            split = self._split(given) if said is not None else Split(reader_of(given), given.size, [])
            frames, parts = partial(split.frames, self._store), split.parts(self._store)
        description = said.said if said is not None else None
        read = partial(text_of, given)
        return Incoming(digest, given.size, date, given.folder, frames, description, read, parts=parts)

    def squeeze(self, prepared: Prepared) -> None:
        """Compress what is new and held in memory, before the lease is taken."""
        fresh = [
            (given, incoming)
            for given, incoming, text in zip(prepared.given, prepared.incoming, prepared.texts, strict=True)
            if text is not None and given.content is not None
        ]
        dictionaries, dictionary = self._store.dictionaries, self._store.current_dictionary()
        # Most are too short to have anything in them that could be shared.
        splits = [self._split(given) if given.size >= LEAST_BYTES else None for given, _ in fresh]
        contents = [
            split.recipe() if split is not None and split.spans else given.content or b""
            for split, (given, _) in zip(splits, fresh, strict=True)
        ]
        squeezed = squeeze_many(contents, dictionaries, dictionary)
        for (given, incoming), split, frames in zip(fresh, splits, squeezed, strict=True):
            incoming.frames = partial(list, frames)
            if split is not None and split.spans:
                incoming.frames = partial(list, list(as_recipe(iter(frames))))
                incoming.parts = split.parts(self._store)
            given.content = None
        self._squeeze_parts([incoming for _, incoming in fresh if incoming.parts])

    def _squeeze_parts(self, some: list[Incoming]) -> None:
        """Compress what is new of the parts too; one that is known may be gone when it is wanted, and then is late."""
        known: set[bytes] = set()
        if some:
            known.update(self._store.catalogue.find_parts([part.sha256 for one in some for part in one.parts]))
        for one in some:
            for part in one.parts:
                if part.sha256 not in known:
                    known.add(part.sha256)
                    part.frames = partial(list, list(part.frames()))

    def _split(self, given: Given) -> Split:
        return Split.of(reader_of(given), given.size, self._store)


def _not_squeezed() -> Iterable[Squeezed]:
    raise RuntimeError("a message is to be written that was not compressed")


def reader_of(given: Given) -> Callable[[int, int], bytes]:
    """Reads a message by offset and length."""
    content, spool = given.content or b"", given.spool

    def read(at: int, length: int) -> bytes:
        if spool is None:
            return content[at : at + length]
        spool.seek(at)
        return spool.read(length)

    return read


def pieces_of(given: Given, size: int) -> Iterator[bytes]:
    if given.spool is None:
        content = given.content or b""
        yield from (content[at : at + size] for at in range(0, len(content), size))
        return
    given.spool.seek(0)
    while piece := given.spool.read(size):
        yield piece


def digest_of(given: Given) -> bytes:
    if given.content is not None:
        return hashlib.sha256(given.content).digest()
    digest = hashlib.sha256()
    for piece in pieces_of(given, 1 << 20):
        digest.update(piece)
    return digest.digest()


def text_of(given: Given) -> Extract:
    if given.spool is None:
        return extract(given.content or b"")
    given.spool.seek(0)
    return extract(given.spool.read(TEXT_BYTES), size=given.size)
