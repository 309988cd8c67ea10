"""How every import goes: read, judged in sets, then made all at once in one transaction, or nothing.

A dry run does the same and takes it back, so what it says is what would happen. What the rows mean is each kind's
(`Importer`); files between the dry run and the real one are `uploads`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from django.db import transaction

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.csv_reading import CsvFile, CsvRow
from domains.services.importing import staging
from domains.services.importing.results import SHOWN, BadRow, ImportRefused, ImportResult

BATCH = 5_000
R = TypeVar("R")
Progress = Callable[[int, str], None]


@dataclass
class Job:
    """One import: who, which file, and how.

    heads: the file's columns. change: what is there already is changed to what the file says; else such a row is
    refused. invite: people without a password get a mail. list_id: the mailing list of rows that name none.
    """

    actor: Actor
    path: Path
    heads: frozenset[str]
    result: ImportResult
    change: bool = False
    invite: bool = False
    list_id: int | None = None


@dataclass(frozen=True)
class Importer(Generic[R]):
    """One kind of file. columns: the right each takes beside the kind's own, asked on each row's domain.

    require: that the actor may import such files at all. judge marks what can't be, count fills the result with what
    would happen, write makes it; all three in sets. changes: whether what is there already can be changed.
    """

    name: str
    columns: Mapping[str, Right | None]
    required: tuple[str, ...]
    require: Callable[[Actor], None]
    make_tables: Callable[[], None]
    read: Callable[[CsvRow], R]
    stage: Callable[[Sequence[R]], None]
    judge: Callable[[Job], None]
    count: Callable[[Job], None]
    write: Callable[[Job], None]
    changes: bool = field(default=True)


def run_import(
    importer: Importer[R],
    actor: Actor,
    path: Path,
    *,
    dry_run: bool = False,
    change: bool = False,
    invite: bool = False,
    list_id: int | None = None,
    progress: Progress = lambda _done, _note: None,
    stop: Callable[[], None] = lambda: None,
) -> ImportResult:
    """Read, judge and make. stop: called between batches; it raises to end, and nothing is left.

    Raises: Forbidden (no right to make such anywhere), CsvError, ImportRefused, LimitReached, ChangedMeanwhile.
    """
    importer.require(actor)
    actor.require_writing()
    result = ImportResult(kind=importer.name, dry_run=dry_run)
    with path.open("rb") as file, transaction.atomic():
        table = CsvFile.open(file, known=importer.columns, required=importer.required)
        result.notices = list(table.notices)
        job = Job(actor, path, frozenset(table.heads), result, change and importer.changes, invite, list_id)
        importer.make_tables()
        _stage(importer, table, job, progress, stop)
        importer.judge(job)
        _take_refused(result)
        importer.count(job)
        stop()
        if not result.refused:
            progress(result.rows, "writing")
            importer.write(job)
        if dry_run:
            transaction.set_rollback(True)
        elif result.refused:
            raise ImportRefused(result)
    return result


def _stage(importer: Importer[R], table: CsvFile, job: Job, progress: Progress, stop: Callable[[], None]) -> None:
    result = job.result

    def read() -> Iterator[R]:
        for row in table:
            result.rows += 1
            try:
                yield importer.read(row)
            except BadRow as error:
                result.refuse(row.line, error.column, error.reason)

    rows = read()
    while batch := list(islice(rows, BATCH)):
        importer.stage(batch)
        stop()
        progress(result.rows, "reading")


def _take_refused(result: ImportResult) -> None:
    """Rows that can't be read, and those that were marked, in the order of the file."""
    marked = staging.refused(SHOWN)
    result.problems = sorted([*result.problems, *marked], key=lambda each: each.line)[:SHOWN]
    result.refused += staging.count_refused()
