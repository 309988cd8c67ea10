"""Another address for something that has one: within its domain, or in another domain of the same customer.

The claim stays the same row, so groups, forwards and aliases that lead to it still do, and say its new name. The
archive of a mailbox hangs on its id and comes along. Not for renaming domains.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import MailAddress
from accounts.errors import AddressTaken
from accounts.membership import readdress, require_dominance
from accounts.permissions import Right
from accounts.services import settle
from config.kit import versions
from domains.errors import BadAddress, Invalid, Taken
from domains.models import Address, AllowedSender, Customer, Domain, Mailbox, Recipient, SenderRule, Status
from domains.services import claims, counting, quotas
from domains.services.mailboxes import require_serving

RIGHT_FOR = {
    Address.Kind.MAILBOX: Right.MANAGE_USERS,
    Address.Kind.ALIAS: Right.MANAGE_ADDRESSES,
    Address.Kind.GROUP: Right.MANAGE_ADDRESSES,
    Address.Kind.FORWARD: Right.MANAGE_ADDRESSES,
    Address.Kind.LIST: Right.MANAGE_LISTS,
}


def rename_mailbox(
    actor: Actor, mailbox: Mailbox, *, email: str, keep_alias: bool = False, expected: int | None = None
) -> versions.Changes:
    """Give a mailbox another address, and its person another address to sign in with.

    email: whole, or its local part alone. keep_alias: the old address goes on leading to the mailbox.
    Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid, WrongState, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_USERS, mailbox)
    require_dominance(actor, mailbox.user)
    claim = claim_of(mailbox)
    domain, local = place_for(actor, mailbox.domain, email, Right.MANAGE_USERS)
    if keep_alias:
        actor.require(Right.MANAGE_ADDRESSES, mailbox)
    old = MailAddress(claim.local, mailbox.domain.name)
    old_domain = mailbox.domain
    with transaction.atomic():
        values: dict[str, object] = {"domain": domain, "address": f"{local}@{domain.name}"}
        if _is_same(mailbox, values):
            return {}
        if domain.pk != old_domain.pk:  # they are the old domain's, and its administrators'
            values |= {"policy": None, "relay": None}
        lock_domains(old_domain, domain)
        _move_claim(actor, claim, domain, local)
        try:
            with transaction.atomic():
                changes = versions.change(mailbox, values, expected=expected)
        except IntegrityError as error:  # somebody has a mailbox row of this address without a claim
            raise Taken(_("%(address)s is taken.") % {"address": values["address"]}, field="email") from error
        if mailbox.user is not None:
            try:
                readdress(actor, mailbox.user, mailbox.address)
            except AddressTaken as error:
                raise Taken(_("Somebody signs in with %(email)s already.") % {"email": error}, field="email") from error
        if domain.pk != old_domain.pk:
            _settle_in(mailbox, domain, old_domain)
        if keep_alias:
            alias = claims.claim(actor, old_domain, old.local, Address.Kind.ALIAS)
            Recipient.objects.create(address=alias, email=claim.text, target=claim)
            claims.recount([alias.pk])
            audit.record(actor, "alias.create", alias, mailbox=mailbox.address)
        changes.pop("domain", None)
        audit.record(actor, "mailbox.rename", mailbox, changes=changes, kept_alias=keep_alias)
    mailbox.refresh_from_db()
    return changes


def rename_address(actor: Actor, address: Address, *, email: str, expected: int | None = None) -> versions.Changes:
    """Give an alias, group, forward or list another address.

    Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid, WrongState, ChangedMeanwhile.
    """
    right = RIGHT_FOR[Address.Kind(address.kind)]
    actor.require(right, address)
    if address.kind == Address.Kind.MAILBOX:
        raise ValueError("a mailbox is renamed by rename_mailbox")
    domain, local = place_for(actor, address.domain, email, right)
    old = address.text
    with transaction.atomic():
        lock_domains(address.domain, domain)
        versions.change(address, {}, expected=expected)
        if address.text == f"{local}@{domain.name}":
            return {}
        _move_claim(actor, address, domain, local)
        changes: versions.Changes = {"text": (old, address.text)}
        audit.record(actor, f"{address.kind}.rename", address, changes=changes)
    return changes


def claim_of(mailbox: Mailbox) -> Address:
    """Raises: Invalid for one that was purged."""
    if mailbox.claim is None:
        raise Invalid(_("This mailbox is gone for good."))
    return mailbox.claim


def place_for(actor: Actor, domain: Domain, email: str, right: Right) -> tuple[Domain, str]:
    """Where an address leads to: (domain, canonical local part), in a domain of the same customer.

    A domain that the actor may not use doesn't exist for them. Raises: BadAddress, Invalid, WrongState.
    """
    if "@" not in email:
        require_serving(domain)
        return domain, claims.parse_local(email, domain)
    parsed = claims.parse(email)
    found = Domain.objects.visible_to(actor, right).filter(names__name=parsed.domain).first()
    if found is None and domain.names.filter(name=parsed.domain).exists():
        found = domain
    if found is None:
        unknown = _("%(domain)s is not a domain that you administer here.") % {"domain": parsed.domain}
        raise BadAddress(unknown, field="email")
    if found.customer_id != domain.customer_id:
        raise Invalid(_("An address stays with its customer."), field="email")
    require_serving(found)
    return found, parsed.local


def lock_domains(*domains: Domain) -> None:
    """Take the locks of counting in one order, so that two moves can't wait for each other."""
    customers = {domain.customer_id for domain in domains if domain.customer_id is not None}
    list(Customer.objects.select_for_update().filter(pk__in=customers).order_by("pk"))
    list(Domain.objects.select_for_update().filter(pk__in={domain.pk for domain in domains}).order_by("pk"))


def _move_claim(actor: Actor, address: Address, domain: Domain, local: str) -> None:
    """The same claim under another name, counted where it is now. Raises: Taken, LimitReached."""
    old_domain, old_text = address.domain, address.text
    if domain.pk != old_domain.pk:
        counting.remove(old_domain, address.kind)
        counting.add(domain, address.kind)
    claims.require_nobodys(actor, domain, local)
    text = f"{local}@{domain.name}"
    try:
        with transaction.atomic():
            Address.objects.filter(pk=address.pk).update(
                domain=domain, customer_id=domain.customer_id, local=local, text=text, version=F("version") + 1
            )
    except IntegrityError as error:
        raise Taken(claims.taken_text(domain, local), field="email") from error
    address.refresh_from_db()
    claims.say_its_name(address)
    naming = AllowedSender.objects.filter(value=old_text)
    naming.filter(address__allowed_senders__value=text).delete()
    AllowedSender.objects.filter(value=old_text).update(value=text)
    Domain.objects.filter(catch_all=old_text).update(catch_all=text)


def _settle_in(mailbox: Mailbox, domain: Domain, old_domain: Domain) -> None:
    """A mailbox moved to another domain: its person belongs there, and its quota has to fit there."""
    if mailbox.status == Status.ENABLED:
        counting.count_active(old_domain, -1)
        counting.count_active(domain, 1)
    SenderRule.objects.filter(mailbox=mailbox).update(domain=domain)
    if mailbox.user is not None:
        settle(mailbox.user, home_domain_id=domain.pk, home_customer_id=domain.customer_id)
    quotas.check_room(domain)
    quotas.refresh_fill(mailbox=mailbox)


def _is_same(mailbox: Mailbox, values: dict[str, object]) -> bool:
    return all(getattr(mailbox, name) == value for name, value in values.items())
