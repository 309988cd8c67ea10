"""Sending all digest mails that were due in a time: one task, which goes on where it broke off.

The clock asks for it (`tick`); what was due while nothing ran is made up for, a day back at most.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import options
from accounts.actors import Actor
from accounts.models import OptionValue
from accounts.permissions import EndUserRight, Right
from domains.models import Mailbox, Status
from gateway.digests.making import Outcome, Reader, due_digest
from gateway.digests.options import HOUR, NAMES, SCHEDULE, SECOND_HOUR, TIME_ZONE, Often, plans_of
from gateway.digests.times import due_between, floor, may_be_due
from gateway.models import Digest, DigestClock, DigestLink, Recipient
from jobs.commands import About, command
from jobs.errors import BadArguments
from jobs.running import TaskRun
from jobs.services import submit

logger = logging.getLogger("postkeep.gateway")
COMMAND = "SendQuarantineDigests"
FAILED = "failed"
AT_ONCE = 200
MADE_UP_FOR = timedelta(days=1)
REMEMBERED = timedelta(days=100)  # a monthly mail must know when the last one was
TICK_S, CLEAR_S = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class DigestArguments:
    """Which moments: later than the first, not later than the second; a day apart at most."""

    since: Annotated[str, About(_("Later than"), _("A moment, such as 2026-11-30T07:00:00+00:00."))]
    until: Annotated[str, About(_("Not later than"))]


@command(
    COMMAND, needs=Right.MANAGE_SERVER, arguments=DigestArguments, label=_("Send digest mails of quarantine"),
    plannable=False, resumable=True,
)  # fmt: skip
def send_digests(actor: Actor, run: TaskRun, arguments: DigestArguments) -> dict[str, object]:
    """Mail everybody whose digest was due in this time what is new in their quarantine.

    One that can't be made is counted and doesn't stop the others; the next one of this mailbox has all of it.
    """
    actor.require(Right.MANAGE_SERVER)
    since, until = _moment(arguments.since, "since"), _moment(arguments.until, "until")
    if until - since > MADE_UP_FOR:
        raise BadArguments(_t("At most a day lies between both."), field="since")
    counts = {outcome.value: 0 for outcome in Outcome} | {FAILED: 0} | dict(run.kept.get("counts", {}))
    done = int(run.kept.get("done", 0))
    total = _candidates().count()
    for batch in _batches(int(run.kept.get("after", 0))):
        if run.stopping():
            raise run.cancelled(dict(counts))
        for reader, due_at in _due(batch, since, until):
            counts[_sent(run, reader, due_at)] += 1
        done += len(batch)
        run.keep(after=batch[-1].pk, done=done, counts=counts)
        run.progress(done, total, "mailboxes", sent=counts[Outcome.SENT.value])
    return dict(counts)


def _sent(run: TaskRun, reader: Reader, due_at: datetime) -> str:
    """What came of one: an outcome, or that it failed. Raises: DatabaseError."""
    address = reader.mailbox.address
    try:
        outcome = due_digest(reader, due_at)
    except DatabaseError:  # the next one would fare no better
        raise
    except Exception as error:
        logger.exception("the digest of %s can't be made", address)
        said = {"address": address, "problem": f"{type(error).__name__}: {error}"[:300]}
        run.log(_t("The digest of %(address)s could not be made: %(problem)s") % said, level="warning")
        return FAILED
    if outcome is Outcome.NOWHERE:
        run.log(_t("%(address)s leads to nobody; no mail was made.") % {"address": address})
    return outcome.value


def _candidates() -> QuerySet[Mailbox]:
    """Mailboxes with something in quarantine whose people sign in."""
    held = Recipient.objects.filter(mailbox=OuterRef("pk"), state=Recipient.State.HELD)
    people = Mailbox.objects.filter(status=Status.ENABLED, user__is_active=True)
    return people.filter(Exists(held)).select_related("user", "domain").order_by("pk")


def _batches(after: int) -> Iterator[list[Mailbox]]:
    while batch := list(_candidates().filter(pk__gt=after)[:AT_ONCE]):
        yield batch
        after = batch[-1].pk


def _due(batch: Sequence[Mailbox], since: datetime, until: datetime) -> Iterator[tuple[Reader, datetime]]:
    """Who of them is written to, and for which moment."""
    people = [box.user for box in batch if box.user is not None]
    for box, plan in zip(batch, plans_of(people), strict=True):
        due_at = None if plan.often is Often.OFF else due_between(plan, since, until)
        if due_at is None or box.user is None:
            continue
        # who may not release their mail doesn't see their quarantine either
        if Actor.for_user(box.user).may(EndUserRight.RELEASE_QUARANTINE):
            yield Reader(box, plan), due_at


def _moment(text: str, field: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadArguments(_t("This is no moment."), field=field) from error
    if found.tzinfo is None:
        raise BadArguments(_t("Say in which time zone."), field=field)
    return found


def tick() -> None:
    """Ask for what has become due since the last time; what is asked for and up to when are one transaction."""
    now = floor(timezone.now())
    with transaction.atomic():
        DigestClock.objects.bulk_create([DigestClock(pk=1, until=now)], ignore_conflicts=True)
        clock = DigestClock.objects.select_for_update().get(pk=1)
        if clock.until >= now:
            return
        since, clock.until = max(clock.until, now - MADE_UP_FOR), now
        clock.save(update_fields=["until"])
        if _anybody(since, now):
            submit(Actor.system(), COMMAND, DigestArguments(since.isoformat(), now.isoformat()))


def _anybody(since: datetime, until: datetime) -> bool:
    """Whether a mail could be due for anybody, by the hours and zones that anybody chose."""
    chosen: dict[str, set[object]] = {name: {options.get(name).default} for name in (*NAMES, TIME_ZONE)}
    rows = OptionValue.objects.filter(name__in=list(chosen)).values_list("name", "value")
    for name, value in rows.distinct():
        chosen[name].add(value)
    if chosen[SCHEDULE] == {Often.OFF.value}:
        return False
    hours = {hour for name in (HOUR, SECOND_HOUR) for hour in chosen[name] if isinstance(hour, int)}
    return may_be_due(hours, sorted(str(zone) for zone in chosen[TIME_ZONE]), since, until)


def clear() -> None:
    """Links that work no more go, and digests that nothing needs to know of."""
    now = timezone.now()
    DigestLink.objects.filter(expires_at__lt=now).delete()
    old = Q(made_at__lt=now - REMEMBERED) | Q(made_at__lt=now - timedelta(days=1), covers_until=None, links=None)
    Digest.objects.filter(old).delete()
