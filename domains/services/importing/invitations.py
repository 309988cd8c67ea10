"""Inviting the people of an import by mail: each gets a link with which they choose a password.

At least once: who was mailed when the machine stopped gets a second mail, whose link takes the place of the first. Who
can't be mailed is named, and can be invited on their page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.mails import mail_link
from accounts.models import OneTimeLink
from accounts.permissions import Right
from accounts.services.many_links import issue_links
from config.kit.mailing import NotSent, is_configured
from domains.errors import DomainsError
from domains.models import PendingInvitation

BATCH = 100
SHOWN = 200
KEPT = timedelta(days=7)
MOST_IN_A_ROW = 5  # so many mails that fail one after the other for now: the mail server is away


class MailServerAway(DomainsError):
    """Mails can't be sent now; who was invited is, the others still wait."""

    permanent = False


@dataclass
class Invited:
    """What came of it. failures: who couldn't be mailed, and why; the first of them. left: who still waits."""

    sent: int = 0
    already: int = 0
    failed: int = 0
    left: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)

    def fail(self, email: str, reason: str) -> None:
        self.failed += 1
        if len(self.failures) < SHOWN:
            self.failures.append({"email": email, "reason": reason})


def forget_old(now: datetime | None = None) -> int:
    """Those that nobody sent in time (the clock calls this): their people can be invited on their pages."""
    old = PendingInvitation.objects.filter(created_at__lt=(now or timezone.now()) - KEPT)
    return old.delete()[0]


def waiting(batch: UUID) -> int:
    return PendingInvitation.objects.filter(batch=batch).count()


def send_invitations(
    actor: Actor, batch: UUID, *, progress: Callable[[int], None], stop: Callable[[], bool]
) -> Invited:
    """Mail those of a batch who still wait. A stopped run goes on where it was.

    Raises: Forbidden (no right to make links anywhere), MailServerAway.
    """
    actor.require_somewhere(Right.SET_PASSWORDS)
    if not is_configured():
        raise MailServerAway(_("No mail server is set up (POSTKEEP_MAIL_HOST)."))
    result, last = Invited(), 0
    while not stop():
        rows = PendingInvitation.objects.filter(batch=batch, pk__gt=last).select_related("user").order_by("pk")
        found = list(rows[:BATCH])
        if not found:
            break
        last = found[-1].pk
        _send(actor, found, result, lambda: progress(result.sent + result.already + result.failed), stop)
    result.left = waiting(batch)
    return result


def _send(
    actor: Actor,
    rows: list[PendingInvitation],
    result: Invited,
    progress: Callable[[], None],
    stop: Callable[[], bool],
) -> None:
    away = 0
    for row in rows:
        if stop():
            return
        person, done = row.user, True
        if person.has_usable_password() or not person.is_active:
            result.already += 1
        else:
            try:
                ((_person, link),) = issue_links(actor, [person])
                mail_link(person, OneTimeLink.Kind.INVITATION, link)
                result.sent += 1
                away = 0
            except Forbidden:
                done = False  # whoever may still can
                result.fail(person.email, _("You may not invite them."))
            except NotSent as error:
                done = error.permanent
                away = 0 if done else away + 1
                result.fail(person.email, str(error)[:300])
        if done:
            row.delete()
        if away >= MOST_IN_A_ROW:
            raise MailServerAway(
                _("The mail server takes no mail now. %(sent)d are invited; start the task again for the others.")
                % {"sent": result.sent}
            )
        progress()
