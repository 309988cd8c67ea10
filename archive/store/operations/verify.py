"""Read everything back and compare: journal, packs, dictionaries, catalogue, index. Changes nothing.

- journal: every record against the hash chain and its seal; a broken one with the messages it added; the wrapped keys;
- packs: sealed ones as a whole against the SHA-256 in the journal, the open one entry by entry; what differs is read
  message by message, so that the messages concerned are named (`verify_packs`);
- catalogue: row by row against what the journal says (`verify_catalogue`);
- index: each segment file against its own CRC-32, the list of segments against its noted hash, and the messages in it
  against the catalogue (`verify_index`).

`deep` also reads every message and replays the whole catalogue, as slow as a recovery. What was stopped or killed goes
on where it was (`round`). Checks I1, I2 and I5, and I7 as far as seals prove it (with `deep`: for each message).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from ..errors import Damaged, StoreError
from ..journal import Position, Record
from ..keys import is_intact
from ..layout import read_whole
from ..salvage import Gap, salvage
from ..store import Store
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet
from .round import Round
from .verify_catalogue import TABLES, QuickWay, verify_catalogue
from .verify_index import verify_index
from .verify_packs import verify_dictionaries, verify_packs

__all__ = ["PARTS", "TABLES", "plan", "run"]

PARTS = ("journal", "packs", "dictionaries", "catalogue", "index")


def plan(store: Store, parts: Sequence[str] = PARTS, *, deep: bool = False, resume: bool = True) -> Plan:
    """`parts`: which of PARTS to look at. Progress counts stored bytes; for the catalogue those of the journal.

    `goes_on` is 1 where an earlier run of the same was broken off and this one does the rest; with `resume` off
    everything is looked at again.
    """
    backend = store.backend
    numbers = {
        "journal": backend.total("journal"), "packs": backend.total("packs"),
        "dictionaries": backend.total("dictionaries"),
        "index": sum(file.stat().st_size for file in store.index_path.glob("*")),
    }  # fmt: skip
    numbers["catalogue"] = numbers["journal"] + (_counter(store, "raw_bytes") if deep else 0)
    numbers = {part: numbers[part] for part in PARTS if part in parts}
    round = Round.find(store.work, store.identity, list(numbers), deep=deep)
    done = sum(numbers[part] for part in round.parts_done) if resume else 0
    total = max(sum(numbers.values()) - done, 0)
    goes_on = int(resume and round.goes_on)
    return Plan("verify", total, numbers | {"goes_on": goes_on}, {"deep": deep, "resume": resume})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """All problems found, with the messages concerned.

    Raises: Stopped (the next run goes on from there), Busy (it is being verified just now).
    """
    with store.work_lease("verify.lock", wait=False):
        return _run(store, plan, progress, stop)


def _run(store: Store, plan: Plan, progress: Progress, stop: Stop) -> Report:
    deep = bool(plan.options.get("deep"))
    parts = [part for part in PARTS if part in plan.numbers]
    round = Round.find(store.work, store.identity, parts, deep=deep)
    if not plan.options.get("resume", True):
        round = Round(round.path, store.identity, parts, deep)
    report = round.report
    report.numbers.setdefault("messages", _counter(store, "messages"))
    meter = Meter(plan.total, progress, stop)
    checks: dict[str, Callable[[], None]] = {
        "journal": lambda: verify_journal(store, meter, report),
        "packs": lambda: verify_packs(store, meter, report, round),
        "dictionaries": lambda: verify_dictionaries(store, meter, report),
        "catalogue": lambda: verify_catalogue(store, meter, report, round),
        "index": lambda: verify_index(store, meter, report),
    }
    if "journal" in parts and "journal" not in round.parts_done:
        verify_keys(store, report)
        if "catalogue" in parts and "catalogue" not in round.parts_done and not deep:
            _journal_and_catalogue(store, meter, round)
    for part in parts:
        if part not in round.parts_done:
            _check(part, checks[part], report)
            round.note_part(part, report)
    round.end()
    return report


def _journal_and_catalogue(store: Store, meter: Meter, round: Round) -> None:
    """The journal, and while it is read whether the catalogue says the same: reading it again costs as much.

    Where it doesn't, or the journal is damaged, the catalogue is looked at by itself when its turn comes.
    """
    with QuickWay(store) as quick:
        _check("journal", lambda: verify_journal(store, meter, round.report, quick), round.report)
        agreed = quick.agrees()
    round.note_part("journal", round.report)
    if agreed:
        meter.step(store.backend.total("journal"), "catalogue")
        round.note_part("catalogue", round.report)


def _check(part: str, check: Callable[[], None], report: Report) -> None:
    try:
        check()
    except (Damaged, sqlite3.DatabaseError, UnicodeDecodeError, TypeError, AttributeError) as error:
        # Every part is checked with the help of the catalogue; what it says can be of the wrong type.
        report.problems.append(Problem.of(part, "catalogue.sqlite", f"{part} can't be checked: {error}"))


def _counter(store: Store, name: str) -> int:
    try:
        return store.catalogue.counter(name)
    except (Damaged, sqlite3.DatabaseError):
        return 0


def verify_keys(store: Store, report: Report) -> None:
    """The wrapped keys are as they were written; the recovery key itself isn't here to be tried."""
    try:
        intact = is_intact(read_whole(store.backend, "keys.json"), store.key)
    except StoreError:
        intact = False
    if not intact:
        text = "it was changed, and the recovery key may not open this store; renewing the master key writes it anew"
        report.problems.append(Problem.of("keys", "keys.json", text))


def verify_journal(store: Store, meter: Meter, report: Report, quick: QuickWay | None = None) -> None:
    """`quick`: who hears the records too, as far as they are whole."""
    known = store.catalogue.position()
    last = Position()
    for item in salvage(store.journal, store.backend, events=False):
        if isinstance(item, Record):
            meter.step(item.after.offset - item.start, "journal")
            report.count("journal_records")
            last = item.after
            if quick is not None:
                quick.hear(item)
            continue
        if quick is not None and item.start.sequence < known.sequence:
            quick.give_up()
        if item.last and item.start.sequence >= known.sequence:
            report.notes.append(f"{item.where}: an unfinished record, which the next writer removes")
        else:
            concerned = _added_by(store, item)
            report.problems.append(Problem.of("journal", item.where, item.what, concerned))
    if last.sequence < known.sequence and not any(problem.part == "journal" for problem in report.problems):
        numbers = [row[0] for row in _query(store, "sequence > ?", last.sequence)]
        what = f"the journal ends at record {last.sequence}, the catalogue knows {known.sequence}"
        report.problems.append(Problem.of("journal", f"journal segment {last.segment}, end", what, numbers))


def _added_by(store: Store, gap: Gap) -> list[int]:
    if not gap.sequences:
        return []
    first, last = gap.sequences[0], gap.sequences[-1]
    return [row[0] for row in _query(store, "sequence BETWEEN ? AND ?", first, last)]


def _query(store: Store, where: str, *arguments: int) -> list[tuple[int]]:
    return store.catalogue.reader.execute(f"SELECT number FROM message WHERE {where}", arguments).fetchall()  # noqa: S608
