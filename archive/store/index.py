"""The full-text index of a store: one tantivy document per message, a projection like the catalogue.

Its field names and tokenizer are what `archive.query` compiles to. Not for deciding what to index (`indexer`) nor for
checking hits against the catalogue (`store`).

tantivy's traps that this module keeps to itself: unsigned fields only by `add_unsigned`; deletes only by query; no
payload on a commit, so the journal position is a file beside it, written after the commit (a crash between the two
makes the next indexer do the same messages again, which replaces them).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tantivy

from archive.mail.attached import REASONS, FileText
from archive.mail.extract import Extract
from archive.query.analysis import ANALYZER, build_analyzer

from .backend import FileLease
from .drafts import Draft, draft_of, unpack_files
from .errors import Busy, StorageFailed, StoreFull, WrongFormat
from .journal import Position
from .rows import rank_of

HEAP_BYTES = 48_000_000
POSITION_FILE = "position.json"
SCHEMA_VERSION = 2


def build_schema() -> tantivy.Schema:
    """The fields; what each holds is in archive/store/README.md §7."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("rank", indexed=True, fast=True)
    builder.add_unsigned_field("number", indexed=True, fast=True)
    builder.add_integer_field("date", indexed=True, fast=True)
    builder.add_unsigned_field("size", indexed=True, fast=True)
    for name in ("folder", "mailbox", "attached"):
        builder.add_unsigned_field(name, indexed=True)
    for name in ("subject", "from", "to", "cc", "head", "body", "attachment"):
        builder.add_text_field(name, tokenizer_name=ANALYZER, index_option="position")
    for name in ("address_from", "address_to", "address_cc", "msgid", "unread"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field("files", stored=True, indexed=False, fast=False)
    return builder.build()


@dataclass(slots=True)
class Entry:
    """What the index holds of one message."""

    number: int
    date: int
    size: int
    placements: Sequence[tuple[int, int]]
    text: Extract | Draft


def document_of(entry: Entry) -> tantivy.Document:
    """The document of one message."""
    draft = entry.text if isinstance(entry.text, Draft) else draft_of(entry.text)
    document = tantivy.Document.from_dict(draft.texts)
    document.add_unsigned("rank", rank_of(entry.date, entry.number))
    document.add_unsigned("number", entry.number)
    document.add_integer("date", entry.date)
    document.add_unsigned("size", entry.size)
    document.add_unsigned("attached", int(draft.has_attachment))
    for folder in {folder for folder, _ in entry.placements}:
        document.add_unsigned("folder", folder)
    for mailbox in {mailbox for _, mailbox in entry.placements}:
        document.add_unsigned("mailbox", mailbox)
    if draft.files:
        document.add_bytes("files", draft.files)
    return document


def count_of(found: tantivy.SearchResult) -> int:
    """The exact total of a search (the binding's type hints leave the attribute out)."""
    return int(found.count)  # type: ignore[attr-defined]


@contextlib.contextmanager
def panics_translated() -> Iterator[None]:
    """On damaged files tantivy panics now and then, which the binding raises as no Exception. Raises: WrongFormat."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # the binding does not export it
            raise WrongFormat(f"the index is damaged: {str(error)[:200]}") from None
        raise


@contextlib.contextmanager
def translated_refusal() -> Iterator[None]:
    """tantivy says ValueError to everything; a disk without room must be told as such."""
    try:
        with panics_translated():
            yield
    except ValueError as error:
        if any(sign in str(error) for sign in ("No space left", "StorageFull", "FileTooLarge", "File too large")):
            raise StoreFull("no room left for the index") from error
        raise StorageFailed(f"the index can't be written: {str(error)[:200]}") from error


def _check_of(note: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(note, sort_keys=True).encode()).hexdigest()


class Note:
    """What is written beside an index of its position and its list of segments. Reads it without opening the index."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _note(self) -> dict[str, Any]:
        """The note, or nothing when it is missing, of another version or damaged (then all is indexed again)."""
        try:
            note = json.loads((self.path / POSITION_FILE).read_text())
            check = note.pop("check")
        except (FileNotFoundError, ValueError, KeyError, AttributeError):
            return {}
        return dict(note) if note.get("schema") == SCHEMA_VERSION and check == _check_of(note) else {}

    def is_outdated(self) -> bool:
        """Whether an older release made the index: its documents lack fields, so all is indexed again."""
        try:
            note = json.loads((self.path / POSITION_FILE).read_text())
            return int(note["schema"]) < SCHEMA_VERSION
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def note_intact(self) -> bool:
        """False when the note is there and does not match its own check."""
        return bool(self._note()) or not (self.path / POSITION_FILE).exists()

    def _write_note(self, note: dict[str, Any]) -> None:
        temporary = self.path / f".{POSITION_FILE}.{os.getpid()}"
        with temporary.open("w") as file:
            json.dump({**note, "check": _check_of(note)}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path / POSITION_FILE)

    def segments_hash(self) -> str:
        files = ((self.path / name).read_bytes() for name in ("meta.json", ".managed.json"))
        return hashlib.sha256(b"".join(files)).hexdigest()

    def segments_as_noted(self) -> bool | None:
        """Is meta.json what the last writer left? None: it was not closed in good order, so nothing is known."""
        noted = self._note().get("segments")
        return None if not noted else noted == self.segments_hash()


class Index(Note):
    """One tantivy index. Searching from any thread and process; writing only under the index lease."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._guard = threading.Lock()
        self._meta = path / "meta.json"  # looked at before each search
        self._seen: tuple[int, int, int] | None = None
        if self.is_outdated():
            with FileLease(path.with_name(f"{path.name}.making")).hold():
                if self.is_outdated():  # nobody else was quicker
                    shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
        self.schema = build_schema()
        self.analyzer = build_analyzer()
        self._index = self._open()

    def _open(self) -> tantivy.Index:
        try:
            with panics_translated():
                index = tantivy.Index(self.schema, path=str(self.path), reuse=True)
        except ValueError as error:
            raise WrongFormat(f"the index can't be opened: {str(error)[:200]}") from error
        index.register_tokenizer(ANALYZER, build_analyzer())
        index.config_reader("manual")
        return index

    def searcher(self) -> tantivy.Searcher:
        """A snapshot of the newest commit; a stat tells whether there is one."""
        try:
            stat = self._meta.stat()
        except FileNotFoundError:
            return self._index.searcher()
        now = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        with self._guard:
            if now != self._seen:
                with panics_translated():
                    self._index.reload()
                self._seen = now
        return self._index.searcher()

    def writer(self, heap_bytes: int = HEAP_BYTES) -> IndexWriter:
        """Raises: Busy (tantivy's own lock is taken, so somebody writes without the lease)."""
        return IndexWriter(self, heap_bytes)

    def raw_writer(self, heap_bytes: int) -> tantivy.IndexWriter:
        try:
            with panics_translated():
                return self._index.writer(heap_size=heap_bytes, num_threads=1)
        except ValueError as error:
            raise Busy(f"the index is being written: {error}") from error

    def position(self) -> Position:
        """The journal position whose effects are in the index."""
        note = self._note()
        try:
            segment, offset, sequence, chain = note["at"]
            return Position(int(segment), int(offset), int(sequence), bytes.fromhex(chain))
        except (KeyError, ValueError, TypeError):
            return Position()

    def save_position(self, at: Position, *, closed: bool) -> None:
        """After a commit: the position; when closing also the hash of the list of segments, which has no check."""
        note: dict[str, Any] = {
            "schema": SCHEMA_VERSION,
            "at": [at.segment, at.offset, at.sequence, at.chain.hex()],
            "segments": self.segments_hash() if closed else "",
        }
        self._write_note(note)

    def forget_segments(self) -> None:
        """A writer begins: from now on background merges change the list of segments without a note."""
        note = self._note()
        if note.get("segments"):
            self._write_note({**note, "segments": ""})

    def highest_number(self) -> int:
        """The highest message number in the index (0 = empty)."""
        with panics_translated():
            hits = self.searcher().search(tantivy.Query.all_query(), limit=1, count=False, order_by_field="number").hits
        return int(hits[0][0]) if hits else 0

    def has(self, numbers: Sequence[int]) -> int:
        """How many of these messages the index itself finds."""
        found, searcher = 0, self.searcher()
        for at in range(0, len(numbers), 20_000):
            some = numbers[at : at + 20_000]
            if some[-1] - some[0] + 1 == len(some):
                query = tantivy.Query.range_query(self.schema, "number", tantivy.FieldType.Unsigned, some[0], some[-1])
            else:
                query = tantivy.Query.term_set_query(self.schema, "number", list(some))
            with panics_translated():
                found += count_of(searcher.search(query, limit=1, count=True))
        return found

    def missing(self, numbers: Sequence[int]) -> set[int]:
        """Which of these messages the index does not find. Costs as much as it has between the first and the last."""
        if not numbers:
            return set()
        first, last = min(numbers), max(numbers)
        query = tantivy.Query.range_query(self.schema, "number", tantivy.FieldType.Unsigned, first, last)
        return set(numbers).difference(self._numbers(query, last - first + 1))

    def numbers(self) -> list[int]:
        """All message numbers in the index, sorted."""
        return sorted(self._numbers(tantivy.Query.all_query(), None))

    def _numbers(self, query: tantivy.Query, most: int | None) -> list[int]:
        searcher = self.searcher()
        limit = max(searcher.num_docs if most is None else min(searcher.num_docs, most), 1)
        with panics_translated():
            hits = searcher.search(query, limit=limit, count=False).hits
            values = searcher.fast_field_values("number", [address for _, address in hits])
        return [int(value) for value in values if value is not None]

    def files(self, numbers: Sequence[int]) -> dict[int, list[FileText]]:
        """What the index keeps of the attached files of these messages; without those that have none."""
        if not numbers:
            return {}
        searcher = self.searcher()
        query = tantivy.Query.term_set_query(self.schema, "number", sorted(set(numbers)))
        found: dict[int, list[FileText]] = {}
        with panics_translated():
            hits = searcher.search(query, limit=len(set(numbers)), count=False).hits
            keys = searcher.fast_field_values("number", [address for _, address in hits])
            for (_, address), number in zip(hits, keys, strict=True):
                packed = searcher.doc(address).get_first("files")
                if packed and number is not None:
                    found[int(number)] = unpack_files(bytes(packed))
        return found

    def count_unread(self) -> dict[str, int]:
        """How many messages have an attached file whose text was not read, by reason."""
        searcher, found = self.searcher(), dict[str, int]()
        with panics_translated():
            for reason in REASONS:
                query = tantivy.Query.term_query(self.schema, "unread", reason, index_option="basic")
                if count := count_of(searcher.search(query, limit=1, count=True)):
                    found[reason] = count
        return found

    def size_bytes(self) -> int:
        total = 0
        for entry in os.scandir(self.path):
            with contextlib.suppress(FileNotFoundError):
                total += entry.stat().st_size
        return total


class IndexWriter:
    """Adds and replaces documents; only its own commits are seen. Held under the index lease."""

    def __init__(self, index: Index, heap_bytes: int) -> None:
        self._index = index
        index.forget_segments()
        self._writer = index.raw_writer(heap_bytes)
        self._highest = index.highest_number()
        self.pending = 0

    def put(self, entry: Entry) -> None:
        """Add a message, or replace what the index has of it."""
        if entry.number <= self._highest:
            self.remove(entry.number)
        self._highest = max(self._highest, entry.number)
        try:
            self._writer.add_document(document_of(entry))
        except BaseException:  # only then: entering a context costs as much as half a document
            with translated_refusal():
                raise
        self.pending += 1

    def remove(self, number: int) -> None:
        """Take a message out; harmless when it isn't in."""
        if number <= self._highest:
            self._writer.delete_documents_by_query(tantivy.Query.term_query(self._index.schema, "number", number))
            self.pending += 1

    def commit(self, at: Position) -> None:
        """Make all since the last commit findable and durable, then note the position."""
        with translated_refusal():
            self._writer.commit()
        self.pending = 0
        self._index.save_position(at, closed=False)

    def close(self) -> None:
        """Wait for merges, let go of tantivy's lock, and note the hash of the list of segments. Commits nothing."""
        self._writer.wait_merging_threads()
        if (self._index.path / "meta.json").exists():
            self._index.save_position(self._index.position(), closed=True)

    def abandon(self) -> None:
        """Let go after a failure: the next writer starts from the last commit."""
        with contextlib.suppress(ValueError):
            self._writer.rollback()
        with contextlib.suppress(ValueError):
            self._writer.wait_merging_threads()
