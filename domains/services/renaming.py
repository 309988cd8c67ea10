"""Renaming a domain with everything in it: names, addresses, people, and whatever elsewhere names its addresses.

One transaction in statements over sets: 100,000 mailboxes take seconds. Rows stay the same rows, so sessions, tokens
and archived mail stay where they are. Modules that keep addresses as text register a follower. `plan` says beforehand
in numbers what changes and what is in the way.
Source: CommuniGate's RENAMEDOMAIN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Func, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Concat, Length, Substr
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit, holdings
from accounts.actors import Actor
from accounts.addresses import ADDRESS_MAX_BYTES
from accounts.errors import Forbidden
from accounts.models import Grant, User
from accounts.permissions import Level, Right
from accounts.services.grants import relabel
from config.kit import versions
from domains.errors import DomainsError, Invalid, Taken, WrongState
from domains.models import Address, Domain, DomainName, Recipient, Status
from domains.services import counting, naming
from domains.services.domain_names import MOST_NAMES, require_claiming
from domains.services.domains import parse_name
from domains.services.people import people_of

SHOWN = 10
Follower = Callable[[Domain, str, str], None]
_followers: list[Follower] = []


def register_follower(follow: Follower) -> None:
    """Be told (domain, old name, new name) inside the transaction of a rename, to change what you keep as text."""
    if follow not in _followers:
        _followers.append(follow)


class RenameBlocked(DomainsError):
    """Something is in the way of the new name; the text says what, with names."""


@dataclass
class Plan:
    """What a rename changes, in numbers, and what is in its way.

    signed_in_elsewhere: new addresses with which somebody else signs in; beyond: people of the domain who hold more
    than the actor, whose sign-in address only somebody with their rights may change.
    """

    old: str
    new: str
    mailboxes: int = 0
    addresses: int = 0
    people: int = 0
    recipients: int = 0
    grants: int = 0
    is_alias: bool = False
    taken: bool = False
    too_long: list[str] = field(default_factory=list)
    signed_in_elsewhere: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)

    @property
    def is_blocked(self) -> bool:
        return self.taken or bool(self.too_long or self.signed_in_elsewhere or self.beyond)

    def as_details(self) -> dict[str, int]:
        return {
            "mailboxes": self.mailboxes,
            "addresses": self.addresses,
            "people": self.people,
            "recipients": self.recipients,
        }


def plan(actor: Actor, domain: Domain, new_name: str) -> Plan:
    """What renaming would change; nothing changes. Raises: Forbidden, BadAddress, Invalid."""
    actor.require(Right.EDIT_DOMAINS, domain)
    new = parse_name(new_name)
    if new == domain.name:
        raise Invalid(_("This is the domain's name already."), field="name")
    existing = DomainName.objects.filter(name=new).first()
    is_alias = existing is not None and existing.domain_id == domain.pk
    if not is_alias:
        require_claiming(actor, domain)
    return Plan(
        old=domain.name,
        new=new,
        mailboxes=domain.mailbox_count,
        addresses=Address.objects.filter(domain=domain).count(),
        people=_people(domain).count(),
        recipients=Recipient.objects.filter(target__domain=domain).exclude(address__domain=domain).count(),
        grants=Grant.objects.filter(level=Level.DOMAIN, object_id=domain.pk).count(),
        is_alias=is_alias,
        taken=existing is not None and not is_alias,
        too_long=_too_long(domain, new),
        signed_in_elsewhere=_signed_in_elsewhere(domain, new),
        beyond=_beyond(actor, domain),
    )


def rename_domain(
    actor: Actor,
    domain: Domain,
    new_name: str,
    *,
    keep_old: bool = True,
    reason: str = "",
    expected: int | None = None,
) -> Plan:
    """Give a domain another name of its own; keep_old leaves the old one as an alias. What was changed.

    A name that is an alias of the domain already only needs the right to change the domain; another one the right to
    claim names. Raises: Forbidden, BadAddress, Invalid, Taken, RenameBlocked, WrongState, ChangedMeanwhile.
    """
    actor.require(Right.EDIT_DOMAINS, domain)
    seen = domain.name
    with transaction.atomic():
        counting.lock(domain)
        versions.change(domain, {}, expected=expected)
        if domain.name != seen:
            raise versions.ChangedMeanwhile(f"{seen} was renamed meanwhile")
        found = plan(actor, domain, new_name)
        _refuse(actor, domain, found)
        try:
            with transaction.atomic():
                _rename(domain, found.new, keep_old=keep_old)
        except IntegrityError as error:  # somebody took the name, or one of the addresses, at this moment
            raise Taken(_("%(domain)s is taken already.") % {"domain": found.new}, field="name") from error
        changes = {"name": (found.old, found.new)}
        details = found.as_details()
        audit.record(actor, "domain.rename", domain, changes=changes, reason=reason, kept_old=keep_old, **details)
    return found


def _refuse(actor: Actor, domain: Domain, found: Plan) -> None:
    """Raises: WrongState, Taken, Forbidden, RenameBlocked."""
    if domain.status in (Status.DELETED, Status.PURGED):
        raise WrongState(_("%(domain)s is deleted; restore it first.") % {"domain": domain.display_name})
    if found.taken:
        raise Taken(_("%(domain)s is taken already.") % {"domain": found.new}, field="name")
    if found.beyond:
        raise Forbidden(f"{', '.join(found.beyond)} hold rights that {actor.label} doesn't")
    if found.too_long:
        text = _("With the new name these addresses would be too long: %(addresses)s")
        raise RenameBlocked(text % {"addresses": ", ".join(found.too_long)}, field="name")
    if found.signed_in_elsewhere:
        count = len(found.signed_in_elsewhere)
        text = ngettext(
            "Somebody else signs in with an address of the new name already: %(addresses)s",
            "Others sign in with addresses of the new name already: %(addresses)s",
            count,
        )
        raise RenameBlocked(text % {"addresses": ", ".join(found.signed_in_elsewhere)}, field="name")


def _rename(domain: Domain, new: str, *, keep_old: bool) -> None:
    old, people = domain.name, _people(domain)
    _set_names(domain, old, new, keep_old=keep_old)
    people.update(email=Concat(_local_of("email", old), Value(f"@{new}")), version=F("version") + 1)
    Address.objects.filter(domain=domain).update(text=Concat("local", Value(f"@{new}")), version=F("version") + 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE domains_mailbox SET address = claim.text, version = domains_mailbox.version + 1
            FROM domains_address AS claim
            WHERE claim.id = domains_mailbox.claim_id AND domains_mailbox.domain_id = %s
            """,
            [domain.pk],
        )
    naming.follow(domain, old, new)
    relabel(domain)
    labelled = Grant.objects.filter(level=Level.USER, object_label__endswith=f"@{old}")
    labelled.filter(object_id__in=User.objects.filter(home_domain_id=domain.pk).values("pk")).update(
        object_label=Concat(_local_of("object_label", old), Value(f"@{new}"))
    )
    for follow in _followers:
        follow(domain, old, new)


def _set_names(domain: Domain, old: str, new: str, *, keep_old: bool) -> None:
    versions.change(domain, {"name": new})
    names = DomainName.objects.filter(domain=domain)
    if names.filter(name=new).update(is_alias=False) == 0:
        DomainName.objects.create(domain=domain, name=new, is_alias=False)
    if not keep_old or names.count() > MOST_NAMES:
        names.filter(name=old).delete()
    else:
        names.filter(name=old).update(is_alias=True)


def _local_of(column: str, domain_name: str) -> Substr:
    """An address without its @ and domain."""
    return Substr(column, 1, Length(column) - len(domain_name) - 1)


def _people(domain: Domain) -> QuerySet[User]:
    """The domain's people who sign in with an address of it."""
    return people_of(domain).filter(email__endswith=f"@{domain.name}")


def _signed_in_elsewhere(domain: Domain, new: str) -> list[str]:
    """New addresses of the domain's people with which somebody else signs in."""
    locals_ = _people(domain).annotate(new=Concat(_local_of("email", domain.name), Value(f"@{new}")))
    taken = User.objects.filter(email__in=locals_.values("new")).order_by("email")
    return list(taken.values_list("email", flat=True)[:SHOWN])


def _too_long(domain: Domain, new: str) -> list[str]:
    """Addresses that would be longer than addresses may be."""
    if len(new) <= len(domain.name):
        return []
    sized = Address.objects.filter(domain=domain).annotate(bytes=_Bytes("local", output_field=IntegerField()))
    longest = sized.filter(bytes__gt=ADDRESS_MAX_BYTES - len(new) - 1).order_by("text")
    return list(longest.values_list("text", flat=True)[:SHOWN])


class _Bytes(Func):
    function = "octet_length"


def _beyond(actor: Actor, domain: Domain) -> list[str]:
    """People of the domain who hold what the actor doesn't: their sign-in address isn't the actor's to change."""
    people = _people(domain)
    holding = holdings.grants_in_force().filter(user__in=people).values("user")
    candidates = people.filter(Q(is_administrator=True) | Q(pk__in=holding)).order_by("email")
    return [user.email for user in candidates if not actor.dominates(user)][:SHOWN]
