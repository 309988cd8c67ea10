"""What is in quarantine for a domain: also of addresses that nobody here owns, which has no user to be found with.

Each is named by its key; where several recipients of the domain have the same message, by key and number, as `uri` has
it. Lists and facts are administration. Contents are not here: what nobody owns is opened on pages, by a person, with a
reason; what is somebody's is read with its user (`emails`).
"""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Group
from api.v1 import subjects
from api.v1.emails import (
    HELD_EMAILS,
    VIRUS_LOVER,
    EmailAnswer,
    MarkAnswer,
    MarkBody,
    ReleaseBody,
    ReportBody,
    mark,
    present,
    release,
)
from gateway.learning import Verdict
from gateway.models import Folder, Recipient
from gateway.selectors import quarantine as selectors
from gateway.services import quarantine

group = Group(
    "Quarantine of domains", "What is kept for a domain, also for addresses that only the mail server behind it knows."
)

_ONE = "/domains/{int:domainId}/quarantine/{emailId}"


def _managed(actor: Actor, domain_id: int) -> QuerySet[Recipient]:
    domain = subjects.domain(Right.VIEW_DOMAINS)(actor, domain_id)
    actor.require(Right.MANAGE_QUARANTINE, domain)
    return selectors.list_managed(actor).filter(domain_id=domain.pk).defer(None)


@group.list("/domains/{int:domainId}/quarantine", HELD_EMAILS)
def domain_quarantine(actor: Actor, domain_id: int) -> QuerySet[Recipient]:
    """List what is in quarantine for a domain, also of recipients that have no mailbox here."""
    return _managed(actor, domain_id)


def _one(actor: Actor, domain_id: int, email_id: str) -> Recipient:
    """What was held, whatever has become of it. Raises: Http404 (also where a key alone names several), Forbidden."""
    domain = subjects.domain(Right.VIEW_DOMAINS)(actor, domain_id)
    actor.require(Right.MANAGE_QUARANTINE, domain)
    key, _dash, number = email_id.partition("-")
    rows = Recipient.objects.filter(message__key=key, domain_id=domain.pk, action="hold")
    if number:
        rows = rows.filter(pk=int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0)
    found = list(rows.values_list("pk", flat=True)[:2])
    if len(found) != 1:
        raise Http404("no such message, or several")
    return selectors.get_item(actor, found[0])


@group.get(_ONE, admit=_one)
def domain_email_detail(actor: Actor, row: Recipient) -> EmailAnswer:
    """Read the facts of a message: from whom, to whom, why it is here."""
    return present(actor, [row])[0]


@group.post(f"{_ONE}/release", admit=_one, headers=VIRUS_LOVER)
def domain_email_release(actor: Actor, row: Recipient, headers: dict[str, str], body: ReleaseBody | None) -> None:
    """Release a message to its recipient, through the domain's platform where nobody here owns the address."""
    release(actor, row, Folder.QUARANTINE.value, headers, body or ReleaseBody())


@group.post(f"{_ONE}/report", admit=_one)
def domain_email_report(actor: Actor, row: Recipient, body: ReportBody) -> None:
    """Say that a message was judged wrongly; scanners that learn are taught."""
    quarantine.report(actor, row, Verdict(body.verdict.lower()))


@group.post(f"{_ONE}/sender", admit=_one)
def domain_email_sender(actor: Actor, row: Recipient, body: MarkBody) -> MarkAnswer:
    """Allow or block a message's sender from now on: for the domain where nobody here owns the address."""
    return mark(actor, row, body)


@group.delete(_ONE, admit=_one)
def domain_email_delete(actor: Actor, row: Recipient) -> None:
    """Delete a message from quarantine."""
    quarantine.delete(actor, row)
