"""Claiming addresses: each once, whatever it is, and of two at the same time exactly one.

Every service that makes an address calls `claim`; nothing else makes `Address` rows one at a time (CSV import does it
in batches by the same rules). Rights are the callers'.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import addresses
from accounts.errors import BadAddress as BadAccountAddress
from domains.errors import BadAddress, Taken
from domains.models import Address, Domain, DomainName, Recipient, Status
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


def claim(domain: Domain, local: str, kind: str, **fields: object) -> Address:
    """Claim `local` (canonical) in the domain, and count it. Call it inside a transaction.

    Recipients elsewhere that already named this address lead to it from now on.
    Raises: Taken (by whatever has it), LimitReached.
    """
    counting.add(domain, kind)
    text = f"{local}@{domain.name}"
    try:
        with transaction.atomic():
            address = Address.objects.create(
                domain=domain, customer_id=domain.customer_id, local=local, text=text, kind=kind, **fields
            )
    except IntegrityError as error:
        raise Taken(_taken_text(domain, local), field="email") from error
    names = DomainName.objects.filter(domain=domain).values_list("name", flat=True)
    known = [text, *(f"{local}@{name}" for name in names)]
    Recipient.objects.filter(email__in=known, target=None).update(target=address)
    return address


def release(address: Address) -> None:
    """Give an address up; others may claim it from now on."""
    counting.remove(address.domain, address.kind)
    address.delete()


def find(text: str) -> Address | None:
    """The claim behind an address, also under an alias name of its domain; None for what isn't ours."""
    try:
        parsed = addresses.parse_address(text)
    except BadAccountAddress:
        return None
    found = Address.objects.select_related("domain").filter(local=parsed.local, domain__names__name=parsed.domain)
    return found.exclude(domain__status=Status.PURGED).first()


def _taken_text(domain: Domain, local: str) -> str:
    found = Address.objects.filter(domain=domain, local=local).first()
    kind = found.get_kind_display() if found else _("address")
    return _("%(address)s is taken: there is a %(kind)s of this address.") % {
        "address": f"{local}@{domain.name}",
        "kind": str(kind).lower(),
    }
