"""Other addresses of a mailbox. An alias is a claim of its own that leads to one mailbox."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Address, Mailbox, Recipient
from domains.services import claims
from domains.services.mailboxes import require_serving
from domains.services.readdressing import claim_of, place_for


def aliases_of(mailbox: Mailbox) -> QuerySet[Address]:
    """The claims that lead to a mailbox as its aliases, by address."""
    found = Address.objects.filter(kind=Address.Kind.ALIAS, recipients__target=mailbox.claim_id)
    return found.select_related("domain").order_by("text")


def add_alias(actor: Actor, mailbox: Mailbox, *, email: str) -> Address:
    """One more address of a mailbox, in its domain or another of the same customer; whole, or its local part alone.

    Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid, WrongState.
    """
    actor.require(Right.MANAGE_ADDRESSES, mailbox)
    target = claim_of(mailbox)
    domain, local = place_for(actor, mailbox.domain, email, Right.MANAGE_ADDRESSES)
    require_serving(domain)
    with transaction.atomic():
        alias = claims.claim(actor, domain, local, Address.Kind.ALIAS, recipient_count=1)
        Recipient.objects.create(address=alias, email=target.text, target=target)
        audit.record(actor, "alias.create", alias, mailbox=mailbox.address)
        audit.record(actor, "mailbox.add_alias", mailbox, alias=alias.text)
    return alias


def set_aliases(actor: Actor, mailbox: Mailbox, emails: Iterable[str]) -> tuple[list[str], list[str]]:
    """Exactly these aliases from now on, all or nothing: (added, removed).

    Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid, WrongState.
    """
    actor.require(Right.MANAGE_ADDRESSES, mailbox)
    wanted = {}
    for email in emails:
        domain, local = place_for(actor, mailbox.domain, email, Right.MANAGE_ADDRESSES)
        wanted[f"{local}@{domain.name}"] = email
    with transaction.atomic():
        Address.objects.select_for_update().get(pk=claim_of(mailbox).pk)
        kept = {alias.text: alias for alias in aliases_of(mailbox)}
        removed = sorted(set(kept) - set(wanted))
        for text in removed:
            remove_alias(actor, kept[text])
        added = [text for text in wanted if text not in kept]
        for text in added:
            add_alias(actor, mailbox, email=text)
    return added, removed


def remove_alias(actor: Actor, alias: Address) -> None:
    """Give an alias up; mail for it isn't taken any more. Raises: Forbidden."""
    actor.require(Right.MANAGE_ADDRESSES, alias)
    if alias.kind != Address.Kind.ALIAS:
        raise ValueError(f"{alias} is no alias")
    with transaction.atomic():
        targets = Mailbox.objects.filter(claim__reached_by__address=alias).select_related("domain")
        for mailbox in targets:
            audit.record(actor, "mailbox.remove_alias", mailbox, alias=alias.text)
        audit.record(actor, "alias.delete", alias)
        claims.release(alias)
