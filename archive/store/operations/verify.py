"""Read everything back and compare: journal, packs, dictionaries, catalogue, index. Changes nothing.

- journal: every record against the hash chain and its seal; a broken one with the messages it added;
- packs: sealed ones as a whole against the SHA-256 in the journal, the open one entry by entry; what differs is read
  message by message, so that the messages concerned are named;
- catalogue: a snapshot against a replay of journal and packs, row by row;
- index: each segment file against its own CRC-32, the list of segments against its noted hash, and the messages in it
  against the catalogue.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..catalogue import Catalogue
from ..errors import Damaged, NotFound, StoreError, WrongFormat
from ..index import POSITION_FILE, Index, Note
from ..indexer import LEASE, Indexer
from ..journal import Position, Record
from ..packs import HEADER, Place, file_hash, pack_name, read_header, scan
from ..replay import Places
from ..rows import IN_COMPACTION, OPEN, Pack, Row
from ..salvage import Gap, salvage
from ..store import Store
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

PARTS = ("journal", "packs", "dictionaries", "catalogue", "index")
FOOTER = struct.Struct("<II")
FOOTER_MAGIC = 1337


def plan(store: Store, parts: Sequence[str] = PARTS) -> Plan:
    """`parts`: which of PARTS to look at. Progress counts stored bytes, and raw ones for the catalogue's replay."""
    backend = store.backend
    index = store.work / "index"
    numbers = {
        "journal": sum(backend.size(name) for name in backend.names("journal")),
        "packs": sum(backend.size(name) for name in backend.names("packs")),
        "dictionaries": sum(backend.size(name) for name in backend.names("dictionaries")),
        "catalogue": _counter(store, "raw_bytes"),
        "index": sum(file.stat().st_size for file in index.glob("*")),
    }
    numbers = {part: numbers[part] for part in PARTS if part in parts}
    return Plan("verify", sum(numbers.values()), numbers)


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """All problems found, with the messages concerned. Raises: Stopped."""
    report = Report("verify", {"messages": _counter(store, "messages")})
    meter = Meter(plan.total, progress, stop)
    checks = {
        "journal": verify_journal,
        "packs": verify_packs,
        "dictionaries": verify_dictionaries,
        "catalogue": verify_catalogue,
        "index": verify_index,
    }
    for part, check in checks.items():
        if part in plan.numbers:
            try:
                check(store, meter, report)
            except (Damaged, sqlite3.DatabaseError, UnicodeDecodeError, TypeError, AttributeError) as error:
                # Every part is checked with the help of the catalogue; what it says can be of the wrong type.
                report.problems.append(Problem.of(part, "catalogue.sqlite", f"{part} can't be checked: {error}"))
    return report


def _counter(store: Store, name: str) -> int:
    try:
        return store.catalogue.counter(name)
    except (Damaged, sqlite3.DatabaseError):
        return 0


def verify_journal(store: Store, meter: Meter, report: Report) -> None:
    known = store.catalogue.position()
    last = Position()
    for item in salvage(store.journal, store.backend, bytes.fromhex(store.identity)):
        if isinstance(item, Record):
            meter.step(item.after.offset - item.start, "journal")
            report.count("journal_records")
            last = item.after
        elif item.last and item.start.sequence >= known.sequence:
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


def verify_packs(store: Store, meter: Meter, report: Report) -> None:
    for pack in store.catalogue.packs():
        if pack.state == IN_COMPACTION:
            continue
        report.count("packs")
        where = f"pack {pack.number}"
        try:
            size = store.backend.size(pack_name(pack.number))
            if pack.state == OPEN:
                _verify_open(store, pack, meter, report)
            elif size != pack.bytes or _hash_of(store, pack, meter) != pack.sha256:
                _verify_sealed(store, pack, report)
        except NotFound:
            if pack.bytes or pack.sealed:
                report.problems.append(Problem.of("packs", where, "the file is missing", _in_pack(store, pack)))
    unplaced = [row[0] for row in _query(store, "pack NOT IN (SELECT number FROM pack)")]
    if unplaced:
        report.problems.append(Problem.of("packs", "no pack", "messages whose bytes are in no pack", unplaced))


def _in_pack(store: Store, pack: Pack) -> list[int]:
    return [number for number, _, _ in store.catalogue.pack_rows(pack.number)]


def _hash_of(store: Store, pack: Pack, meter: Meter) -> str:
    meter.step(pack.bytes, f"pack {pack.number}")
    return file_hash(store.backend, pack_name(pack.number))


def _verify_sealed(store: Store, pack: Pack, report: Report) -> None:
    """The file differs from what was sealed: which messages are concerned?"""
    damaged = _unreadable(store, _rows(store, pack))
    what = "the file does not match the hash it was sealed with"
    if not damaged:
        what += "; every message in it that is still wanted reads well (the damage is in the table or in deleted ones)"
    report.problems.append(Problem.of("packs", f"pack {pack.number}", what, damaged))


def _rows(store: Store, pack: Pack) -> Iterable[Row]:
    numbers = _in_pack(store, pack)
    for at in range(0, len(numbers), 500):
        yield from store.rows(numbers[at : at + 500])


def _unreadable(store: Store, rows: Iterable[Row]) -> list[int]:
    damaged = []
    store.forget_readers()
    for row in rows:
        try:
            for _ in store.stream(row.number):
                pass
        except (Damaged, NotFound):
            damaged.append(row.number)
    return damaged


def _verify_open(store: Store, pack: Pack, meter: Meter, report: Report) -> None:
    """An open pack: its header, then each entry, the deleted ones too, without a hole up to its known end."""
    meter.step(pack.bytes, f"pack {pack.number}")
    where, identity = f"pack {pack.number}", bytes.fromhex(store.identity)
    size = store.backend.size(pack_name(pack.number))
    if size < pack.bytes:
        report.problems.append(
            Problem.of(
                "packs",
                where,
                f"{pack.bytes - size} bytes are missing at the end",
                _unreadable(store, _rows(store, pack)),
            )
        )
        return
    try:
        read_header(store.backend.read(pack_name(pack.number), 0, HEADER.size), identity, pack.number)
    except Damaged as error:
        report.problems.append(Problem.of("packs", error.where, error.what, _in_pack(store, pack)))
        return
    damaged = _unreadable(store, _rows(store, pack))
    live = {number for number, _, _ in store.catalogue.pack_rows(pack.number)}
    end, others = HEADER.size, 0
    for number, entry_size, place in scan(store.backend, pack.number, end=pack.bytes):
        end = place.offset + place.length
        if number not in live:
            others += _broken_leftover(store, pack, number, entry_size, place.offset, place.length)
    if damaged or others or end != pack.bytes:
        what = f"entries do not match their seal ({len(damaged)} wanted, {others} deleted)"
        report.problems.append(Problem.of("packs", where, what, damaged))


def _broken_leftover(store: Store, pack: Pack, number: int, size: int, offset: int, length: int) -> int:
    try:
        for _ in store.pack_reader(pack.number).frames(Place(pack.number, offset, length), number, size):
            pass
    except StoreError:
        return 1
    return 0


def verify_dictionaries(store: Store, meter: Meter, report: Report) -> None:
    for number, digest in store.catalogue.dictionaries().items():
        where = f"dictionary {number}"
        try:
            plain = store.load_dictionary(number)
            meter.step(len(plain), where)
            if hashlib.sha256(plain).hexdigest() != digest:
                report.problems.append(Problem.of("dictionaries", where, "it is not the one in the journal"))
        except (Damaged, NotFound) as error:
            report.problems.append(Problem.of("dictionaries", where, str(error), _compressed_with(store, number)))


def _compressed_with(store: Store, dictionary: int) -> list[int]:
    """Messages that can't be read without a dictionary."""
    concerned = []
    for number in store.catalogue.numbers():
        row = store.row(number)
        if row is None or not row.place.pack:
            continue
        try:
            frames = store.pack_reader(row.place.pack).frames(row.place, row.number, row.size)
            if any(frame.dictionary == dictionary for frame in frames):
                concerned.append(number)
        except (Damaged, NotFound):
            continue
    return concerned


# The catalogue

TABLES = {
    "message": "number",
    "placement": "number",
    "folder": "number",
    "mailbox": "number",
    "pack": "number",
    "dictionary": "number",
    "arrival": "day",
    "meta": "key",
}


def verify_catalogue(store: Store, meter: Meter, report: Report) -> None:
    with tempfile.TemporaryDirectory(dir=store.work, prefix="verify.", ignore_cleanup_errors=True) as folder:
        snapshot = Path(folder) / "snapshot.sqlite"
        if not _snapshot(store, snapshot, report):
            return
        try:
            end = _position_of(snapshot)
        except (sqlite3.DatabaseError, TypeError, ValueError, IndexError):
            report.problems.append(Problem.of("catalogue", "table meta", "the position can't be read"))
            return
        fresh = Catalogue(Path(folder) / "fresh.sqlite")
        places = Places(store, Position())
        for item in salvage(store.journal, store.backend, bytes.fromhex(store.identity)):
            if isinstance(item, Record) and item.sequence <= end:
                meter.step(sum(event[3] for event in item.events if event[0] == "msg"), "catalogue")
                store.apply_replayed(fresh, item, places)
        fresh.close()
        _compare(Path(folder) / "fresh.sqlite", snapshot, report)


def _snapshot(store: Store, path: Path, report: Report) -> bool:
    target = sqlite3.connect(path)
    try:
        store.catalogue.reader.backup(target)
        found = [row[0] for row in target.execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    finally:
        target.close()
    if found != ["ok"]:
        report.problems.append(Problem.of("catalogue", "catalogue.sqlite", "; ".join(found)))
        return False
    return True


def _position_of(path: Path) -> int:
    with sqlite3.connect(path) as db:
        return int(str(db.execute("SELECT value FROM meta WHERE key = 'position'").fetchone()[0]).split(",")[2])


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
                messages = [key for key in keys if isinstance(key, int)] if table in ("message", "placement") else []
                shown = ", ".join(map(str, keys[:10]))
                what = f"{len(keys)} rows differ from the replay of the journal ({key} {shown})"
                report.problems.append(Problem.of("catalogue", f"table {table}", what, messages))
    except sqlite3.DatabaseError as error:
        report.problems.append(Problem.of("catalogue", "catalogue.sqlite", str(error)))
    finally:
        db.close()


# The index


def verify_index(store: Store, meter: Meter, report: Report) -> None:
    with store.work_lease(LEASE):
        path = store.work / "index"
        if not (path / "meta.json").exists():
            report.problems.append(
                Problem.of("index", "meta.json", "the index is missing", list(store.catalogue.numbers()))
            )
            return
        damaged = _damaged_files(path, meter, report)
        try:
            # Without opening the index: on damaged files tantivy can take more memory than there is, and abort.
            noted = Note(path).segments_as_noted()
            if not Note(path).note_intact():
                damaged[POSITION_FILE] = "the note does not match its check"
            if not damaged and noted is not False:
                store.index.searcher()
        except WrongFormat as error:
            damaged["meta.json"], noted = str(error), None
        if noted is False:
            damaged["meta.json"] = "the list of segments is not what was noted"
        elif noted is None and not damaged:
            report.notes.append(
                "the index was not closed in good order (or its note is damaged); its content was compared"
            )
        if damaged:
            _name_index_damage(store, path, damaged, report)
        else:
            _compare_index(store, report)


def _damaged_files(path: Path, meter: Meter, report: Report) -> dict[str, str]:
    damaged: dict[str, str] = {}
    versions: dict[str, bytes] = {}
    listed, left_over = _listed_segments(path), 0
    for file in sorted(path.iterdir()):
        if file.suffix == ".json" or file.name.startswith(".") or file.suffix == ".lock" or file.suffix == ".del":
            continue
        if listed is not None and file.name.split(".")[0] not in listed:
            left_over += 1  # a writer was killed before its commit: half a file is no damage, nothing reads it
            continue
        content = file.read_bytes()
        meter.step(len(content), "index")
        version = _check_footer(content)
        if version is None:
            damaged[file.name] = "the content does not match its CRC-32"
        else:
            versions[file.name] = version
    if versions:
        usual = Counter(versions.values()).most_common(1)[0][0]
        damaged.update((name, "the footer is not as in the others") for name, said in versions.items() if said != usual)
    if left_over:
        report.notes.append(f"{left_over} files of a commit that was broken off lie in the index and are not read")
    return damaged


def _listed_segments(path: Path) -> set[str] | None:
    """The segments that the index consists of; None when their list can't be read, then every file counts."""
    try:
        listed = json.loads((path / "meta.json").read_bytes())["segments"]
        return {str(each["segment_id"]).replace("-", "") for each in listed}
    except (ValueError, KeyError, TypeError):
        return None


def _check_footer(content: bytes) -> bytes | None:
    """tantivy ends each segment file with a JSON footer that holds the CRC-32 of all before it, its length, a magic."""
    if len(content) < FOOTER.size:
        return None
    length, magic = FOOTER.unpack_from(content, len(content) - FOOTER.size)
    start = len(content) - FOOTER.size - length
    if magic != FOOTER_MAGIC or start < 0:
        return None
    footer = content[start : len(content) - FOOTER.size]
    head, found, rest = footer.partition(b'"crc":')
    if not found or rest != b"%d}" % zlib.crc32(content[:start]):
        return None
    return head


def _name_index_damage(store: Store, path: Path, damaged: dict[str, str], report: Report) -> None:
    segments = {name.split(".")[0] for name in damaged if not name.endswith(".json")}
    sound = _numbers_without(path, segments)
    expected = set(store.catalogue.numbers())
    concerned = sorted(expected - sound) if sound is not None else sorted(expected)
    for name, what in damaged.items():
        report.problems.append(Problem.of("index", name, what, concerned))


def _numbers_without(path: Path, segments: set[str]) -> set[int] | None:
    """The messages in the sound segments: a copy of the folder by links, whose list leaves out the damaged ones."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="verify.", ignore_cleanup_errors=True) as folder:
        try:
            for file in path.iterdir():
                if file.name.split(".")[0] not in segments and file.suffix not in (".json", ".lock"):
                    (Path(folder) / file.name).symlink_to(file)
            (Path(folder) / ".managed.json").write_text("[]")
            meta = json.loads((path / "meta.json").read_bytes())
            kept = [one for one in meta["segments"] if one["segment_id"].replace("-", "") not in segments]
            (Path(folder) / "meta.json").write_text(json.dumps({**meta, "segments": kept}))
            return set(Index(Path(folder)).numbers())
        except (ValueError, KeyError, TypeError, OSError, StoreError):
            return None


def _compare_index(store: Store, report: Report) -> None:
    with Indexer(store) as indexer:
        indexer.advance()
    try:
        found = set(store.index.numbers())
    except ValueError as error:
        report.problems.append(
            Problem.of("index", "index", f"it can't be read: {error}", list(store.catalogue.numbers()))
        )
        return
    expected = set(store.catalogue.numbers())
    report.numbers["indexed"] = len(found)
    if missing := expected - found:
        report.problems.append(Problem.of("index", "index", "messages are missing in the index", list(missing)))
    if surplus := found - expected:
        report.problems.append(Problem.of("index", "index", "the index has messages that are gone", list(surplus)))
