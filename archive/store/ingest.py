"""Keeping many messages fast: reading, preparing, committing and indexing at the same time, in bounded memory.

Four threads behind the caller's own: one hashes and parses a chunk (a large import's in a process beside this one,
`beside`); one compresses it; one commits it (the only one that waits for the disk); one feeds the index. The native
parts (SHA-256, zstd, AES, fsync, tantivy) run beside Python. A chunk is at most 256 messages, 2 MiB or 250 ms, so the
writer lease is never held longer than one of those.
Why the index may follow later: docs/decisions/0054-the-index-follows.md.

Relies on I1, I2 (`Store.add`). Not for finding messages on disk (`archive.sources`).
"""

from __future__ import annotations

import array
import contextlib
import gc
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from .adding import Added
from .beside import SLOTS
from .errors import Busy, FolderGone, Stopped
from .indexer import Indexer
from .preparing import Begun, Chunk, Given, Prepared, Preparer
from .spill import Spill, Supply
from .store import Store

CHUNK_MESSAGES = 256
CHUNK_BYTES = 2 << 20
CHUNK_SECONDS = 0.25
QUEUED_CHUNKS = 2
COMMIT_SECONDS = 10.0
POLL_SECONDS = 0.1
SUPPLY_CHUNKS = 2
SUPPLY_SECONDS = 2.0
# Mail comes in a rush from a chunk that was full before its time until so long after the last such one.
CALM_SECONDS = 2.0
# In a rush that goes on, the index waits no longer than that.
FOLLOW_SECONDS = 30.0
GC_OBJECTS = 200_000
SWITCH_SECONDS = 0.001


@dataclass(slots=True)
class Outcome:
    """What became of one message ("archived" or "duplicate"); it is durable when this is told."""

    token: Any
    state: str
    number: int
    size: int
    sha256: bytes = b""


class _Tuning:
    """How this process's Python behaves while it keeps mail, in one import or in several at once.

    Parsing makes many small objects and no cycles: the collector would take a twentieth of the time. And whoever reads
    from a server needs Python's lock after each piece: waiting 5 ms for it each time costs more than handing it on.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running = 0
        self._before = (gc.get_threshold(), sys.getswitchinterval())

    def begin(self) -> None:
        with self._guard:
            self._running += 1
            if self._running == 1:
                self._before = (gc.get_threshold(), sys.getswitchinterval())
                gc.set_threshold(GC_OBJECTS, *self._before[0][1:])
                sys.setswitchinterval(SWITCH_SECONDS)

    def end(self) -> None:
        with self._guard:
            self._running -= 1
            if not self._running:
                gc.set_threshold(*self._before[0])
                sys.setswitchinterval(self._before[1])


_tuning = _Tuning()


class Ingest:
    """A bulk import into one mailbox (or, named at each `put`, into many); a context manager. Leaving it well waits
    until all is durable and indexed.

    `index`: "feed" takes the index lease if it is free and feeds what it parsed, else waits for the holder's
    position; "follow" does that too, but where mail comes in a rush it is kept first, and the index comes after, from a
    file of what was parsed; "no" leaves indexing to others. `indexed` afterwards: how many of the archived ones the
    index finds.
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
        self._to_squeeze: queue.Queue[Prepared | None] = queue.Queue(QUEUED_CHUNKS)
        self._to_commit: queue.Queue[Prepared | None] = queue.Queue(QUEUED_CHUNKS)
        self._to_index: queue.Queue[tuple[int, Supply] | None] = queue.Queue(SUPPLY_CHUNKS)
        self._outcomes: queue.SimpleQueue[list[Outcome]] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._archived = array.array("Q")
        self._threads: list[threading.Thread] = []
        self._feeds = False
        self._finished = False
        self._preparer = Preparer(store, with_texts=index != "no")
        self._spill: Spill | None = None
        self._rush_until = 0.0
        self._rush_since = 0.0
        self._handed = 0
        self.indexed = 0

    def __enter__(self) -> Ingest:
        _tuning.begin()
        ready = threading.Event()
        if self._mode == "follow":
            with contextlib.suppress(OSError):  # without one the index is fed as it goes
                self._spill = Spill(self._store.index.path)
        works = [self._prepare_all, self._squeeze_all, self._commit_all]
        if self._mode != "no":
            works.append(partial(self._index_all, ready))
        for work in works:
            thread = threading.Thread(target=self._guarded, args=(work, ready), daemon=True, name="ingest")
            thread.start()
            self._threads.append(thread)
        if self._mode != "no":
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
        _tuning.end()
        if self._spill is not None:
            self._spill.close()
        if kind is None:
            self._check()
            self._store.catalogue.tidy()
            if self._mode != "no":
                catch_up(self._store, self._stop)
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
        now = time.monotonic()
        is_late = now - self._chunk.since >= CHUNK_SECONDS
        if len(self._chunk.given) >= CHUNK_MESSAGES or self._chunk.size >= CHUNK_BYTES:
            if not is_late:
                self._rush_since = self._rush_since if now < self._rush_until else now
                self._rush_until = now + CALM_SECONDS
            self._send()
        elif is_late:
            self._send()

    def outcomes(self) -> Iterator[Outcome]:
        """What has become durable since the last call."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield from self._outcomes.get_nowait()

    def finish(self) -> None:
        """Nothing more comes: returns when all that was put is durable, and `outcomes` says so; the index may lag.

        Raises what went wrong. Leaving the context afterwards only waits for the index.
        """
        if not self._finished:
            self._finished = True
            self._send()
            self._end(self._to_prepare)
        for thread in self._threads[:3]:
            thread.join()
        self._check()

    def waiting(self, seconds: float) -> int:
        """After `finish`: how many of what was kept wait for our index thread, after so long or once there are none."""
        for thread in self._threads[3:]:
            thread.join(seconds)
            if thread.is_alive():
                return max(len(self._archived) - self._handed, 1)
        return 0

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
            with contextlib.closing(self._preparer):
                self._prepare_each()
        except BaseException as error:
            self._drain(self._to_prepare, error)
            raise
        finally:
            self._end(self._to_squeeze)

    def _prepare_each(self) -> None:
        """Chunks in their order, a few begun ahead of those that are ended; none waits for others that may not come."""
        begun = deque[Begun]()
        while True:
            try:
                chunk: Chunk | None = self._to_prepare.get(block=not begun)
            except queue.Empty:
                self._put(self._to_squeeze, self._preparer.end(begun.popleft()))
                continue
            if self._failure is None:
                for each in self._preparer.finish() if chunk is None else self._preparer.take(chunk):
                    if len(begun) >= SLOTS:
                        self._put(self._to_squeeze, self._preparer.end(begun.popleft()))
                    begun.append(self._preparer.begin(each, is_behind=not self._to_prepare.empty()))
            if chunk is None:
                break
        while begun and self._failure is None:
            self._put(self._to_squeeze, self._preparer.end(begun.popleft()))

    def _squeeze_all(self) -> None:
        try:
            for prepared in self._each(self._to_squeeze):
                self._preparer.squeeze(prepared)
                self._put(self._to_commit, prepared)
        except BaseException as error:
            self._drain(self._to_squeeze, error)
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
            if self._mode != "no":
                self._end(self._to_index)

    def _commit(self, prepared: Prepared) -> None:
        sampled = sum(bool(given.spool is None and given.size) for given in prepared.given)
        added = self._add(prepared)
        self._preparer.committed += sampled
        supply: Supply = {}
        outcomes = list[Outcome]()
        for given, one, text, incoming in zip(prepared.given, added, prepared.texts, prepared.incoming, strict=True):
            state = "duplicate"
            if not one.duplicate:
                state = "archived"
                self._archived.append(one.number)
                if text is not None:
                    supply[one.number] = text
            if given.spool is not None:
                given.spool.close()
            outcomes.append(Outcome(given.token, state, one.number, given.size, incoming.sha256))
        self._outcomes.put(outcomes)
        if self._feeds and supply:
            self._supply(self._store.catalogue.position().sequence, supply)

    def _supply(self, sequence: int, supply: Supply) -> None:
        """Hand over what was parsed, or put it down where it may wait.

        Keeping mail doesn't wait for slow attachments: what is not handed over is read back from the packs.
        """
        if self._spill is not None:
            self._spill.put(sequence, supply)
            return
        with contextlib.suppress(queue.Full):
            self._to_index.put((sequence, supply), timeout=SUPPLY_SECONDS)

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
            for sequence, supply in self._supplies():
                # Not further than that: what was kept since is parsed, and on its way here.
                indexer.advance(supply, until=sequence, on_messages=self._note)
                if time.monotonic() - committed > COMMIT_SECONDS and indexer.writer.pending:
                    indexer.commit()
                    committed = time.monotonic()
            if self._failure is None:
                with contextlib.suppress(Stopped):  # whoever waits for the index hears of it
                    indexer.advance(stop=self._stop, on_messages=self._note)
            self._feeds = False
        return True

    def _supplies(self) -> Iterator[tuple[int, Supply]]:
        """What was handed over; from a file, as long as there is no rush, or one that has lasted."""
        if self._spill is None:
            yield from self._each(self._to_index)
            return
        ended = False
        while not ended:
            with contextlib.suppress(queue.Empty):
                ended = self._to_index.get(timeout=POLL_SECONDS) is None
            while (ended or not self._holds_back()) and self._failure is None and not self._stop():
                found = self._spill.take()
                if found is None:
                    break
                yield found

    def _holds_back(self) -> bool:
        now = time.monotonic()
        return now < self._rush_until and now - self._rush_since < FOLLOW_SECONDS

    def _note(self, messages: int) -> None:
        self._handed += messages

    def _count_indexed(self) -> int:
        numbers = sorted(set(self._archived))
        if not numbers or self._store.index.has(numbers) == len(numbers):
            return len(self._archived)
        missing = self._store.index.missing(numbers)
        return sum(number not in missing for number in self._archived)


def catch_up(store: Store, stop: Callable[[], bool]) -> None:
    """Until the index has what is in the journal now: by its holder, or by ourselves when the lease is free.

    Raises: Stopped, StoreError.
    """
    end = store.catalogue.position().sequence
    while store.index.position().sequence < end:
        if stop():
            raise Stopped("stopped while waiting for the index; all messages are kept")
        try:
            with Indexer(store, wait=False) as indexer:
                indexer.advance(stop=stop)
        except Busy:
            time.sleep(POLL_SECONDS)
