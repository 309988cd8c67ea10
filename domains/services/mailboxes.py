"""Writes of mailboxes: the address, what is kept there, and the person who signs in with it."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import MailAddress
from accounts.errors import AddressTaken
from accounts.errors import BadPassword as BadAccountPassword
from accounts.models import User
from accounts.permissions import Right
from accounts.services import create_user, settle
from domains import inheritance
from domains.errors import Invalid, Taken, WrongState
from domains.models import Address, Domain, Mailbox, Status
from domains.services import claims, counting
from domains.services.domains import add_domain_row


def ensure_mailbox(actor: Actor, address: str) -> tuple[Mailbox, bool]:
    """The mailbox at this address, made when nobody has it yet: (mailbox, created).

    For imports: a new one brings its domain's row (for who may make domains) and a person without a password, who can't
    sign in until invited. Everybody may have their own in a domain of ours; others' needs the right to manage users.
    Two callers at once get the same mailbox. Raises: BadAddress, Forbidden, Taken, LimitReached.
    """
    parsed = claims.parse(address)
    own = actor.user is not None and actor.user.email == str(parsed)
    domain = Domain.objects.exclude(status=Status.PURGED).filter(names__name=parsed.domain).first()
    if not own:
        actor.require(Right.MANAGE_USERS, domain)
    found = Mailbox.objects.exclude(status=Status.PURGED).filter(address=str(parsed)).first()
    if found is not None:
        return found, False
    try:
        with transaction.atomic():
            if domain is None:
                domain = add_domain_row(actor, parsed.domain)
            return _make(actor, domain, parsed), True
    except (IntegrityError, Taken):  # somebody made it in between
        again = Mailbox.objects.exclude(status=Status.PURGED).filter(address=str(parsed)).first()
        if again is None:
            raise
        return again, False


def create_mailbox(
    actor: Actor,
    domain: Domain,
    *,
    email: str,
    name: str = "",
    first_name: str = "",
    last_name: str = "",
    language: str = "",
    status: str = Status.ENABLED,
    password: str | None = None,
    quota_bytes: int | None = None,
    quota_messages: int | None = None,
    sender_verify: bool | None = None,
) -> Mailbox:
    """A new mailbox and its person; without a password they can't sign in until invited.

    Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid, WrongState.
    """
    actor.require(Right.MANAGE_USERS, domain)
    if domain.status in (Status.DELETED, Status.PURGED):
        raise WrongState(_("%(domain)s is deleted.") % {"domain": domain.display_name})
    if status not in (Status.ENABLED, Status.DISABLED, Status.PENDING):
        raise Invalid(_("A new mailbox is enabled, disabled or pending."), field="status")
    local = claims.parse_local(email, domain)
    with transaction.atomic():
        return _make(
            actor,
            domain,
            MailAddress(local, domain.name),
            status=status,
            person={
                "name": name,
                "first_name": first_name,
                "last_name": last_name,
                "language": language or inheritance.value_of(domain, "default_language"),
                "password": password,
            },
            quota_bytes=quota_bytes,
            quota_messages=quota_messages,
            sender_verify=sender_verify,
        )


def _make(
    actor: Actor,
    domain: Domain,
    address: MailAddress,
    *,
    status: str = Status.ENABLED,
    person: dict[str, str | None] | None = None,
    **fields: object,
) -> Mailbox:
    claim = claims.claim(domain, address.local, Address.Kind.MAILBOX)
    user = _person(actor, domain, str(address), status, person or {})
    mailbox = Mailbox.objects.create(
        domain=domain,
        customer_id=domain.customer_id,
        claim=claim,
        address=str(address),
        user=user,
        status=status,
        name=user.display_name if user.display_name != user.email else "",
        **fields,
    )
    if status == Status.ENABLED:
        counting.count_active(domain, 1)
    audit.record(actor, "mailbox.create", mailbox, status=status)
    return mailbox


def _person(actor: Actor, domain: Domain, email: str, status: str, values: dict[str, str | None]) -> User:
    """The person of a new mailbox: a new one, or somebody who has the address and no mailbox (an administrator)."""
    user = User.objects.filter(email=email, mailbox=None).first()
    if user is not None:
        settle(user, home_domain_id=domain.pk, home_customer_id=domain.customer_id)
        return user
    given: dict[str, Any] = {key: value for key, value in values.items() if value}
    try:
        # the right was asked on the domain; the mailbox's event names the actor
        return create_user(
            Actor.system(),
            email=email,
            active=status == Status.ENABLED,
            home_domain_id=domain.pk,
            home_customer_id=domain.customer_id,
            **given,
        )
    except AddressTaken as error:
        raise Taken(_("Somebody signs in with %(email)s already.") % {"email": email}, field="email") from error
    except BadAccountPassword as error:
        raise Invalid(" ".join(error.messages), field="password") from error
