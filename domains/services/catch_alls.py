"""Where a domain's mail for unknown addresses goes: checked so that it arrives somewhere and never comes back.

An address of ours must be there; one elsewhere is believed. A chain that leads to an unknown address of the same domain
again would go round for ever (RFC 5321 §6.3), through forwards, groups and other domains' catch-alls too.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from domains.errors import Invalid
from domains.models import Domain, Recipient, Status
from domains.services import claims

MOST_STEPS = 10_000
FIELD = "catch_all"


def checked(actor: Actor, domain: Domain, text: str) -> str:
    """A catch-all address in canonical form; "" for none. Raises: BadAddress, Invalid."""
    if not text.strip():
        return ""
    parsed = claims.parse(text, field=FIELD)
    email = str(parsed)
    found = claims.find(email)
    served = _serving(parsed.domain)
    if found is not None:
        email = found.text
    elif served is not None and (served.pk == domain.pk or actor.has(Right.VIEW_DOMAINS, served)):
        raise Invalid(_("There is no %(address)s here. Make it first.") % {"address": email}, field=FIELD)
    if _comes_back(domain, email):
        loop = _("%(address)s leads back to unknown addresses of %(domain)s, and mail would go round for ever.")
        raise Invalid(loop % {"address": email, "domain": domain.display_name}, field=FIELD)
    return email


def _comes_back(domain: Domain, email: str) -> bool:
    """Whether mail to this address would be mail to an unknown address of the domain."""
    seen: set[str] = set()
    waiting = [email]
    while waiting and len(seen) < MOST_STEPS:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        claim = claims.find(each)
        if claim is not None:
            targets = Recipient.objects.filter(address=claim).values_list("target__text", "email")
            waiting += [text or outside for text, outside in targets]
            continue
        served = _serving(each.rpartition("@")[2])
        if served is None:
            continue
        if served.pk == domain.pk:
            return True
        if served.catch_all:
            waiting.append(served.catch_all)
    return False


def _serving(name: str) -> Domain | None:
    """The domain of ours that answers for a name."""
    return Domain.objects.exclude(status=Status.PURGED).filter(names__name=name).first()
