"""Results of runs: which there were, and the report of one, folder by folder. Reads only."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.errors import Forbidden
from archive.errors import BadProfile, ProfileUnknown
from archive.models import ProfileKind, ProfileRun, RunFolder
from archive.services.profiles.keeping import right_for
from jobs.schedules import BadSchedule, zone_of

LOCAL = "$Local"
MOST_RESULTS = 10_000


def list_results(actor: Actor) -> QuerySet[ProfileRun]:
    """Runs of the kinds that the actor may run; fails closed."""
    kinds = [kind for kind in ProfileKind.values if actor.has(right_for(kind))]
    return ProfileRun.objects.filter(kind__in=kinds).select_related("profile", "task")


def get_result(actor: Actor, run_id: int) -> ProfileRun:
    """Raises: ProfileUnknown."""
    found = list_results(actor).filter(pk=run_id).first()
    if found is None:
        raise ProfileUnknown(_("There is no result %(id)d.") % {"id": run_id})
    return found


def list_folders(run: ProfileRun) -> QuerySet[RunFolder]:
    """The lines of its report, those with errors first."""
    return RunFolder.objects.filter(run=run).order_by("-failed", "pk")


def results_between(
    actor: Actor, since: str, until: str, zone: str, *, profile_id: int | None = None, user_name: str | None = None
) -> list[dict[str, Any]]:
    """Results that began in a time range, the oldest first. Raises: BadProfile, Forbidden (another's user name)."""
    where = read_zone(zone)
    own = actor.user.email if actor.user is not None else actor.label
    if user_name is not None and user_name != own:
        raise Forbidden("only one's own user name may be given")
    rows = list_results(actor).filter(
        started_at__gte=_moment(since, where, "from_including"), started_at__lt=_moment(until, where, "to_excluding")
    )
    if profile_id is not None:
        rows = rows.filter(profile_id=profile_id)
    if user_name is not None:
        rows = rows.filter(asked_by=user_name)
    return [as_json(row, where) for row in rows.order_by("started_at", "pk")[:MOST_RESULTS]]


def as_json(row: ProfileRun, zone: tzinfo) -> dict[str, Any]:
    """A result as programs read it; times in a zone."""
    return {
        "id": row.pk,
        "profileID": row.profile_id,
        "profileName": row.profile_name,
        "type": str(row.kind),
        "userName": row.asked_by,
        "trigger": str(row.trigger),
        "result": str(row.outcome),
        "startTime": _shown(row.started_at, zone),
        "completeTime": _shown(row.ended_at, zone),
        "itemsArchived": row.archived,
        "itemsKnown": row.known,
        "itemsLeftOut": row.left_out,
        "itemsFailed": row.failed,
        "itemsDeleted": row.deleted,
        "bytes": row.bytes,
        "error": row.error or None,
    }


def report(row: ProfileRun) -> dict[str, Any]:
    """A result with its folders."""
    names = ("mailbox", "path", "target", "found", "archived", "known", "left_out", "failed", "vanished", "deleted",
             "bytes", "note")  # fmt: skip
    folders = [{name: getattr(line, name) for name in names} for line in list_folders(row)]
    return as_json(row, timezone.get_default_timezone()) | {"folders": folders}


def read_zone(name: str) -> tzinfo:
    """Raises: BadProfile."""
    try:
        return timezone.get_default_timezone() if name == LOCAL else zone_of(name)
    except BadSchedule as error:
        raise BadProfile(_("There is no time zone “%(name)s”.") % {"name": name[:60]}, field="time_zone_id") from error


def _moment(text: str, zone: tzinfo, field: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadProfile(_("A time such as 2026-01-31T00:00:00."), field=field) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def _shown(moment: datetime | None, zone: tzinfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
