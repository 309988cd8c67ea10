"""Writes of domains and mailboxes."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts import addresses, audit
from accounts.actors import Actor
from accounts.errors import BadAddress as BadAccountAddress
from accounts.models import User
from accounts.permissions import Right
from accounts.services import create_user
from domains.errors import BadAddress
from domains.models import Domain, Mailbox


def ensure_mailbox(actor: Actor, address: str) -> tuple[Mailbox, bool]:
    """The mailbox at this address, made when nobody has it yet: (mailbox, created).

    A new one brings its domain's row and a person without a password, who can't sign in until invited. Everybody may
    have their own; others' needs the right to manage users. Two callers at once get the same mailbox. Raises:
    BadAddress, Forbidden.
    """
    parsed = _parse(address)
    if actor.user is None or actor.user.email != str(parsed):
        actor.require(Right.MANAGE_USERS)
    found = Mailbox.objects.filter(address=str(parsed)).first()
    if found is not None:
        return found, False
    try:
        with transaction.atomic():
            return _make_mailbox(actor, parsed), True
    except IntegrityError:  # somebody made it in between
        return Mailbox.objects.get(address=str(parsed)), False


def _parse(address: str) -> addresses.MailAddress:
    try:
        return addresses.parse_address(address)
    except BadAccountAddress as error:
        raise BadAddress(str(error)) from error


def _make_mailbox(actor: Actor, address: addresses.MailAddress) -> Mailbox:
    domain, new_domain = Domain.objects.get_or_create(name=address.domain)
    if new_domain:
        audit.record(actor, "domain.create", domain)
    user = User.objects.filter(email=str(address)).first()
    if user is None:
        user = create_user(Actor.system(), email=str(address))
    mailbox = Mailbox.objects.create(domain=domain, address=str(address), user=user)
    audit.record(actor, "mailbox.create", mailbox)
    return mailbox
