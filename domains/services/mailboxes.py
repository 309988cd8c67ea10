"""Writes of mailboxes: the address, what is kept there, and the person who signs in with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import MailAddress
from accounts.errors import AddressTaken
from accounts.errors import BadPassword as BadAccountPassword
from accounts.membership import edit_person, require_dominance
from accounts.models import User
from accounts.permissions import Right
from accounts.services import create_user, settle
from config.kit import versions
from domains import inheritance
from domains.errors import BadAddress, Invalid, Taken, WrongState
from domains.models import Address, Domain, Mailbox, Status
from domains.services import claims, counting, quotas
from domains.services.domains import add_domain_row
from domains.services.fields import checked_text

NEW_STATUSES = (Status.ENABLED, Status.DISABLED, Status.PENDING)
NAMES = ("name", "first_name", "last_name")  # of the person


def _serving(name: str) -> Domain | None:
    return Domain.objects.exclude(status=Status.PURGED).filter(names__name=name).first()


def require_served(actor: Actor, address: MailAddress) -> None:
    """A mailbox's domain is one of ours, unless the actor may make domains.

    Else an address in a name nobody serves yet would be enough to keep that name from whose it is. Raises: BadAddress.
    """
    if not actor.has(Right.CREATE_DOMAINS) and _serving(address.domain) is None:
        raise BadAddress(
            _("%(domain)s is not a domain of this server. Ask your administrator to add it.")
            % {"domain": address.domain},
            field="email",
        )


def ensure_mailbox(actor: Actor, address: str) -> tuple[Mailbox, bool]:
    """The mailbox at this address, made when nobody has it yet: (mailbox, created).

    For imports: a new one brings its domain's row (for who may make domains) and a person without a password, who can't
    sign in until invited. Everybody may have their own in a domain of ours; others' needs the right to manage users.
    Two callers at once get the same mailbox. Raises: BadAddress, Forbidden, Taken, LimitReached.
    """
    parsed = claims.parse(address)
    own = actor.user is not None and actor.user.email == str(parsed)
    domain = _serving(parsed.domain)
    if not own:
        actor.require(Right.MANAGE_USERS, domain)
    found = Mailbox.objects.exclude(status=Status.PURGED).filter(address=str(parsed)).first()
    if found is not None:
        return found, False
    try:
        with transaction.atomic():
            if domain is None:
                require_served(actor, parsed)
                domain = add_domain_row(actor, parsed.domain)
            return make_mailbox_rows(actor, domain, parsed), True
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
    status: str | None = None,
    password: str | None = None,
    quota_bytes: int | None = None,
    quota_messages: int | None = None,
    sender_verify: bool | None = None,
    transport: str = "",
) -> Mailbox:
    """A new mailbox and its person; without a password they can't sign in until invited.

    Without a language or a state it gets what the domain's template says (`domains.inheritance.new_account`).
    A quota of its own needs the right to set quotas, and fits into what domain and customer may give.
    Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid, WrongState.
    """
    actor.require(Right.MANAGE_USERS, domain)
    require_serving(domain)
    template = inheritance.new_account(domain)
    status = template.status if status is None else status
    if status not in NEW_STATUSES:
        raise Invalid(_("A new mailbox is enabled, disabled or pending."), field="status")
    limits = {"quota_bytes": quota_bytes, "quota_messages": quota_messages}
    if any(value is not None for value in limits.values()):
        actor.require(Right.MANAGE_QUOTAS, domain)
        quotas.check_values(limits)
    local = claims.parse_local(email, domain)
    transport = checked_text(Mailbox, {"transport": transport})["transport"]
    person = checked_text(User, {"name": name, "first_name": first_name, "last_name": last_name})
    person |= {"language": language or template.language, "theme": template.theme}
    with transaction.atomic():
        made = make_mailbox_rows(
            actor,
            domain,
            MailAddress(local, domain.name),
            status=status,
            person={**person, "password": password},
            sender_verify=sender_verify,
            transport=transport,
            **limits,
        )
        quotas.check_room(domain)
        return made


def update_mailbox(
    actor: Actor, mailbox: Mailbox, values: Mapping[str, Any], *, expected: int | None = None
) -> versions.Changes:
    """Set the person's name, first_name, last_name, language, and the mailbox's sender_verify and transport.

    Raises: Forbidden, Invalid, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_USERS, mailbox)
    require_dominance(actor, mailbox.user)
    own = {name: value for name, value in values.items() if name in ("sender_verify", "transport")}
    own |= checked_text(Mailbox, {name: own[name] for name in ("transport",) if name in own})
    person = {name: value for name, value in values.items() if name not in own}
    person |= checked_text(User, {name: person[name] for name in NAMES if name in person})
    with transaction.atomic():
        if mailbox.user is None and "name" in person:  # the person is gone, the label stays
            own["name"] = person["name"]
        changes = versions.change(mailbox, own, expected=expected)
        if mailbox.user is not None:
            try:
                told = edit_person(actor, mailbox.user, person)
            except ValidationError as error:
                raise Invalid(" ".join(error.messages)) from error
            if told and not changes:  # whoever edits the mailbox next saw another person
                Mailbox.objects.filter(pk=mailbox.pk).update(version=F("version") + 1)
            mailbox.refresh_from_db(fields=["name", "version"])
            changes |= told
        if changes:
            audit.record(actor, "mailbox.edit", mailbox, changes=changes)
    return changes


def follow_person(user: User) -> None:
    """The label of somebody's mailbox says what the person is called (`accounts.following`)."""
    Mailbox.objects.filter(user=user).update(name=label_of(user))


def label_of(user: User) -> str:
    return user.display_name if user.display_name != user.email else ""


def require_serving(domain: Domain) -> None:
    """Nothing is made in a domain that is deleted. Raises: WrongState."""
    if domain.status in (Status.DELETED, Status.PURGED):
        raise WrongState(_("%(domain)s is deleted.") % {"domain": domain.display_name})


def make_mailbox_rows(
    actor: Actor,
    domain: Domain,
    address: MailAddress,
    *,
    status: str = Status.ENABLED,
    person: Mapping[str, str | None] | None = None,
    **fields: object,
) -> Mailbox:
    """The rows of a new mailbox with its event; for callers that asked the right, inside a transaction.

    The claim of a mailbox is enabled exactly as long as the mailbox is.
    """
    claim = claims.claim(actor, domain, address.local, Address.Kind.MAILBOX, is_enabled=status == Status.ENABLED)
    user = _person(actor, domain, str(address), status, person or {})
    mailbox = Mailbox.objects.create(
        domain=domain,
        customer_id=domain.customer_id,
        claim=claim,
        address=str(address),
        user=user,
        status=status,
        name=label_of(user),
        **fields,
    )
    if status == Status.ENABLED:
        counting.count_active(domain, 1)
    audit.record(actor, "mailbox.create", mailbox, status=status)
    return mailbox


def _person(actor: Actor, domain: Domain, email: str, status: str, values: Mapping[str, str | None]) -> User:
    """The person of a new mailbox: a new one, or somebody who has the address and no mailbox (an administrator).

    That somebody is theirs to take, or of who manages people on the whole server: else a domain's administrator could
    draw somebody with more rights into their domain, where its settings decide about them.
    """
    user = User.objects.filter(email=email, mailbox=None).first()
    if user is not None and not (actor.owns(user) or (actor.has(Right.MANAGE_USERS) and actor.dominates(user))):
        raise Taken(_("Somebody signs in with %(email)s already.") % {"email": email}, field="email")
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
