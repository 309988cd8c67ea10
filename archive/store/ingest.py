"""Keeping many messages fast: reading, preparing, committing and indexing at the same time, in bounded memory.

Three threads behind the caller's own: one hashes and parses a chunk; one compresses and commits it (the only one that
waits for the disk); one feeds the index. The native parts (SHA-256, zstd, AES, fsync, tantivy) run beside Python.
A chunk is at most 256 messages, 2 MiB or 250 ms, so the writer lease is never held longer than one of those.

Relies on I1, I2 (`Store.add`). Not for finding messages on disk (`archive.sources`).
"""

from __future__ import annotations

import array
import contextlib
import gc
import hashlib
import queue
import random
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

import zstandard

from archive.mail.extract import Extract, extract, extract_many

from .adding import Added, Incoming
from .codec import squeeze_many
from .describe import describe
from .errors import Busy, FolderGone, Stopped
from .indexer import Indexer
from .replay import TEXT_BYTES
from .splitting import Split, as_recipe
from .store import Store

CHUNK_MESSAGES = 256
CHUNK_BYTES = 2 << 20
CHUNK_SECONDS = 0.25
QUEUED_CHUNKS = 2
SAMPLE_BYTES = 8 << 20
FIRST_SAMPLE_BYTES = 6 << 20
SAMPLE_MESSAGE_BYTES = 64 << 10
GROWTH = 4
SAMPLE_LEAST_BYTES = 1 << 20
SAMPLE_LEAST_MESSAGES = 100
COMMIT_SECONDS = 10.0
POLL_SECONDS = 0.1
SUPPLY_CHUNKS = 2
SUPPLY_SECONDS = 2.0
GC_OBJECTS = 200_000


@dataclass(slots=True)
class Outcome:
    """What became of one message ("archived" or "duplicate"); it is durable when this is told."""

    token: Any
    state: str
    number: int
    size: int
    sha256: bytes = b""


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
    texts: list[Extract | None]


class Ingest:
    """A bulk import into one mailbox (or, named at each `put`, into many); a context manager. Leaving it well waits
    until all is durable and indexed.

    `index`: "feed" takes the index lease if it is free and feeds what it parsed, else waits for the holder's
    position; "no" leaves indexing to others. `indexed` afterwards: how many of the archived ones the index finds.
    """

    def __init__(
        self, store: Store, mailbox: int, *, index: str = "feed", stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._store = store
        self._mailbox = mailbox
        self._mode = index
        self._stop = stop
        self._folders: dict[tuple[int, str], int] = {}
        self._paths: dict[int, tuple[int, str]] = {}
        self._chunk = Chunk()
        self._to_prepare: queue.Queue[Chunk | None] = queue.Queue(QUEUED_CHUNKS)
        self._to_commit: queue.Queue[Prepared | None] = queue.Queue(QUEUED_CHUNKS)
        self._to_index: queue.Queue[tuple[int, dict[int, Extract]] | None] = queue.Queue(SUPPLY_CHUNKS)
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._archived = array.array("Q")
        self._threads: list[threading.Thread] = []
        self._feeds = False
        self._finished = False
        self._preparer = Preparer(store)
        self._gc_threshold = gc.get_threshold()
        self.indexed = 0

    def __enter__(self) -> Ingest:
        self._gc_threshold = gc.get_threshold()
        # Parsing makes many small objects and no cycles: the collector would take a twentieth of the time.
        gc.set_threshold(GC_OBJECTS, *self._gc_threshold[1:])
        ready = threading.Event()
        works = [self._prepare_all, self._commit_all]
        if self._mode == "feed":
            works.append(partial(self._index_all, ready))
        for work in works:
            thread = threading.Thread(target=self._guarded, args=(work, ready), daemon=True, name="ingest")
            thread.start()
            self._threads.append(thread)
        if self._mode == "feed":
            ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not self._finished:
            self._send()
        elif kind is not None:
            self._failure = self._failure or Stopped("the import was given up")
        if not self._finished:
            self._finished = True
            self._end(self._to_prepare)
        for thread in self._threads:
            thread.join()
        gc.set_threshold(*self._gc_threshold)
        if kind is None:
            self._check()
            self._store.catalogue.tidy()
            if self._mode != "no":
                self._wait_for_index()
                self.indexed = self._count_indexed()

    def put(
        self, folder: str, *, content: bytes | None = None, spool: BinaryIO | None = None,
        received_at: int | None = None, token: Any = None, mailbox: int | None = None,
    ) -> None:  # fmt: skip
        """Hand over one message, as bytes or (large ones) as a file at its beginning. Blocks when the rest is behind.

        mailbox: another one than that of the whole import.

        Raises what went wrong behind it: StoreFull, StorageFailed, Damaged.
        """
        self._check()
        if (content is None) == (spool is None):
            raise ValueError("exactly one of content and spool must be given")
        if spool is None:
            size = len(content or b"")
        else:
            size = spool.seek(0, 2)
            spool.seek(0)
        self._chunk.since = self._chunk.since or time.monotonic()
        if self._chunk.given and self._chunk.size + size > CHUNK_BYTES:
            self._send()
            self._chunk.since = time.monotonic()
        number = self._folder(self._mailbox if mailbox is None else mailbox, folder)
        self._chunk.given.append(Given(number, token, content, spool, size, received_at))
        self._chunk.size += size
        full = len(self._chunk.given) >= CHUNK_MESSAGES or self._chunk.size >= CHUNK_BYTES
        if full or time.monotonic() - self._chunk.since >= CHUNK_SECONDS:
            self._send()

    def outcomes(self) -> Iterator[Outcome]:
        """What has become durable since the last call."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._outcomes.get_nowait()

    def finish(self) -> None:
        """Nothing more comes: returns when all that was put is durable, and `outcomes` says so; the index may lag.

        Raises what went wrong. Leaving the context afterwards only waits for the index.
        """
        if not self._finished:
            self._finished = True
            self._send()
            self._end(self._to_prepare)
        for thread in self._threads[:2]:
            thread.join()
        self._check()

    def _folder(self, mailbox: int, path: str) -> int:
        key = (mailbox, path)
        if key not in self._folders:
            number = self._folders[key] = self._store.ensure_folder(mailbox, path)
            self._paths[number] = key
        return self._folders[key]

    def _send(self) -> None:
        chunk, self._chunk = self._chunk, Chunk()
        if chunk.given:
            self._put(self._to_prepare, chunk)

    # Between the threads

    def _put(self, where: queue.Queue[Any], item: object) -> None:
        while True:
            try:
                where.put(item, timeout=POLL_SECONDS)
                return
            except queue.Full:
                if self._failure is not None:
                    return

    @staticmethod
    def _end(where: queue.Queue[Any]) -> None:
        """Send the end mark. Never given up: there is always somebody who takes, if only to drop it."""
        where.put(None)

    def _each(self, source: queue.Queue[Any]) -> Iterator[Any]:
        """Items until the end mark; after a failure they are taken and dropped, so that nobody blocks."""
        while (item := source.get()) is not None:
            if self._failure is None:
                yield item

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _guarded(self, work: Callable[[], None], ready: threading.Event) -> None:
        try:
            work()
        except BaseException as error:
            self._failure = self._failure or error
        finally:
            ready.set()

    def _prepare_all(self) -> None:
        try:
            for chunk in self._each(self._to_prepare):
                for prepared in self._preparer.take(chunk):
                    self._put(self._to_commit, prepared)
            if self._failure is None:
                for prepared in self._preparer.finish():
                    self._put(self._to_commit, prepared)
        except BaseException as error:
            self._drain(self._to_prepare, error)
            raise
        finally:
            self._end(self._to_commit)

    def _commit_all(self) -> None:
        try:
            for prepared in self._each(self._to_commit):
                self._commit(prepared)
        except BaseException as error:
            self._drain(self._to_commit, error)
            raise
        finally:
            if self._mode == "feed":
                self._end(self._to_index)

    def _commit(self, prepared: Prepared) -> None:
        self._preparer.squeeze(prepared)
        sampled = sum(bool(given.spool is None and given.size) for given in prepared.given)
        added = self._add(prepared)
        self._preparer.committed += sampled
        supply: dict[int, Extract] = {}
        for given, one, text, incoming in zip(prepared.given, added, prepared.texts, prepared.incoming, strict=True):
            if not one.duplicate:
                self._archived.append(one.number)
                if text is not None:
                    supply[one.number] = text
            if given.spool is not None:
                given.spool.close()
            self._outcomes.put(
                Outcome(
                    given.token, "duplicate" if one.duplicate else "archived", one.number, given.size, incoming.sha256
                )
            )
        if self._feeds and supply:
            # Keeping mail doesn't wait for slow attachments: what is not handed over is read back from the packs.
            with contextlib.suppress(queue.Full):
                self._to_index.put((self._store.catalogue.position().sequence, supply), timeout=SUPPLY_SECONDS)

    def _add(self, prepared: Prepared) -> list[Added]:
        """Keep a batch; a folder that somebody removed since it was looked up, being empty, is made again."""
        while True:
            try:
                return self._store.add(prepared.incoming)
            except FolderGone as gone:
                again = {number: self._store.ensure_folder(*self._paths[number]) for number in gone.numbers}
                for old, new in again.items():
                    self._paths[new] = self._paths[old]
                    self._folders[self._paths[old]] = new
                for incoming in prepared.incoming:
                    incoming.folder = again.get(incoming.folder, incoming.folder)

    def _drain(self, source: queue.Queue[Any], failure: BaseException) -> None:
        """After a failure: keep taking until the end mark, so that whoever puts is not stuck behind a dead thread."""

        def take() -> None:
            while source.get() is not None:
                pass

        self._failure = self._failure or failure
        threading.Thread(target=take, daemon=True, name="ingest-drain").start()

    # The index

    def _index_all(self, ready: threading.Event) -> None:
        """Feed the index, from the moment on that its lease is free; what passed before is read back from the packs."""
        try:
            while not self._feed(ready):
                ready.set()
                with contextlib.suppress(queue.Empty):
                    if self._to_index.get(timeout=POLL_SECONDS) is None:
                        return
        except BaseException as error:
            self._feeds = False
            self._drain(self._to_index, error)
            raise

    def _feed(self, ready: threading.Event) -> bool:
        """False when somebody else holds the index lease."""
        try:
            indexer = Indexer(self._store, wait=False).__enter__()
        except Busy:
            return False
        with contextlib.ExitStack() as stack:
            stack.push(indexer)
            self._feeds = True
            ready.set()
            committed = time.monotonic()
            for sequence, supply in self._each(self._to_index):
                # Not further than that: what was kept since is parsed, and on its way here.
                indexer.advance(supply, until=sequence)
                if time.monotonic() - committed > COMMIT_SECONDS and indexer.writer.pending:
                    indexer.commit()
                    committed = time.monotonic()
            if self._failure is None:
                indexer.advance()
            self._feeds = False
        return True

    def _wait_for_index(self) -> None:
        """Until the index has what is in the journal now: by its holder, or by ourselves when the lease is free."""
        end = self._store.catalogue.position().sequence
        while self._store.index.position().sequence < end:
            if self._stop():
                raise Stopped("stopped while waiting for the index; all messages are kept")
            try:
                with Indexer(self._store, wait=False) as indexer:
                    indexer.advance(stop=self._stop)
            except Busy:
                time.sleep(POLL_SECONDS)

    def _count_indexed(self) -> int:
        numbers = sorted(set(self._archived))
        if not numbers or self._store.index.has(numbers) == len(numbers):
            return len(self._archived)
        missing = self._store.index.missing(numbers)
        return sum(number not in missing for number in self._archived)


class Samples:
    """A fair sample of the messages that passed, at most SAMPLE_BYTES, and when it is time to train on it again.

    A dictionary trained on the first messages alone leaves a sixth more bytes than one trained over all of them, so
    it is trained again each time the store has grown fourfold.
    """

    def __init__(self, raw_bytes: int, trained_at: int) -> None:
        self._random = random.Random(raw_bytes)  # noqa: S311 - a sample, not a secret
        # With the how-manieth message each one was.
        self._kept: list[tuple[int, bytes]] = []
        self._passed = 0
        self._size = 0
        self._every = 1
        self._raw_bytes = raw_bytes
        self._trained_at = trained_at

    def add(self, content: bytes) -> None:
        self._raw_bytes += len(content)
        self._passed += 1
        if len(content) > SAMPLE_MESSAGE_BYTES or self._random.randrange(self._every):
            return
        self._kept.append((self._passed, content))
        self._size += len(content)
        if self._size > SAMPLE_BYTES:
            self._random.shuffle(self._kept)
            del self._kept[len(self._kept) // 2 :]
            self._size = sum(len(content) for _, content in self._kept)
            self._every *= 2

    def due(self, committed: int, lives: Callable[[Sequence[bytes]], Container[bytes]]) -> list[bytes]:
        """The sample, when it is time to train on it; else nothing.

        Without those of the first `committed` messages that are deleted again, which `lives` leaves out by SHA-256: an
        erased message must not come back in a dictionary.
        """
        grown = self._raw_bytes >= GROWTH * self._trained_at
        enough = len(self._kept) >= SAMPLE_LEAST_MESSAGES and self._size >= SAMPLE_LEAST_BYTES
        if not (grown and enough):
            return []
        self._trained_at = self._raw_bytes
        digests = [hashlib.sha256(content).digest() for _, content in self._kept]
        living = lives(digests)
        return [
            content
            for (passed, content), digest in zip(self._kept, digests, strict=True)
            if passed > committed or digest in living
        ]


class Preparer:
    """Hashes, parses and compresses chunks. The first ones wait until there is enough to train a dictionary on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        first = store.current_dictionary() == 0
        raw_bytes = store.catalogue.counter("raw_bytes")
        self._samples = Samples(raw_bytes, 0 if first else max(raw_bytes, SAMPLE_BYTES))
        self._waiting: list[Chunk] | None = [] if first else None
        # How many of the messages, counted as `Samples` does, are in the store by now.
        self.committed = 0

    def take(self, chunk: Chunk) -> Iterable[Prepared]:
        for given in chunk.given:
            if given.content:
                self._samples.add(given.content)
        if self._waiting is None:
            self._train()
            return [self.prepare(chunk)]
        self._waiting.append(chunk)
        large = any(given.spool is not None for given in chunk.given)
        if large or sum(one.size for one in self._waiting) >= FIRST_SAMPLE_BYTES:
            return self.finish()
        return []

    def finish(self) -> Iterator[Prepared]:
        """Prepare what was held back, with a dictionary if it was enough for one."""
        waiting, self._waiting = self._waiting or [], None
        self._train()
        for chunk in waiting:
            yield self.prepare(chunk)

    def _train(self) -> None:
        samples = self._samples.due(self.committed, self._store.catalogue.find_sha256)
        if samples:
            # Too uniform samples can't be trained on; then there is nothing to win either.
            with contextlib.suppress(zstandard.ZstdError):
                self._store.train_dictionary(samples)

    def prepare(self, chunk: Chunk) -> Prepared:
        """Hash and parse a chunk. What the store has already is not parsed again."""
        digests = [digest_of(given) for given in chunk.given]
        known = self._store.catalogue.find_sha256(digests)
        fresh = [given for given, digest in zip(chunk.given, digests, strict=True) if digest not in known]
        texts = iter(texts_of(fresh))
        prepared = Prepared(chunk.given, [], [])
        now = int(time.time())
        for given, digest in zip(chunk.given, digests, strict=True):
            text = next(texts) if digest not in known else None
            prepared.texts.append(text)
            date = text.date if text is not None else None
            if date is None:
                date = given.received_at if given.received_at is not None else now
            said = describe(text) if text is not None else None
            # Compressed under the lease: a large message, or one that is known now and may be deleted until then.
            large = text is not None and given.spool is not None
            split = self._split(given) if large else Split(reader_of(given), given.size, [])
            frames = partial(split.frames, self._store)
            parts = split.parts(self._store)
            read = partial(text_of, given)
            prepared.incoming.append(Incoming(digest, given.size, date, given.folder, frames, said, read, parts=parts))
        return prepared

    def squeeze(self, prepared: Prepared) -> None:
        """Compress what is new and held in memory, before the lease is taken."""
        fresh = [
            (given, incoming)
            for given, incoming, text in zip(prepared.given, prepared.incoming, prepared.texts, strict=True)
            if text is not None and given.content is not None
        ]
        dictionaries, dictionary = self._store.dictionaries, self._store.current_dictionary()
        splits = [self._split(given) for given, _ in fresh]
        contents = [
            split.recipe() if split.spans else given.content or b""
            for split, (given, _) in zip(splits, fresh, strict=True)
        ]
        squeezed = squeeze_many(contents, dictionaries, dictionary)
        for (given, incoming), split, frames in zip(fresh, splits, squeezed, strict=True):
            incoming.frames = partial(list, list(as_recipe(iter(frames))) if split.spans else frames)
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


def texts_of(some: list[Given]) -> list[Extract]:
    """Parse what is small together, what is large by its beginning."""
    small = iter(extract_many([given.content for given in some if given.content is not None]))
    return [next(small) if given.content is not None else text_of(given) for given in some]


def text_of(given: Given) -> Extract:
    if given.spool is None:
        return extract(given.content or b"")
    given.spool.seek(0)
    return extract(given.spool.read(TEXT_BYTES), size=given.size)
