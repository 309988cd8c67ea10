"""One synchronisation with a directory: read, compared, then made, changed and shut out, or only told.

A directory that suddenly answers with nobody, with far fewer people than were known, or that calls far more disabled,
stops the run and asks: only with the number of those who would be shut out does it go on. Nobody is ever deleted. A dry
run does the same and takes it back, so that what it says is what would happen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.models import Source
from accounts.permissions import Right
from accounts.sources.errors import SourceFailed
from domains.errors import DomainsError
from domains.models import DirectoryRun
from domains.services.syncing import changing, making, reading
from domains.services.syncing.judging import Standing, judge, threatened
from domains.services.syncing.telling import NAMED, Telling

RUNS_KEPT = 20
LOCK = 0x706B6469  # "pkdi": with the number of the source
Progress = Callable[[int, str], None]


class DirectoryShrank(DomainsError):
    """It answers with far fewer people than were known, calls far more disabled, or has far fewer in its groups;
    `standing` says with how many.
    """

    def __init__(self, standing: Standing) -> None:
        said = {
            "entries": standing.entries, "known": standing.known, "leavers": standing.leavers,
            "disabled": standing.disabled, "shut_out": standing.at_stake,
        }  # fmt: skip
        text = (
            _(
                "The directory has %(entries)d entries. Of the %(known)d people known from it %(leavers)d are not "
                "among them, and %(disabled)d who come in now are disabled there. Nothing was changed. If that is "
                "right, run it again and confirm %(shut_out)d."
            )
            % said
        )
        if standing.losers:
            text += " " + _("%(count)d would lose the roles that their groups gave them.") % {"count": standing.losers}
        super().__init__(text)
        self.standing = standing


class SyncRunning(DomainsError):
    """Another run of the same source is on its way."""

    permanent = False


def require_syncing(actor: Actor, source: Source) -> None:
    """Who may synchronise: sources, people and their addresses are theirs there. Raises: Forbidden, DomainsError."""
    actor.require_writing()
    for right in (Right.MANAGE_SOURCES, Right.MANAGE_USERS, Right.MANAGE_ADDRESSES):
        actor.require(right, source.scope)
    if not source.kind_of.is_directory:
        raise DomainsError(_("Only directories can be synchronised."))
    if not source.is_enabled:
        raise DomainsError(_("This source isn’t in use."))


def sync_directory(
    actor: Actor,
    source: Source,
    *,
    dry_run: bool = False,
    confirm_leavers: int | None = None,
    progress: Progress = lambda _done, _note: None,
    stop: Callable[[], None] = lambda: None,
) -> DirectoryRun:
    """Take over what the directory says. stop: called between steps; it raises to end, what was done stays.

    confirm_leavers: so many people are shut out or lose roles, where that would be far more than is usual
    (`Standing.is_alarming`).
    Raises: Forbidden, SourceUnavailable, SourceMisconfigured, DirectoryShrank, SyncRunning, DomainsError.
    """
    require_syncing(actor, source)
    run = DirectoryRun.objects.create(source=source, by_label=actor.label[:300], is_dry=dry_run)
    telling = Telling()
    try:
        with _alone(source):
            _run(actor, source, run, telling, confirm_leavers, progress, stop)
    except BaseException as error:
        is_told = isinstance(error, DomainsError | SourceFailed)
        run.problem = str(error)[:500] if is_told else _("It was ended before it was through; what was done stays.")
        run.needs_confirmation = isinstance(error, DirectoryShrank)
        raise
    finally:
        reading.drop()
        run.counts, run.ended_at = telling.counts, timezone.now()
        with transaction.atomic():
            run.save()
            telling.keep(run)
            _forget_old(source)
            if not dry_run:
                audit.record(
                    actor,
                    "source.sync",
                    source,
                    run=run.pk,
                    entries=run.entries,
                    counts=run.counts,
                    problem=run.problem,
                )
    return run


def _run(
    actor: Actor,
    source: Source,
    run: DirectoryRun,
    telling: Telling,
    confirm_leavers: int | None,
    progress: Progress,
    stop: Callable[[], None],
) -> None:
    reading.make()
    reading.read_all(source, progress=lambda count: progress(count, "reading"), stop=stop)
    standing = judge(source)
    run.entries, run.known, run.leavers = standing.entries, standing.known, standing.leavers
    shuts = bool(source.told("disables_leavers"))
    counting = standing if shuts else replace(standing, leavers=0)
    if counting.is_alarming and confirm_leavers != counting.at_stake:
        telling.note_threatened(threatened(source, NAMED, with_leavers=shuts))
        raise DirectoryShrank(counting)
    with transaction.atomic() if run.is_dry else contextlib.nullcontext():
        progress(standing.entries, "writing")
        making.make_new(actor, source, telling, stop=stop)
        changing.change_known(actor, source, telling, stop=stop)
        if shuts:
            changing.shut_out_leavers(actor, source, telling, stop=stop)
        telling.note_conflicts()
        if run.is_dry:
            transaction.set_rollback(True)


@contextlib.contextmanager
def _alone(source: Source) -> Iterator[None]:
    """One run of a source at a time, whichever process; held by this connection until the block ends."""
    numbers = [LOCK, source.pk & 0x7FFFFFFF]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", numbers)
        (is_ours,) = cursor.fetchone() or (False,)
    if not is_ours:
        raise SyncRunning(_("This directory is being synchronised already."))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", numbers)


def _forget_old(source: Source) -> None:
    kept = list(DirectoryRun.objects.filter(source=source).values_list("pk", flat=True)[:RUNS_KEPT])
    DirectoryRun.objects.filter(source=source).exclude(pk__in=kept).delete()
