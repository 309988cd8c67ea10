"""Verify's part about the catalogue: does it say what the journal says?

First the quick way (`comparing`), which answers yes or perhaps; then, or always with `round.deep`, the long one: a
replay of journal and packs, compared row by row, which names what differs.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from ..errors import StoreError
from ..journal import Position, Record
from ..replay import Places
from ..salvage import salvage
from ..sqlite_catalogue import FreshCatalogue
from ..store import Store
from .comparing import Comparison
from .report import Meter, Problem, Report
from .round import Round
from .small_tables import others_agree

# What reading a damaged catalogue can end in.
UNREADABLE = (sqlite3.DatabaseError, TypeError, ValueError, IndexError, AttributeError, OverflowError)

TABLES = {
    "message": "number",
    "placement": "number",
    "folder": "number",
    "mailbox": "number",
    "pack": "number",
    "dictionary": "number",
    "arrival": "day",
    "meta": "key",
    "merged": "source",
    "part": "number",
    "uses": "message",
    "trained": "dictionary",
}


def verify_catalogue(store: Store, meter: Meter, report: Report, round: Round) -> None:
    if not round.deep and agrees(store, meter):
        return
    with _folder(store) as folder:
        _replay(store, folder, meter, report)


@contextlib.contextmanager
def _folder(store: Store) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=store.work, prefix="verify.", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class QuickWay:
    """The quick way, on one state of the catalogue (writers go on beside it), told of the journal record by record.

    Whatever is wrong only ends it: then it does not agree, and the long way says why.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open = contextlib.ExitStack()
        self._db: sqlite3.Connection | None = None
        self._comparison: Comparison | None = None
        self._end = 0

    def __enter__(self) -> Self:
        with self._ends_it():
            folder = self._open.enter_context(_folder(self._store))
            self._db = self._open.enter_context(self._store.catalogue.frozen(folder))
            self._end = _position_of(self._db)
            self._comparison = Comparison(self._db)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @contextlib.contextmanager
    def _ends_it(self) -> Iterator[None]:
        """Raises: StoreError where trying again may help."""
        try:
            yield
        except (*UNREADABLE, StoreError) as error:
            if isinstance(error, StoreError) and not error.permanent:
                raise
            self._comparison = None

    def hear(self, record: Record) -> bool:
        """Whether it wants to hear the following one too."""
        if self._comparison is None or record.sequence > self._end:
            return False
        with self._ends_it():
            self._comparison.hear(record)
            if not self._comparison.agrees:
                self._comparison = None
        return self._comparison is not None

    def give_up(self) -> None:
        """Records are missing."""
        self._comparison = None

    def agrees(self) -> bool:
        """Now that the whole journal was heard."""
        agreed = False
        with self._ends_it():
            if self._comparison is not None and self._db is not None:
                agreed = self._comparison.finish() and others_agree(self._db, self._comparison.others)
        return agreed


def agrees(store: Store, meter: Meter) -> bool:
    with QuickWay(store) as quick:
        try:
            for record in store.journal.read(Position(), events=False):
                if not quick.hear(record):
                    break
                meter.step(record.after.offset - record.start, "catalogue")
        except StoreError as error:
            if not error.permanent:
                raise
            return False
        return quick.agrees()


def _replay(store: Store, folder: Path, meter: Meter, report: Report) -> None:
    snapshot = folder / "snapshot.sqlite"
    if wrong := store.catalogue.copy_to(snapshot):
        report.problems.append(Problem.of("catalogue", "catalogue.sqlite", "; ".join(wrong)))
        return
    try:
        with sqlite3.connect(snapshot) as db:
            end = _position_of(db)
    except UNREADABLE:
        report.problems.append(Problem.of("catalogue", "table meta", "the position can't be read"))
        return
    fresh = FreshCatalogue(folder / "fresh.sqlite")
    places = Places(store, Position())
    for record in _records(store, end):
        meter.step(sum(event[3] for event in record.events if event[0] == "msg"), "catalogue")
        store.apply_replayed(fresh, record, places)
    fresh.finish()
    fresh.close()
    _compare(folder / "fresh.sqlite", snapshot, report)


def _records(store: Store, end: int) -> Iterator[Record]:
    for item in salvage(store.journal, store.backend):
        if isinstance(item, Record) and item.sequence <= end:
            yield item


def _position_of(db: sqlite3.Connection) -> int:
    said = db.execute("SELECT value FROM meta WHERE key = 'position'").fetchone()[0]
    return int((said.decode() if isinstance(said, bytes) else str(said)).split(",")[2])


def _compare(fresh: Path, snapshot: Path, report: Report) -> None:
    db = sqlite3.connect(fresh)
    try:
        db.execute("ATTACH ? AS live", (str(snapshot),))
        schemas = [
            db.execute(f"SELECT hex(type || name || coalesce(sql, '')) FROM {one}.sqlite_master ORDER BY 1").fetchall()  # noqa: S608
            for one in ("main", "live")
        ]
        if schemas[0] != schemas[1]:
            report.problems.append(Problem.of("catalogue", "catalogue.sqlite", "the definition of a table is damaged"))
        for table, key in TABLES.items():
            missing = f"SELECT {key} FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM live.{table})"  # noqa: S608
            surplus = f"SELECT {key} FROM (SELECT * FROM live.{table} EXCEPT SELECT * FROM main.{table})"  # noqa: S608
            # A damaged cell can be of another type than its column.
            keys = sorted({row[0] for row in db.execute(f"{missing} UNION {surplus}")}, key=repr)
            if keys:
                messages = (
                    [key for key in keys if isinstance(key, int)] if table in ("message", "placement", "uses") else []
                )
                shown = ", ".join(map(str, keys[:10]))
                what = f"{len(keys)} rows differ from the replay of the journal ({key} {shown})"
                report.problems.append(Problem.of("catalogue", f"table {table}", what, messages))
    except sqlite3.DatabaseError as error:
        report.problems.append(Problem.of("catalogue", "catalogue.sqlite", str(error)))
    finally:
        db.close()
