"""Claiming addresses: each once, whatever it is, and of two at the same time exactly one.

Every service that makes an address calls `claim`; nothing else makes `Address` rows one at a time (CSV import does it
in batches by the same rules). Rights are the callers'.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts import addresses
from accounts.actors import Actor
from accounts.errors import BadAddress as BadAccountAddress
from accounts.models import User
from domains.errors import BadAddress, Taken
from domains.models import Address, AllowedSender, Domain, DomainName, Recipient, Status
from domains.services import counting


def parse(text: str, *, field: str = "email") -> addresses.MailAddress:
    """An address somebody typed, in canonical form. Raises: BadAddress."""
    try:
        return addresses.parse_address(text)
    except BadAccountAddress as error:
        raise BadAddress(str(error), field=field) from error


def parse_local(text: str, domain: Domain, *, field: str = "email") -> str:
    """The local part of an address given whole or as its local part alone; a whole one must be of this domain.

    Raises: BadAddress.
    """
    if "@" not in text:
        text = f"{text.strip()}@{domain.name}"
    parsed = parse(text, field=field)
    if parsed.domain != domain.name and not DomainName.objects.filter(domain=domain, name=parsed.domain).exists():
        wrong = _("%(address)s is not an address of %(domain)s.") % {"address": parsed, "domain": domain.display_name}
        raise BadAddress(wrong, field=field)
    return parsed.local


def claim(actor: Actor, domain: Domain, local: str, kind: str, **fields: object) -> Address:
    """Claim `local` (canonical) in the domain, and count it. Call it inside a transaction.

    Recipients elsewhere that already named this address lead to it from now on. An address that somebody without a
    mailbox signs in with is theirs: only who holds all that they hold may put something at it.
    Raises: Taken (by whatever or whoever has it), LimitReached.
    """
    counting.add(domain, kind)
    text = f"{local}@{domain.name}"
    known = require_nobodys(actor, domain, local)
    try:
        with transaction.atomic():
            address = Address.objects.create(
                domain=domain, customer_id=domain.customer_id, local=local, text=text, kind=kind, **fields
            )
    except IntegrityError as error:
        raise Taken(taken_text(domain, local), field="email") from error
    if Recipient.objects.filter(email__in=known, target=None).update(target=address):
        say_its_name(address)
    return address


def require_nobodys(actor: Actor, domain: Domain, local: str) -> list[str]:
    """That no person without a mailbox, who holds more than the actor, signs in with this address by any of its names.

    Answers with the names. Raises: Taken.
    """
    names = DomainName.objects.filter(domain=domain).values_list("name", flat=True)
    known = list({f"{local}@{domain.name}", *(f"{local}@{name}" for name in names)})
    for user in User.objects.filter(email__in=known, mailbox=None):
        if not (actor.owns(user) or actor.dominates(user)):
            raise Taken(_("Somebody signs in with %(email)s already.") % {"email": user.email}, field="email")
    return known


def say_its_name(address: Address) -> None:
    """What leads to an address names it by its present name, once per group. After a rename, call it too."""
    leading = Recipient.objects.filter(target=address)
    Recipient.objects.filter(email=address.text, target=None).update(target=address)
    named = leading.filter(email=address.text).values("address")
    stale = leading.exclude(email=address.text)
    first = stale.exclude(address__in=named).order_by("address_id", "pk").distinct("address_id")
    kept = list(first.values_list("pk", flat=True))
    doubled = stale.exclude(pk__in=kept)
    own = leading.filter(address=address)  # nothing delivers to itself because of a new name
    fewer = {*doubled.values_list("address_id", flat=True), *own.values_list("address_id", flat=True)}
    doubled.delete()
    leading.filter(pk__in=kept).update(email=address.text)
    own.delete()
    recount(fewer)


def release(address: Address) -> None:
    """Give an address up; others may claim it from now on. Call it inside a transaction.

    It leaves everything that names it: a member, a sender or a catch-all that stayed would be the next owner's.
    """
    counting.remove(address.domain, address.kind)
    naming = list(Recipient.objects.filter(target=address).values_list("address_id", flat=True))
    AllowedSender.objects.filter(value=address.text).delete()
    Domain.objects.filter(catch_all=address.text).update(catch_all="")
    address.delete()
    recount(naming)


def recount(address_ids: Iterable[int]) -> None:
    """How many recipients these addresses have now."""
    counted = Recipient.objects.filter(address=OuterRef("pk")).order_by().values("address").annotate(n=Count("*"))
    found = Coalesce(Subquery(counted.values("n")), 0)
    Address.objects.filter(pk__in=set(address_ids)).update(recipient_count=found)


def find(text: str) -> Address | None:
    """The claim behind an address, also under an alias name of its domain; None for what isn't ours."""
    try:
        parsed = addresses.parse_address(text)
    except BadAccountAddress:
        return None
    found = Address.objects.select_related("domain").filter(local=parsed.local, domain__names__name=parsed.domain)
    return found.exclude(domain__status=Status.PURGED).first()


def taken_text(domain: Domain, local: str) -> str:
    found = Address.objects.filter(domain=domain, local=local).first()
    kind = found.get_kind_display() if found else _("address")
    return _("%(address)s is taken: there is a %(kind)s of this address.") % {
        "address": f"{local}@{domain.name}",
        "kind": str(kind).lower(),
    }
