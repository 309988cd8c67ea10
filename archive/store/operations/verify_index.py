"""Verify's part about the index: each segment file against its own CRC-32, the list of segments against its noted
hash, and the messages in it against the catalogue. Brings the index up to the journal; else changes nothing.
"""

from __future__ import annotations

import json
import struct
import tempfile
import zlib
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from ..errors import StoreError, WrongFormat
from ..index import POSITION_FILE, Index, Note
from ..indexer import LEASE, Indexer
from ..store import Store
from .report import Meter, Problem, Report

FOOTER = struct.Struct("<II")
FOOTER_MAGIC = 1337
BLOCK_BYTES = 256 << 10


def verify_index(store: Store, meter: Meter, report: Report) -> None:
    with store.work_lease(LEASE):
        path = store.index_path
        if not (path / "meta.json").exists():
            unindexed = list(store.catalogue.numbers())
            if unindexed:  # an empty store has none until its first message is indexed
                report.problems.append(Problem.of("index", "meta.json", "the index is missing", unindexed))
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
        meter.step(file.stat().st_size, "index")
        version = _check_footer(file)
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


def _check_footer(path: Path) -> bytes | None:
    """tantivy ends each segment file with a JSON footer that holds the CRC-32 of all before it, its length, a magic."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size < FOOTER.size:
            return None
        file.seek(size - FOOTER.size)
        length, magic = FOOTER.unpack(file.read(FOOTER.size))
        start = size - FOOTER.size - length
        if magic != FOOTER_MAGIC or start < 0:
            return None
        file.seek(start)
        footer = file.read(length)
        head, found, rest = footer.partition(b'"crc":')
        file.seek(0)
        return head if found and rest == b"%d}" % _crc32(file, start) else None


def _crc32(file: BinaryIO, length: int) -> int:
    """Of the next bytes; an index can be larger than memory."""
    crc = 0
    while length and (block := file.read(min(length, BLOCK_BYTES))):
        crc, length = zlib.crc32(block, crc), length - len(block)
    return crc


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
