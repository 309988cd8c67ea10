"""Bring all messages of another store into this one: their bytes are opened, sealed anew and placed as they were.

Ownership is never merged: each placement stays with its mailbox and folder, a content that both stores hold is kept
once. When the other store archived a message stays with it. The other store is only read and must not be written to
meanwhile; what was copied is compared with its journal's end.

Relies on I1 and I2: a batch is added as any other, and its record says how far the merge came (`mrg`), so what is
stopped, killed or full goes on after the last batch. Nothing is ever half there, and doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ..adding import Added, Incoming, IncomingPart
from ..codec import Squeezed
from ..errors import Damaged, FolderGone, NeedsUpgrade, NotFound, WrongFormat
from ..ingest import CHUNK_BYTES, CHUNK_MESSAGES
from ..journal import Event
from ..packs import Place, named
from ..parts import PART
from ..rows import Description, Part, Row
from ..store import Store
from .erasing import train_anew
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

WHOLE_BYTES = 4 << 20


def plan(store: Store, source: Store) -> Plan:
    """What is still to come. Raises: WrongFormat (into itself), NeedsUpgrade."""
    if store.identity == source.identity:
        raise WrongFormat("a store can't be merged into itself")
    if store.format < 2:
        raise NeedsUpgrade("the store that is merged into must be upgraded first")
    if store.format < source.format and source.catalogue.counter("next_part") > 1:
        raise NeedsUpgrade("the other store shares attachments; the one that is merged into must be upgraded first")
    done = store.catalogue.merged().get(source.identity)
    after = done.number if done else 0
    sql = "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(length), 0) FROM message WHERE number > ?"
    messages, raw_bytes, stored_bytes = source.catalogue.reader.execute(sql, (after,)).fetchone()
    numbers = {
        "messages": messages, "raw_bytes": raw_bytes, "stored_bytes": stored_bytes,
        "mailboxes": len({folder.mailbox for folder in source.folders()}), "folders": len(source.folders()),
        "messages_done": source.catalogue.counter("messages") - messages,
    }  # fmt: skip
    return Plan("merge", stored_bytes, numbers)


def run(store: Store, source: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Problems left in the report are messages of the other store that can't be read there.

    Raises: Stopped, StoreFull (both leave all that was copied), ReadOnly, NeedsUpgrade.
    """
    return _Merge(store, source, Meter(plan.total, progress, stop)).run()


class _Merge:
    """One run."""

    def __init__(self, store: Store, source: Store, meter: Meter) -> None:
        self.store = store
        self.source = source
        self.meter = meter
        self.report = Report("merge", {"messages": 0, "known_already": 0, "placements": 0})
        self.folders: dict[int, int] = {}
        self.dictionaries: dict[int, int] = {}
        self.sound: set[int] = set()

    def run(self) -> Report:
        at = self.source.catalogue.position()
        self._bring_labels()
        brought = self._bring_dictionaries()
        done = self.store.catalogue.merged().get(self.source.identity)
        last = done.number if done else 0
        for batch in self._batches(last):
            last = batch[-1].number
            self._bring(batch, self._mark(last, done=False))
        self.source.refresh()
        if self.source.catalogue.position() == at:
            with self.store.writer_lease():
                self.store.commit([self._mark(last, done=True)])
        else:
            what = "it was written to while it was merged: protect it, and merge again for the rest"
            self.report.problems.append(Problem.of("source", "journal", what))
        if brought:
            self._train()
        return self.report

    def _mark(self, last: int, *, done: bool) -> Event:
        at = self.source.catalogue.position()
        return ["mrg", self.source.identity, last, at.sequence, at.chain.hex(), int(done)]

    def _bring_labels(self) -> None:
        known = self.store.catalogue.mailboxes()
        for number, label in self.source.catalogue.mailboxes().items():
            if number not in known:
                self.store.mailbox(number, label)

    def _bring_dictionaries(self) -> int:
        """Which of our dictionaries is which of theirs; how many are new here."""
        known = {digest: number for number, digest in self.store.catalogue.dictionaries().items()}
        new = 0
        for number, digest in sorted(self.source.catalogue.dictionaries().items()):
            if digest not in known:
                try:
                    samples = self.source.catalogue.samples_of(number)
                    known[digest] = self.store.add_dictionary(self.source.load_dictionary(number), samples)
                except (Damaged, NotFound) as error:
                    self.report.problems.append(Problem.of("dictionaries", f"dictionary {number}", str(error)))
                    continue
                new += 1
            self.dictionaries[number] = known[digest]
        return new

    def _batches(self, after: int) -> Iterator[list[Row]]:
        sql = "SELECT number, length FROM message WHERE number > ? ORDER BY number LIMIT ?"
        while found := self.source.catalogue.reader.execute(sql, (after, CHUNK_MESSAGES)).fetchall():
            numbers, size = list[int](), 0
            for number, length in found:
                if numbers and size + length > CHUNK_BYTES:
                    break
                numbers.append(number)
                size += length
            after = numbers[-1]
            yield self.source.rows(numbers)

    def _bring(self, rows: list[Row], mark: Event) -> None:
        incoming: list[Incoming] = []
        theirs: list[int] = []
        known = self.store.catalogue.find_sha256([bytes.fromhex(row.sha256) for row in rows])
        for row in rows:
            frames = self._frames(row)
            if frames is None:
                continue
            said = Description(row.subject, row.sender, row.recipients, row.message_id, row.flags)
            digest, parts = bytes.fromhex(row.sha256), self._parts(row)
            for folder, _ in row.placements:
                into = self._folder(folder)
                since = row.archived_ms
                one = Incoming(digest, row.size, row.date, into, frames, said, archived_ms=since, parts=parts)
                incoming.append(one)
                theirs.append(folder)
            self.report.count("known_already" if digest in known else "messages")
        added = self._add(incoming, theirs, mark)
        self.report.count("placements", sum(not one.duplicate for one in added))
        self.meter.step(sum(row.place.length for row in rows), "copying messages")

    def _add(self, incoming: list[Incoming], theirs: list[int], mark: Event) -> list[Added]:
        """A folder that was made a moment ago can be removed, being empty, before anything is put in it."""
        while True:
            try:
                return self.store.add(incoming, also=[mark])
            except FolderGone:
                self.folders.clear()
                for one, folder in zip(incoming, theirs, strict=True):
                    one.folder = self._folder(folder)

    def _frames(self, row: Row) -> Callable[[], Iterable[Squeezed]] | None:
        """The message's frames as they lie there, read now where they are small; None where they can't be read."""
        try:
            for part in self.source.catalogue.parts_of(row.number):
                self._check_part(part)
            if row.size <= WHOLE_BYTES:
                return partial(list, list(self._translated(row)))
            for _ in self._translated(row):
                pass
        except (Damaged, NotFound) as error:
            self.report.problems.append(Problem.of("source", f"message {row.number}", str(error), [row.number]))
            return None
        return partial(self._translated, row)

    def _translated(self, row: Row) -> Iterator[Squeezed]:
        if not row.place.pack:
            raise Damaged("no pack holds this message", f"message {row.number}")
        yield from self._entry(row.place, row.number, row.size)

    def _entry(self, place: Place, entry: int, size: int) -> Iterator[Squeezed]:
        for frame in self.source.pack_reader(place.pack).frames(place, entry, size):
            if frame.dictionary and frame.dictionary not in self.dictionaries:
                raise Damaged("its dictionary is missing", named(entry))
            number = self.dictionaries[frame.dictionary] if frame.dictionary else 0
            yield Squeezed(frame.data, frame.plain_bytes, frame.flags, number)

    def _parts(self, row: Row) -> list[IncomingPart]:
        """The parts of a message, each to be copied if it is new here."""
        return [
            IncomingPart(part.sha256, part.size, partial(self._entry, part.place, part.number | PART, part.size))
            for part in self.source.catalogue.parts_of(row.number)
        ]

    def _check_part(self, part: Part) -> None:
        """Each is read once before it is copied: under the lease nothing may fail. Raises: Damaged, NotFound."""
        if part.number not in self.sound:
            if not part.place.pack:
                raise Damaged("an attachment that it shares is in no pack", f"attachment {part.number}")
            for _ in self._entry(part.place, part.number | PART, part.size):
                pass
            self.sound.add(part.number)

    def _folder(self, number: int) -> int:
        """Our folder of the same mailbox with the same name at the same place, made when it is missing."""
        if number not in self.folders:
            theirs = self.source.catalogue.folder(number)
            parent = self._folder(theirs.parent) if theirs.parent else 0
            with self.store.writer_lease():
                found = self.store.catalogue.child(theirs.mailbox, parent, theirs.name)
                if found is None:
                    found = self.store.catalogue.counter("next_folder")
                    self.store.commit([["dir", found, theirs.mailbox, parent, theirs.name]])
            self.folders[number] = found
        return self.folders[number]

    def _train(self) -> None:
        """A dictionary of all that is here now: else new mail would be compressed with one of the other store alone."""
        train_anew(self.store)
