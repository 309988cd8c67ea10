"""Bringing the index up to the journal: what to put, replace and remove, in order, and under the index lease.

One process at a time holds the lease of a store: the `indexer` of `manage.py up`, or an import that feeds what it has
parsed already. What a message's document should be is read from the catalogue as it is now, so doing a record twice
does no harm. Not for tantivy's own ways (`index`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from archive.mail.attached import FileText
from archive.mail.extract import Extract

from .drafts import Draft
from .errors import Stopped
from .index import HEAP_BYTES, Entry, Index, IndexWriter
from .journal import Event, Position
from .rows import Row

if TYPE_CHECKING:
    from .store import Store

LEASE = "index.lock"
COMMIT_MESSAGES = 20_000
BATCH_MESSAGES = 256
BATCH_BYTES = 8 << 20
WAIT_SECONDS = 1.0


def numbers_in(events: Sequence[Event]) -> Iterator[int]:
    """The messages whose document these events change."""
    for event in events:
        if event[0] == "msg":
            yield event[1]
        elif event[0] == "put":
            yield event[2]
        elif event[0] == "del":
            yield from event[1]


class Indexer:
    """The holder of a store's index lease. A context manager; entering raises Busy if it is taken and `wait` is off."""

    def __init__(
        self, store: Store, *, wait: bool = True, heap_bytes: int = HEAP_BYTES, index: Index | None = None
    ) -> None:
        self._store = store
        self._given = index
        self._wait = wait
        self._heap = heap_bytes
        self._stack = contextlib.ExitStack()
        self._writer: IndexWriter | None = None
        self._at = Position()
        self._stop: Callable[[], bool] = lambda: False
        self._waiting: Callable[[int], None] = lambda count: None

    def __enter__(self) -> Indexer:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._store.work_lease(LEASE, wait=self._wait))
            # Only now: a rebuild may have put another index in place while we waited for the lease.
            index = self._given or self._store.index
            self._writer = index.writer(self._heap)
            at = index.position()
            # After recover has written the journal anew, positions in the old one mean nothing: index all again.
            self._at = at if self._store.journal.holds(at) else Position()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._stack:
            writer, self._writer = self._writer, None
            if writer is None:
                return
            if kind is None:
                # Records without messages (a mailbox's label, a folder) leave nothing pending but move the position.
                if writer.pending or self._at.sequence > self._store.index.position().sequence:
                    writer.commit(self._at)
                writer.close()
            else:
                writer.abandon()

    @property
    def at(self) -> int:
        """The sequence up to which documents were handed to the index (findable after `commit`)."""
        return self._at.sequence

    def advance(
        self,
        supply: MutableMapping[int, Extract | Draft] | None = None,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_messages: Callable[[int], None] = lambda count: None,
        until: int | None = None,
    ) -> int:
        """Work through the journal as far as the catalogue has it, or `until` that record.

        `supply` saves reading what the caller has parsed; of what lies beyond it the next supply may come.

        Commits by itself every COMMIT_MESSAGES. Returns how many messages were touched. Raises: Stopped, Damaged.
        """
        done = 0
        self._stop, self._waiting = stop, on_messages
        end = self._store.catalogue.position().sequence
        end = end if until is None else min(end, until)
        if end <= self._at.sequence:
            return 0
        for record in self._store.journal.read(self._at):
            if stop():
                raise Stopped("indexing was stopped")
            numbers = list(dict.fromkeys(self._numbers_in(record.events)))
            for at in range(0, len(numbers), BATCH_MESSAGES):
                self._put(numbers[at : at + BATCH_MESSAGES], supply)
            self._at = record.after
            done += len(numbers)
            on_messages(len(numbers))
            if self.writer.pending >= COMMIT_MESSAGES:
                self.commit()
            if record.sequence >= end:
                break  # what follows may be half written
        return done

    def _numbers_in(self, events: Sequence[Event]) -> Iterator[int]:
        yield from numbers_in(events)
        for event in events:
            if event[0] == "own":  # a document says whose its message is
                yield from self._store.catalogue.numbers_of({new for _, new in event[1]})

    @property
    def writer(self) -> IndexWriter:
        if self._writer is None:
            raise RuntimeError("the indexer works inside its `with` block only")
        return self._writer

    def commit(self) -> None:
        """Make findable what was handed over. A position without documents is noted too."""
        self.writer.commit(self._at)

    def put_again(
        self, numbers: Sequence[int], stop: Callable[[], bool] = lambda: False, problems: dict[int, str] | None = None
    ) -> None:
        """Put messages again as they are now, whatever the index has of them.

        With `problems` those that can't be read are named there, and what the index has of them stays. Raises: Stopped.
        """
        self._stop = stop
        self._put(numbers, None, problems)
        if self.writer.pending >= COMMIT_MESSAGES:
            self.commit()

    def _put(
        self, numbers: Sequence[int], supply: MutableMapping[int, Extract | Draft] | None,
        problems: dict[int, str] | None = None,
    ) -> None:  # fmt: skip
        rows = {row.number: row for row in self._store.catalogue.rows(numbers)}
        unknown = []
        waiting: list[tuple[Row, Extract, Future[list[FileText]]]] = []
        for number in numbers:
            row = rows.get(number)
            text = supply.pop(number, None) if supply else None
            if row is None:
                self.writer.remove(number)
            elif text is not None:
                self._take(row, text, waiting)
            else:
                unknown.append(row)
        for chunk in chunks(unknown):
            for row, text in zip(chunk, self._store.texts(chunk, problems), strict=True):
                if problems is None or row.number not in problems:
                    self._take(row, text, waiting)
        for row, text, files in waiting:
            text.files += self._awaited(files)
            self._put_one(row, text)

    def _take(
        self, row: Row, text: Extract | Draft, waiting: list[tuple[Row, Extract, Future[list[FileText]]]]
    ) -> None:
        """Put a message, or begin to have its attached files read, beside those of others."""
        if isinstance(text, Draft):
            return self._put_one(row, text)
        reader = self._store.reader
        if text.files and reader is not None and not reader.reads("text"):
            text.files.clear()  # those that are text themselves, which nobody wants to be found
        if text.waiting and reader is not None:
            waiting.append((row, text, self._store.read_files(row, reader)))
        else:
            self._put_one(row, text)
        return None

    def _awaited(self, files: Future[list[FileText]]) -> list[FileText]:
        """Raises: Stopped. Whoever watches hears meanwhile that work goes on."""
        while True:
            try:
                return files.result(timeout=WAIT_SECONDS)
            except TimeoutError:
                self._waiting(0)
                if self._stop():
                    raise Stopped("indexing was stopped") from None

    def _put_one(self, row: Row, text: Extract | Draft) -> None:
        self.writer.put(Entry(row.number, row.date, row.size, row.placements, text))


def chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Split into pieces that are safe to hold in memory with their text."""
    piece: list[Row] = []
    size = 0
    for row in rows:
        if piece and (size + row.size > BATCH_BYTES or len(piece) >= BATCH_MESSAGES):
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += row.size
    if piece:
        yield piece
