"""Telling owners later: for a case, somebody's openings of an archive stand before its owner from a set day on.

It takes two people who may read that mail. Only what is opened afterwards is delayed: what was seen stays seen,
and on the day all of it stands there. Not for opening (`access`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.permissions import Right
from archive.errors import ArchiveClosed, BadArguments
from archive.models import Case, NoticeDelay
from archive.selectors import get_mailbox
from domains.models import Mailbox
from jobs import proofs
from jobs.commands import About
from jobs.dry_runs import Plan

COMMAND = "DelayNotice"
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class DelayArguments:
    """Whose archive, for which case, and from which day on its owner is told."""

    mailbox: Annotated[str, About(gettext_lazy("Mailbox"))]
    case: Annotated[str, About(gettext_lazy("Case"))]
    until: Annotated[str, About(gettext_lazy("The owner is told on"), gettext_lazy("A day, such as 2027-03-31."))]
    case_id: Annotated[int | None, About(gettext_lazy("Number of the case"), gettext_lazy("Where it is one here."))] = (
        None
    )


def plan_delay(actor: Actor, arguments: DelayArguments) -> Plan:
    """What it would do, for who approves it. Raises: Forbidden, ArchiveClosed, BadArguments."""
    mailbox, until = check_delay(actor, arguments)
    days = max((until - timezone.now()).days, 0)
    note = _("%(case)s: until %(day)s the owner doesn't see who opens this archive.") % {
        "case": arguments.case, "day": date_format(until),
    }  # fmt: skip
    return Plan(mailbox.address, [(days, _("days"))], mailbox, note)


def check_delay(actor: Actor, arguments: DelayArguments) -> tuple[Mailbox, datetime]:
    """Raises: Forbidden, ArchiveClosed, BadArguments."""
    actor.require_somewhere(Right.READ_OTHERS_MAIL)
    if actor.user is None:
        raise Forbidden("only a signed-in person opens archives")
    mailbox = get_mailbox(arguments.mailbox)
    if not actor.has(Right.READ_OTHERS_MAIL, mailbox):
        raise ArchiveClosed(_("There is no mailbox “%(address)s”.") % {"address": arguments.mailbox})
    if len(arguments.case.strip()) < 3:
        raise BadArguments(_("Say for which case."), field="case")
    if arguments.case_id is not None:
        actor.require(Right.MANAGE_HOLDS)
        if not Case.objects.filter(pk=arguments.case_id, state=Case.State.OPEN, mailboxes=mailbox).exists():
            raise BadArguments(_("There is no open case of this number with that mailbox."), field="case_id")
    try:
        until = datetime.fromisoformat(arguments.until).replace(tzinfo=UTC)
    except ValueError as error:
        raise BadArguments(_("A day, such as 2027-03-31."), field="until") from error
    if not timezone.now() < until < timezone.now() + LONGEST:
        raise BadArguments(_("A day in the future, within a year."), field="until")
    return mailbox, until


def delay_notice(actor: Actor, arguments: DelayArguments, *, approved: proofs.Approved | None = None) -> NoticeDelay:
    """Delay what this actor opens from now on. Raises: as check_delay, NeedsApproval."""
    mailbox, until = check_delay(actor, arguments)
    assert actor.user is not None
    with transaction.atomic():
        proofs.require(
            actor, approved, COMMAND, subject=mailbox.address, within=mailbox,
            mailbox=arguments.mailbox, case=arguments.case, until=arguments.until, case_id=arguments.case_id,
        )  # fmt: skip
        made = NoticeDelay.objects.create(
            user=actor.user,
            mailbox=mailbox,
            case=arguments.case.strip()[:200],
            until=until,
            of_case_id=arguments.case_id,
        )
        audit.record(actor, "archive.notice", mailbox, case=made.case, until=until.isoformat())
    return made


def notice_at(user: User | None, mailbox: Mailbox) -> datetime | None:
    """From when on the owner sees what this person opens now; None: at once."""
    delays = NoticeDelay.objects.filter(user=user, mailbox=mailbox, until__gt=timezone.now())
    return delays.values_list("until", flat=True).first()
