"""Is a store folder that came from elsewhere whole? Asked before anybody relies on it; changes nothing.

A folder that was copied while it was written can hold a journal that names messages whose packs were copied before
them, half a pack, or a pack that a compaction had replaced. Its journal was replayed when it was opened; here every
message must have a place, and every pack the length and the table it was sealed with. That each byte is right says
`verify`; and nobody is ever given wrong bytes, since each message proves itself when it is read (I7).
"""

from __future__ import annotations

import hashlib

from ..errors import Damaged, NotFound
from ..packs import pack_name, read_table
from ..rows import IN_COMPACTION, Pack
from ..store import Store
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet


def plan(store: Store) -> Plan:
    """What the folder holds, by its replayed journal."""
    numbers = {
        "format": store.format, "messages": store.catalogue.counter("messages"),
        "raw_bytes": store.catalogue.counter("raw_bytes"), "packs": len(store.catalogue.packs()),
        "mailboxes": len({folder.mailbox for folder in store.folders()}),
        "records": store.catalogue.position().sequence,
    }  # fmt: skip
    return Plan("attach", numbers["packs"], numbers)


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """What is missing in the folder. Raises: Stopped."""
    report = Report("attach", dict(plan.numbers))
    meter = Meter(plan.total, progress, stop)
    for pack in store.catalogue.packs():
        meter.step(1, f"pack {pack.number}")
        if pack.state != IN_COMPACTION and (what := _missing(store, pack)):
            numbers = store.catalogue.concerned(number for number, _, _ in store.catalogue.pack_rows(pack.number))
            report.problems.append(Problem.of("packs", f"pack {pack.number}", what, numbers))
    sql = """SELECT number FROM message WHERE pack = 0
             UNION SELECT message FROM uses WHERE part NOT IN (SELECT number FROM part WHERE pack > 0)"""
    nowhere = [row[0] for row in store.catalogue.reader.execute(sql)]
    if nowhere:
        what = "the journal names messages that are in no pack: the folder was copied while it was written"
        report.problems.append(Problem.of("packs", "no pack", what, nowhere))
    for number, digest in store.catalogue.dictionaries().items():
        try:
            if hashlib.sha256(store.load_dictionary(number)).hexdigest() != digest:
                raise Damaged("it is not the one in the journal")
        except (Damaged, NotFound) as error:
            report.problems.append(Problem.of("dictionaries", f"dictionary {number}", str(error)))
    return report


def _missing(store: Store, pack: Pack) -> str:
    try:
        size = store.backend.size(pack_name(pack.number))
        if size < pack.bytes or (pack.sealed and pack.sha256 and size != pack.bytes):
            return f"it has {size} bytes, {pack.bytes} were expected"
        if pack.sealed and pack.sha256:
            read_table(store.backend, pack.number)
    except NotFound as error:
        # What recover sealed as it was has no table.
        return "the file is missing" if pack.bytes and "table" not in str(error) else ""
    except Damaged as error:
        return error.what
    return ""
