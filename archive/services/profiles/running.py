"""Running profiles: one at a time each, with a report per folder; in good order when stopped, harmless when killed.

A run holds a lock of the database's session (`pg_advisory_lock`), which ends with the process however that ends. Two
runs of one profile would do no harm, only work twice: what is archived is decided by the engine.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connections
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from archive.errors import ArchiveError, ProfileBusy, ProfileError
from archive.models import Profile, ProfileKind, ProfileRun, RunOutcome, Trigger
from archive.profiles import completeness
from archive.profiles.context import Context
from archive.profiles.deleting import Deleting
from archive.profiles.fields import in_window, parse_window
from archive.profiles.files import archive_files, delete_files
from archive.profiles.journaling import archive_journal
from archive.profiles.recording import Recorder
from archive.profiles.sending import export_profile
from archive.profiles.servers import archive_servers
from archive.remote.errors import RemoteError
from archive.selectors import open_stores, openable_stores
from archive.services.profiles.keeping import right_for
from archive.services.stores import store_for_import
from archive.store import Ingest
from archive.store.errors import Stopped, StoreError
from archive.store.ingest import catch_up
from config.kit import net
from jobs.running import TaskRun

_LOCK = 0x706B_0002  # pg_advisory_lock: class of the locks of profiles
PROBLEMS_KEPT = 50
FOLLOWS_S = 0.5  # so often a run that waits for the index says how far it is
SERVERS = (ProfileKind.IMAP, ProfileKind.IMAP_USERS, ProfileKind.POP3)
FILES = (ProfileKind.FILES, ProfileKind.MBOX, ProfileKind.PST)


@dataclass(slots=True)
class _Stopping:
    """Whether a run shall end: asked to, or its maintenance window has begun."""

    run: TaskRun
    window: tuple[int, int] | None
    paused: bool = False
    looked_at: float = 0.0

    def __call__(self) -> bool:
        if self.window is not None and time.monotonic() - self.looked_at > 1:
            self.looked_at = time.monotonic()
            now = timezone.localtime()
            self.paused = self.paused or in_window(self.window, now.hour * 60 + now.minute)
        return self.paused or self.run.stopping()


def run_profile(actor: Actor, run: TaskRun, profile: Profile, *, trigger: str = Trigger.PERSON) -> dict[str, object]:
    """Run a profile to its end; its report is kept as a result.

    Raises: Forbidden, ProfileBusy, ProfileError (the source could not be read at all), StoreError; Cancelled.
    """
    actor.require(right_for(profile.kind))
    with only_one(profile):
        _end_left_runs(profile)
        row = ProfileRun.objects.create(
            profile=profile, profile_name=profile.name, kind=profile.kind, task_id=run.task_id,
            asked_by=actor.label[:300], trigger=trigger,
        )  # fmt: skip
        audit.record(actor, "profile.run", profile, trigger=trigger)
        stopping = _Stopping(run, parse_window(profile.window) if trigger == Trigger.AUTOMATIC else None)
        return _Run(actor, run, profile, row, stopping).go()


@contextlib.contextmanager
def only_one(profile: Profile) -> Iterator[None]:
    """Nobody else runs this profile meanwhile. Raises: ProfileBusy."""
    holder = connections.create_connection("default")
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, profile.pk])
            if not cursor.fetchone()[0]:
                raise ProfileBusy(_("“%(name)s” is running already.") % {"name": profile.name})
        yield
    finally:
        with contextlib.suppress(DatabaseError), holder.cursor() as cursor:  # a pooled session outlives its closing
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, profile.pk])
        holder.close()


def _end_left_runs(profile: Profile) -> None:
    """We have the lock, so whoever had a run open is dead."""
    left = ProfileRun.objects.filter(profile=profile, outcome=RunOutcome.RUNNING)
    left.update(outcome=RunOutcome.INTERRUPTED, ended_at=timezone.now())


class _Run:
    """One execution, from its row to its result."""

    def __init__(self, actor: Actor, run: TaskRun, profile: Profile, row: ProfileRun, stopping: _Stopping) -> None:
        self.actor, self.run, self.profile, self.row, self.stopping = actor, run, profile, row, stopping
        self.errors: list[str] = []
        self.extra: dict[str, Any] = {}

    def go(self) -> dict[str, object]:
        try:
            if self.profile.exports:
                self._export()
            else:
                self._archive()
        except (net.NetError, RemoteError, StoreError, ArchiveError, OSError) as error:
            self._finish(RunOutcome.FAILED, str(error))
            failure = error if not isinstance(error, OSError) else ProfileError(str(error))
            failure.result = self._result()  # type: ignore[union-attr]  # jobs keeps it with the failed task
            if failure is error:
                raise
            raise failure from error
        except BaseException as error:
            self._finish(RunOutcome.FAILED, f"{type(error).__name__}: {error}")
            raise
        return self._end()

    def _end(self) -> dict[str, object]:
        if self.stopping.paused:
            self._finish(RunOutcome.PAUSED, "")
            return self._result()
        if self.run.stopping():
            cancelled = RunOutcome.CANCELLED if self.run.cancel_requested else RunOutcome.INTERRUPTED
            self._finish(cancelled, "")
            raise self.run.cancelled(self._result())
        self.row.refresh_from_db()
        has_errors = bool(self.errors) or self.row.failed > 0
        outcome = RunOutcome.INCOMPLETE if has_errors else RunOutcome.SUCCEEDED
        self._finish(outcome, "\n".join(self.errors[:PROBLEMS_KEPT]))
        return self._result()

    def _archive(self) -> None:
        recorder = Recorder(self.profile, self.row)
        context = Context(
            self.profile, self.run, recorder, self.stopping, lambda mailbox: store_for_import(self.actor, None, mailbox)
        )
        if self.profile.mailbox is not None:
            context.outlet(self.profile.mailbox)  # before the source is asked for anything
        try:
            self._read(context)
            if not self.stopping():
                self._catch_up(context)
            if not self.stopping():
                self._delete(context)
            recorder.write_all()
            if not self.stopping():
                context.progress(_("Counting from both ends"))
                with contextlib.suppress(Stopped):
                    left = completeness.unsettled_days(self.profile) - recorder.touched
                    completeness.check(self.profile, days=left, stop=self.stopping)
                    self.extra = completeness.check(self.profile, days=recorder.touched, stop=self.stopping)
        finally:
            self.errors += context.errors

    def _read(self, context: Context) -> None:
        """Everything of the source, acknowledged, recorded and, when this ends well, indexed."""
        readers: dict[str, Callable[[Context], None]] = {
            **dict.fromkeys(SERVERS, archive_servers),
            **dict.fromkeys(FILES, archive_files),
            ProfileKind.JOURNAL: archive_journal,
        }
        try:
            readers[self.profile.kind](context)
        except BaseException as error:
            self._close(context, error)
            raise
        self._close(context, None)

    def _close(self, context: Context, error: BaseException | None) -> None:
        """Let the engine finish what it has, record and count it, also after an error of the source; then index it."""
        failure = error if isinstance(error, StoreError) else None  # of anything else the engine keeps what it has
        failed: StoreError | None = None
        for outlet in context.open_outlets():
            assert outlet.ingest is not None
            try:
                if failure is None:
                    outlet.ingest.finish()
            except Stopped:
                pass
            except StoreError as broken:  # the other stores keep what they have
                failed = failed or broken
            context.recorder.take(outlet.ingest.outcomes(), outlet.store.pk)
        context.recorder.write_all()
        if failure is None and failed is None:
            self._note_kept(context)
        for outlet in context.open_outlets():
            ingest, outlet.ingest = outlet.ingest, None
            assert ingest is not None
            try:
                if failure is None:
                    self._follow(context, ingest)
                ingest.__exit__(None if failure is None else type(failure), failure, None)
            except Stopped:
                pass
            except StoreError as broken:
                failed = failed or broken
            context.recorder.take(ingest.outcomes(), outlet.store.pk)
        context.recorder.write_all()
        if failed is not None and error is None:
            raise failed

    def _note_kept(self, context: Context) -> None:
        """All is durable and written down: from here on only the index may be behind, and the account says so."""
        if any(outlet.opened.lag() for outlet in context.open_outlets()):
            with contextlib.suppress(Stopped):
                days = context.recorder.touched
                completeness.check(self.profile, days=days, index_follows=True, stop=self.stopping)
        self.row.kept_at = timezone.now()
        self.row.save(update_fields=["kept_at"])

    def _follow(self, context: Context, ingest: Ingest) -> None:
        """Tell how many messages wait for the index, until none does."""
        while (left := ingest.waiting(FOLLOWS_S)) and not self.stopping():
            context.progress(_("All is kept; not in the index yet: %(count)s") % {"count": number_format(left)})
        context.progress(_("Indexing"))

    def _catch_up(self, context: Context) -> None:
        """Of mail that an earlier run kept, and was ended before it was indexed: nothing new may have come since."""
        stores = [outlet.opened for outlet in context.outlets.values()]
        if self.profile.settings.get("delete_after_days") is not None:  # what is deleted may lie in any of them
            stores = [opened for _store, opened in openable_stores(open_stores())[0]]
        with contextlib.suppress(Stopped):
            for opened in stores:
                catch_up(opened, self.stopping)

    def _delete(self, context: Context) -> None:
        if self.profile.settings.get("delete_after_days") is None:
            return
        if self.profile.kind in FILES:
            delete_files(context)
        else:
            Deleting(context).run()

    def _export(self) -> None:
        self.errors += export_profile(self.actor, self.run, self.profile, self.row, self.stopping)

    def _finish(self, outcome: str, error: str) -> None:
        ProfileRun.objects.filter(pk=self.row.pk).update(outcome=outcome, ended_at=timezone.now(), error=error[:20_000])
        self.row.refresh_from_db()

    def _result(self) -> dict[str, object]:
        row = self.row
        shown: dict[str, object] = {
            "result": row.pk, "profile": row.profile_name, "outcome": str(row.outcome), "archived": row.archived,
            "known": row.known, "left_out": row.left_out, "failed": row.failed, "deleted": row.deleted,
            "bytes": row.bytes, "seconds": _seconds(row, row.ended_at),
        }  # fmt: skip
        if row.kept_at is not None:
            shown["kept_seconds"] = _seconds(row, row.kept_at)
        if self.extra:
            shown["completeness"] = self.extra
        if self.errors:
            shown["problems"] = self.errors[:PROBLEMS_KEPT]
        return shown


def _seconds(row: ProfileRun, until: datetime | None) -> float:
    return 0.0 if until is None else round((until - row.started_at).total_seconds(), 3)
