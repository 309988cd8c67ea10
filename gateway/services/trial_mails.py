"""A test message to an address of ours, to see rules, relay and delivery at work. It comes from our own postmaster.

It is judged, kept and delivered like mail from elsewhere; its passport tells the story.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import MailAddress, parse_address
from accounts.errors import BadAddress
from accounts.permissions import Right
from domains.errors import Invalid
from domains.models import Domain, DomainName, Status
from gateway import intake
from gateway.flow import Asked, Client, Door, Incoming, InMemory, Sending
from gateway.keys import new_key
from gateway.models import Message
from gateway.naming import own_domain
from gateway.outgoing.letters import File, Letter, Person, as_bytes

MOST_CHARS = 5_000
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"  # eicar.org: every scanner finds it


def send_trial(actor: Actor, *, to: str, subject: str, text: str = "", with_virus: bool = False) -> Message:
    """Send it. with_virus: with the harmless file that every scanner takes for a virus.

    Raises: Forbidden, Invalid (field to).
    """
    actor.require_writing()
    actor.require_somewhere(Right.MANAGE_FILTERS)
    address, domain = _address(to)
    if domain is None or not actor.has(Right.MANAGE_FILTERS, domain):
        raise Invalid(_("Test messages go to addresses of domains whose rules you manage."), field="to")
    incoming = _incoming(actor, str(address), subject, text[:MOST_CHARS], with_virus)
    answer = intake.may_go(incoming.client, incoming.sender.address, str(address))
    if not answer.is_ok:
        raise Invalid(f"{answer.code} {answer.enhanced} {answer.text}", field="to")
    with transaction.atomic():
        answer, message = intake.take_now(incoming)
        if message is None:
            raise Invalid(f"{answer.code} {answer.enhanced} {answer.text}", field="to")
        audit.record(actor, "mail.trial", domain, message=message.key)
    return message


def _address(typed: str) -> tuple[MailAddress, Domain | None]:
    """Raises: Invalid."""
    try:
        address = parse_address(typed)
    except BadAddress as error:
        raise Invalid(str(error), field="to") from error
    rows = DomainName.objects.select_related("domain").exclude(domain__status=Status.PURGED)
    found = rows.filter(name=address.domain).first()
    return address, None if found is None else found.domain


def _incoming(actor: Actor, to: str, subject: str, text: str, with_virus: bool) -> Incoming:
    key, now, author = new_key(), timezone.now(), f"postmaster@{own_domain()}"
    letter = Letter(
        author=Person(author, "Postmaster"),
        to=(Person(to),),
        subject=subject[:500] or _("Test message"),
        text=text or _("This is a test message."),
        files=(File("EICAR.COM", "application/octet-stream", EICAR),) if with_virus else (),
    )
    raw = as_bytes(letter, message_id=f"<{key}@{own_domain()}>", at=now)
    return Incoming(
        key=key,
        door=Door.CONSOLE,
        client=Client("", user_name=actor.label, door=Door.CONSOLE),
        sender=Sending(author, () if raw.isascii() else (("BODY", "8BITMIME"),)),
        recipients=(Asked(to),),
        body=InMemory(raw),
        received_at=now,
    )
