"""The checker of the invariants I1-I7, which reads the journal in a way of its own."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import NotFound
from ..journal import Position
from ..operations.verify import TABLES
from ..packs import read_table, scan
from ..parts import PART
from ..sqlite_catalogue import SqliteCatalogue
from ..store import Store
from .making import bring_index


def catalogue_rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All rows of a catalogue, table by table, sorted."""
    with tempfile.TemporaryDirectory(dir=store.work, prefix="rows.") as folder:
        store.catalogue.copy_to(Path(folder) / "copy.sqlite")
        with contextlib.closing(sqlite3.connect(Path(folder) / "copy.sqlite")) as db:
            return {table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}  # noqa: S608


@contextlib.contextmanager
def replayed(store: Store) -> Iterator[Store]:
    """The same store with projections built anew from journal and packs alone."""
    with tempfile.TemporaryDirectory(dir=store.work.parent, prefix="replayed.") as folder:
        fresh = SqliteCatalogue(Path(folder) / "replayed.sqlite")
        again = Store(
            store.backend, Path(folder), store.key, store.identity, pack_bytes=store.pack_bytes, catalogue=fresh
        )
        try:
            again.refresh()
            yield again
        finally:
            again.journal.forget()
            again.catalogue.close()


def check_invariants(store: Store, *, index: bool = False) -> None:
    """Assert I1, I5 and I7 of a store nobody else is writing to, and that nothing in it is doubled.

    With `index`, brings the index up to the journal first and checks that it holds exactly the catalogue's messages.
    """
    live, placed = _told_by_journal(store)
    rows = store.rows(list(store.catalogue.numbers()))
    assert {row.number: (row.sha256, row.size, row.date) for row in rows} == live, "catalogue and journal differ"
    assert len({row.sha256 for row in rows}) == len(rows), "a content is kept twice"
    assert {(folder, row.number) for row in rows for folder, _ in row.placements} == placed
    for row in rows:
        assert hashlib.sha256(store.read(row.number)).hexdigest() == row.sha256  # I1, I7
    assert store.catalogue.counter("messages") == len(rows)
    assert store.catalogue.counter("raw_bytes") == sum(row.size for row in rows)
    counts = {folder.number: folder.messages for folder in store.folders()}
    assert counts == {number: sum(folder == number for folder, _ in placed) for number in counts}
    _check_packs(store, {row.number for row in rows})
    _check_parts(store, {row.number for row in rows})
    with replayed(store) as again:
        mine, theirs = catalogue_rows(store), catalogue_rows(again)
        for table in mine:
            assert mine[table] == theirs[table], f"the replay has another {table}"  # I5
    if index:
        bring_index(store)
        assert store.index.numbers() == sorted(live)


def _told_by_journal(store: Store) -> tuple[dict[int, tuple[str, int, int]], set[tuple[int, int]]]:
    """Live messages and placements by a replay of its own, which knows four kinds of events only."""
    live: dict[int, tuple[str, int, int]] = {}
    placed: set[tuple[int, int]] = set()
    for record in store.journal.read(Position()):
        for kind, *values in record.events:
            if kind == "msg":
                number, sha256, size, date, *_ = values
                assert number not in live, "a number is given twice"
                for old in [old for old, (digest, _, _) in live.items() if digest == sha256]:
                    del live[old]  # its deletion is lost (recover)
                    placed = {(folder, other) for folder, other in placed if other != old}
                live[number] = (sha256, size, date)
            elif kind == "put" and values[1] in live:  # after recover, a message's own record can be lost
                placed.add((values[0], values[1]))
            elif kind == "del":
                gone, folder = set(values[0]), values[1]
                placed -= {(f, number) for f, number in placed if number in gone and folder in (0, f)}
                for number in gone - {number for _, number in placed}:
                    live.pop(number, None)
    return live, placed


def _uses(store: Store) -> set[tuple[int, int]]:
    return set(store.catalogue.reader.execute("SELECT message, part FROM uses"))


def _check_parts(store: Store, live: set[int]) -> None:
    """Each part is kept once, for the messages whose recipes name it, and what it was."""
    named: set[tuple[int, int]] = set()
    for number in live:
        row = store.known_row(number)
        for sha256, size in store.pack_reader(row.place.pack).references(
            row.place, row.number, row.size, store.dictionaries
        ):
            part = store.catalogue.part_of(sha256)
            assert part is not None and part.size == size
            named.add((number, part.number))
            assert hashlib.sha256(b"".join(store.part_pieces(sha256, size))).digest() == sha256
    assert named == _uses(store), "the uses of parts are not what the recipes say"
    kept = store.catalogue.reader.execute("SELECT count(*), count(DISTINCT sha256) FROM part").fetchone()
    assert kept == (len({part for _, part in named}),) * 2, "a part is kept twice, or for nobody"


def _check_packs(store: Store, live: set[int]) -> None:
    """Each live message lies in exactly one pack, where the catalogue says; a sealed pack says so too."""
    found: list[int] = []
    for pack in store.catalogue.packs():
        entries = {
            number: place for number, _, place in scan(store.backend, pack.number, end=pack.bytes, skip_damage=True)
        }
        here = {number: (at, length) for number, at, length in store.catalogue.pack_rows(pack.number)}
        assert here.items() <= {number: (p.offset, p.length) for number, p in entries.items()}.items()
        found += here
        with contextlib.suppress(NotFound):  # recover seals packs as they are, without a table
            table = read_table(store.backend, pack.number) if pack.sealed else None
            assert table is None or here.items() <= {n: (place.offset, place.length) for n, place in table}.items()
    parts = {part for _, part in _uses(store)}
    assert sorted(found) == sorted(live | {part | PART for part in parts})
