"""Is all of a source in the archive, and found? Counted from both ends, per mailbox and day (UTC), gaps by name.

From the source: what it listed when it was last read to its end (`FolderDay`), with those that a filter left out and
those that are gone since. From the archive: each message that was acknowledged is asked for in the index; what the
index doesn't find is looked up in the store, where it was removed by retention, or is a gap. No flag is believed.
While a run's index is still coming after, what the store has and the index not yet is counted as just that.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.contrib.postgres.aggregates import StringAgg
from django.db import transaction
from django.db.models import Count, F, QuerySet, Sum, TextField
from django.db.models.functions import Cast, TruncDate
from django.utils import timezone

from archive import engines
from archive import store as engine
from archive.models import Completeness, FolderDay, Gap, Profile, SourceMessage, Store
from archive.store.errors import Stopped

CHUNK = 20_000
NAMED_GAPS = 10_000
Key = tuple[int | None, date]  # mailbox, day
Span = tuple[date, date] | None  # the first and the last day; None: all


@dataclass(slots=True)
class _Day:
    archived: int = 0
    removed: int = 0
    indexed: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of what was archived."""

    folder: int
    mailbox: int | None
    key: str
    day: date
    store: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class _Some:
    """Archived messages of one store (as it was noted), mailbox and day, by their numbers there."""

    store: int
    mailbox: int | None
    day: date
    numbers: list[int]


@dataclass(slots=True)
class _Counting:
    profile: Profile
    span: Span
    index_follows: bool
    days: dict[Key, _Day] = field(default_factory=lambda: defaultdict(_Day))
    unindexed: list[Kept] = field(default_factory=list)


def check(
    profile: Profile, *, days: Collection[date] | None = None, index_follows: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, int]:  # fmt: skip
    """Count again, for these days or all, and keep the result; its sums. Raises: Stopped, StoreError.

    index_follows: it is being brought up right now, so what only waits for it is archived and not indexed, and no gap
    with a name.
    """
    if days is not None and not days:
        return totals(profile)
    span = None if days is None else (min(days), max(days))
    counting = _Counting(profile, span, index_follows)
    for some in _chunks(profile, span):
        if stop():
            raise Stopped("the count was stopped")
        _count(some, counting)
    with transaction.atomic():
        _keep_unindexed(profile, counting.unindexed, span)
        _keep_days(profile, counting.days, span)
    return totals(profile)


def totals(profile: Profile) -> dict[str, int]:
    """The sums over all days."""
    names = ("source", "gone", "left_out", "archived", "removed", "indexed", "missing")
    found = Completeness.objects.filter(profile=profile).aggregate(**{name: Sum(name) for name in names})
    return {name: int(found[name] or 0) for name in names}


def unsettled_days(profile: Profile) -> set[date]:
    """Those on which the last count didn't find all in the index: perhaps its run was ended before that came after."""
    days = Completeness.objects.filter(profile=profile).exclude(indexed=F("archived"))
    return set(days.values_list("day", flat=True))


def _rows(profile: Profile, span: Span) -> QuerySet[SourceMessage]:
    """What is archived of a profile's sources."""
    rows = SourceMessage.objects.filter(folder__profile=profile).exclude(sha256=None)
    if span is not None:
        rows = rows.filter(received_at__gte=_midnight(span[0]), received_at__lt=_midnight(span[1]) + timedelta(days=1))
    return rows


def _chunks(profile: Profile, span: Span) -> Iterator[list[_Some]]:
    """A store at a time, CHUNK numbers of it; the database puts together what belongs together."""
    values = (
        _rows(profile, span)
        .annotate(chunk=F("number") / CHUNK, day=TruncDate("received_at", tzinfo=UTC))
        .values_list("store_id", "chunk", "folder__mailbox_id", "day")
        .annotate(numbers=StringAgg(Cast("number", TextField()), ","))
        .order_by("store_id", "chunk")
        .iterator(chunk_size=2_000)
    )
    for _chunk, group in itertools.groupby(values, key=lambda row: row[:2]):
        yield [_Some(store, mailbox, day, list(map(int, said.split(",")))) for store, _at, mailbox, day, said in group]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _count(chunk: Sequence[_Some], counting: _Counting) -> None:
    """Ask the store's index; what it doesn't find is looked for by its hash in every open store."""
    store = chunk[0].store
    numbers = sorted({number for some in chunk for number in some.numbers})
    missing, opened = set(numbers), _opened(store)
    if opened is not None:
        missing = set() if opened.index.has(numbers) == len(numbers) else opened.index.missing(numbers)
        if opened.lag():  # the index may still find what was deleted just now
            missing |= set(numbers).difference(opened.catalogue.known(numbers))
    waiting = set(opened.catalogue.known(sorted(missing))) if opened is not None and counting.index_follows else set()
    missing -= waiting
    for some in chunk:
        kept = sum(number not in missing for number in some.numbers) if missing else len(some.numbers)
        if kept:
            day = counting.days[(some.mailbox, some.day)]
            day.archived += kept
            day.indexed += kept - (sum(number in waiting for number in some.numbers) if waiting else 0)
    if missing:
        _look_everywhere(_kept(counting, store, missing), counting)


def _kept(counting: _Counting, store: int, numbers: Collection[int]) -> list[Kept]:
    values = _rows(counting.profile, counting.span).filter(store_id=store, number__in=numbers).values_list(
        "folder_id", "folder__mailbox_id", "key", "received_at", "sha256"
    )  # fmt: skip
    return [
        Kept(folder, mailbox, key, moment.astimezone(UTC).date(), store, bytes(sha256 or b""))
        for folder, mailbox, key, moment, sha256 in values.iterator(chunk_size=2_000)
    ]


def _opened(store_id: int) -> engine.Store | None:
    store = Store.objects.filter(pk=store_id).first()
    return engines.open_store(store) if store is not None and store.is_open else None


def _look_everywhere(rows: Sequence[Kept], counting: _Counting) -> None:
    """A message may have moved with a merge of stores, or wait for the index, or be deleted from the archive."""
    left = {row.sha256: row for row in rows}
    where: dict[bytes, bool] = {}  # content -> whether the index finds it
    for store in Store.objects.filter(detached_at=None).exclude(state="disabled").order_by("pk"):
        opened = engines.open_store(store)
        numbers = opened.catalogue.find_sha256([digest for digest in left if digest not in where])
        if numbers:
            missing = opened.index.missing(sorted(set(numbers.values())))
            where |= {digest: number not in missing for digest, number in numbers.items()}
    for store in Store.objects.filter(state="disabled", detached_at=None).order_by("pk"):
        wanted = [digest for digest in left if digest not in where]
        if wanted:
            with engines.opened_for_upkeep(store) as opened:  # kept there, and found by nobody while it is switched off
                where |= dict.fromkeys(opened.catalogue.find_sha256(wanted), False)
    detached = set(Store.objects.exclude(detached_at=None).values_list("pk", flat=True))
    for row in rows:
        if row.sha256 in where:
            _found(row, counting, indexed=where[row.sha256])
        elif row.store in detached:  # it lay there when the store was let go, and can't be asked for: a gap, no removal
            _found(row, counting, indexed=False)
        else:
            counting.days[(row.mailbox, row.day)].removed += 1


def _found(row: Kept, counting: _Counting, *, indexed: bool) -> None:
    day = counting.days[(row.mailbox, row.day)]
    day.archived += 1
    if indexed:
        day.indexed += 1
    elif len(counting.unindexed) < NAMED_GAPS:
        counting.unindexed.append(row)


def _keep_unindexed(profile: Profile, rows: Sequence[Kept], span: Span) -> None:
    gaps = Gap.objects.filter(folder__profile=profile, is_unindexed=True)
    if span is not None:
        gaps = gaps.filter(day__range=span)
    gaps.delete()
    Gap.objects.bulk_create(
        Gap(folder_id=row.folder, key=row.key, day=row.day, is_unindexed=True, reason="archived, not in the index")
        for row in rows
    )


def _keep_days(profile: Profile, counted: dict[Key, _Day], span: Span) -> None:
    """One row for each mailbox and day that either end knows of."""
    from_source = _from_source(profile, span)
    gaps = _gaps(profile, span)
    rows = Completeness.objects.filter(profile=profile)
    (rows if span is None else rows.filter(day__range=span)).delete()
    now = timezone.now()
    Completeness.objects.bulk_create(
        Completeness(
            profile=profile, mailbox_id=key[0], day=key[1], checked_at=now, missing=gaps[key],
            archived=counted[key].archived, removed=counted[key].removed, indexed=counted[key].indexed,
            **from_source.get(key, {}),
        )
        for key in sorted({*counted, *from_source, *gaps}, key=lambda each: (each[0] or 0, each[1]))
    )  # fmt: skip


def _from_source(profile: Profile, span: Span) -> dict[Key, dict[str, int]]:
    rows = FolderDay.objects.filter(folder__profile=profile)
    if span is not None:
        rows = rows.filter(day__range=span)
    summed = rows.values("day", mailbox=F("folder__mailbox_id")).annotate(
        source_sum=Sum("source"), left_out_sum=Sum("left_out"), gone_sum=Sum("gone")
    )
    return {
        (row["mailbox"], row["day"]): {
            "source": row["source_sum"], "left_out": row["left_out_sum"], "gone": row["gone_sum"],
        }
        for row in summed
    }  # fmt: skip


def _gaps(profile: Profile, span: Span) -> Counter[Key]:
    rows = Gap.objects.filter(folder__profile=profile, is_unindexed=False)
    if span is not None:
        rows = rows.filter(day__range=span)
    summed = rows.values("day", mailbox=F("folder__mailbox_id")).annotate(number=Count("pk"))
    return Counter({(row["mailbox"], row["day"]): row["number"] for row in summed})


# --- for pages, programs and the report mail ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One profile's account over a time: complete, or how many are missing and the first of them."""

    profile: Profile
    source: int
    archived: int
    indexed: int
    left_out: int
    missing: int
    gaps: tuple[Gap, ...]
    checked_at: datetime | None

    @property
    def is_complete(self) -> bool:
        return not self.missing and self.archived == self.indexed


def summary(since: date, until: date, *, most_gaps: int = 5) -> list[Line]:
    """One line for each archiving profile, over days (UTC) from `since` to `until`, both included."""
    lines = []
    for profile in Profile.objects.filter(is_temporary=False).exclude(kind__startswith="export").order_by("name"):
        days = Completeness.objects.filter(profile=profile, day__range=(since, until))
        names = ("source", "archived", "indexed", "left_out", "missing")
        found = days.aggregate(**{f"{name}_sum": Sum(name) for name in names})
        gaps = Gap.objects.filter(folder__profile=profile, day__range=(since, until)).select_related("folder__mailbox")
        newest = days.order_by("-checked_at").values_list("checked_at", flat=True).first()
        counts = {name: int(found[f"{name}_sum"] or 0) for name in names}
        lines.append(Line(profile, gaps=tuple(gaps[:most_gaps]), checked_at=newest, **counts))
    return lines
