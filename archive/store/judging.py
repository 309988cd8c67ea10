"""Which messages match a query by what they say themselves, whatever the index says.

Each message is read back from its pack, checked against its hash, and asked anew: an index of one batch, in memory, by
the same compiler. For decisions that can't be taken back (retention, holds). Not for finding mail (`searching`).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import tantivy

from archive.mail.extract import extract, extract_many
from archive.query.analysis import ANALYZER, build_analyzer
from archive.query.compile import compile_query, explain_refusal
from archive.query.nodes import All, And, Field, Node, Not, Or, Phrase, Prefix, Word
from archive.texts.model import UNSURE

from .errors import Damaged, NotFound
from .index import Entry, build_schema, document_of, panics_translated
from .replay import TEXT_BYTES
from .rows import Row
from .searching import folders_below

if TYPE_CHECKING:
    from .store import Store

BATCH = 1000
HEAP_BYTES = 15_000_000


@dataclass(slots=True)
class Judged:
    """Numbers that match, and those of which it can't be said: damaged ones, and what is only read in part."""

    matching: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)


class Judge:
    """Asks messages of one store several queries at once, reading each message once."""

    def __init__(
        self, store: Store, nodes: Sequence[Node], *, zone: datetime.tzinfo = datetime.UTC,
        now: datetime.datetime | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._nodes = list(nodes)
        self._zone, self._now = zone, now
        self._schema, self._analyzer = build_schema(), build_analyzer()
        self._reads_files = any(asks_files(node) for node in self._nodes)

    def judge(self, rows: Sequence[Row]) -> list[Judged]:
        """What each query says of these messages. Raises: QueryError."""
        found = [Judged() for _node in self._nodes]
        reading = [at for at, node in enumerate(self._nodes) if not isinstance(node, All)]
        for at, node in enumerate(self._nodes):
            if isinstance(node, All):
                found[at].matching.update(row.number for row in rows)
        if reading:
            for start in range(0, len(rows), BATCH):
                self._judge_batch(rows[start : start + BATCH], reading, found)
        return found

    def _judge_batch(self, rows: Sequence[Row], reading: list[int], found: list[Judged]) -> None:
        entries, doubtful = self._read(rows)
        for at in reading:
            found[at].doubtful |= doubtful
        if not entries:
            return
        index = tantivy.Index(self._schema)
        index.register_tokenizer(ANALYZER, self._analyzer)
        writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
        for entry in entries:
            writer.add_document(document_of(entry))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        searcher = index.searcher()
        for at in reading:
            found[at].matching |= set(self._ask(searcher, self._nodes[at], len(entries))) - doubtful

    def _read(self, rows: Sequence[Row]) -> tuple[list[Entry], set[int]]:
        """The messages as documents, and the numbers of those that can't be read as a whole."""
        whole: list[tuple[Row, bytes]] = []
        entries: list[Entry] = []
        doubtful: set[int] = set()
        for row in rows:
            try:
                if row.size <= TEXT_BYTES:
                    whole.append((row, self._store.read(row.number)))
                    continue
                text = extract(self._store.head(row), size=row.size)
                entries.append(Entry(row.number, row.date, row.size, row.placements, text))
            except (Damaged, NotFound):
                pass
            doubtful.add(row.number)
        texts = extract_many([raw for _row, raw in whole])
        reader = self._store.reader if self._reads_files else None
        reading = {
            row.number: reader.submit(partial(bytes, raw))
            for (row, raw), text in zip(whole, texts, strict=True)
            if text.waiting and reader is not None
        }
        for (row, _raw), text in zip(whole, texts, strict=True):
            if text.files and reader is not None and not reader.reads("text"):
                text.files.clear()
            if row.number in reading:
                text.files += reading[row.number].result()
                if any(each.reason in UNSURE for each in text.files):
                    doubtful.add(row.number)
            entries.append(Entry(row.number, row.date, row.size, row.placements, text))
        return entries, doubtful

    def _ask(self, searcher: tantivy.Searcher, node: Node, limit: int) -> Iterator[int]:
        query = compile_query(
            node, self._schema, self._analyzer.analyze, zone=self._zone, now=self._now,
            folder_numbers=lambda path: folders_below(self._store, path, None),
        )  # fmt: skip
        try:
            with panics_translated():
                hits = searcher.search(query, limit=limit, count=False).hits
                values = searcher.fast_field_values("number", [address for _score, address in hits])
        except ValueError as error:
            raise explain_refusal(error, node) or error from error
        return (int(value) for value in values if value is not None)


def asks_files(node: Node) -> bool:
    """Whether what attached files say can decide a query."""
    match node:
        case And(children) | Or(children):
            return any(asks_files(child) for child in children)
        case Not(child):
            return asks_files(child)
        case Field(name, _child):
            return name == "attachment"
        case Word() | Phrase() | Prefix():
            return True
        case _:
            return False
