"""What is due: pure reckoning by the clock that jobs have too (`jobs.schedules`), so that time changes lose nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import takewhile

from gateway.digests.options import Often, Plan
from jobs.schedules import BadSchedule, Schedule, zone_of

QUARTER = timedelta(minutes=15)  # local hours begin on a quarter of UTC's hours, everywhere


@lru_cache(maxsize=4096)
def due_between(plan: Plan, since: datetime, until: datetime) -> datetime | None:
    """The last moment of the plan later than `since` and not later than `until`; a day lies between them at most."""
    runs = [run for each in _schedules(plan) for run in takewhile(lambda run: run <= until, each.runs_after(since))]
    return max(runs, default=None)


def next_due(plan: Plan, after: datetime) -> datetime | None:
    """When the next mail would be sent if there is something to tell; None: never."""
    return min((run for each in _schedules(plan) if (run := each.next_after(after)) is not None), default=None)


def zone_for(plan: Plan) -> tzinfo:
    """The plan's zone; one that isn't known any more counts as UTC."""
    return _zone(plan.zone)


def _zone(name: str) -> tzinfo:
    try:
        return zone_of(name)
    except BadSchedule:
        return UTC


def _schedules(plan: Plan) -> Iterator[Schedule]:
    zone = "UTC" if _zone(plan.zone) is UTC else plan.zone
    at = time(plan.hour)
    match plan.often:
        case Often.DAILY:
            yield Schedule(zone, time=at)
        case Often.TWICE:
            yield Schedule(zone, time=at)
            yield Schedule(zone, time=time(plan.second_hour))
        case Often.WEEKLY:
            yield Schedule(zone, time=at, day_of_week=plan.weekday)
        case Often.MONTHLY:
            yield Schedule(zone, time=at, day_of_month="1")


def floor(moment: datetime) -> datetime:
    """The quarter of an hour that it lies in."""
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def may_be_due(hours: Iterable[int], zones: Iterable[str], since: datetime, until: datetime) -> bool:
    """Whether any of these hours begins in any of these zones in the time; one that the clocks jump over begins then.

    Weekdays aren't asked, so this says yes too often rather than too seldom.
    """
    wanted, moments, at = set(hours), [], floor(since) + QUARTER
    while at <= until:
        moments.append(at)
        at += QUARTER
    return any(_begins(moment, _zone(name), wanted) for name in zones for moment in moments)


def _begins(moment: datetime, zone: tzinfo, hours: set[int]) -> bool:
    local, following = moment.astimezone(zone), ((moment - timedelta(hours=1)).astimezone(zone).hour + 1) % 24
    return local.minute == 0 and (local.hour in hours or (following != local.hour and following in hours))
