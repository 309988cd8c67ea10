"""The names a domain answers for: its own and its aliases. A name belongs to one domain of the server, whatever it is.

Claiming a name decides whose mail it is, so it needs the right to add domains, like making one; who may only change the
domain may give names up. (An option of the server lets them add names, too.) Not for renaming (`renaming`).
Source: Cleanmail's domain aliases (add, remove, replace all).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit, options
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import versions
from domains.errors import InUse, Invalid, Taken, WrongState
from domains.models import Domain, DomainName, Status
from domains.services import counting
from domains.services.domains import parse_name
from domains.services.naming import adopt, forget_name

ADMINISTRATORS_ADD_NAMES = "DOMAIN_ADMINISTRATORS_ADD_NAMES"
MOST_NAMES = 500


def may_claim_names(actor: Actor, domain: Domain) -> bool:
    """Whether the actor may give this domain names that nobody has yet."""
    if not actor.has(Right.EDIT_DOMAINS, domain):
        return False
    return actor.has(Right.CREATE_DOMAINS, domain) or bool(options.value(ADMINISTRATORS_ADD_NAMES, domain))


def require_claiming(actor: Actor, domain: Domain) -> None:
    """Raises: Forbidden."""
    actor.require(Right.EDIT_DOMAINS, domain)
    if not may_claim_names(actor, domain):
        actor.require(Right.CREATE_DOMAINS, domain)


def add_names(actor: Actor, domain: Domain, names: Iterable[str], *, expected: int | None = None) -> list[DomainName]:
    """Give a domain aliases; those that were added, in this order. Names that it has already are left out.

    Raises: Forbidden, BadAddress, Taken, Invalid (too many), WrongState, ChangedMeanwhile.
    """
    require_claiming(actor, domain)
    wanted = list(dict.fromkeys(parse_name(name, field="names") for name in names))
    with transaction.atomic():
        _begin(domain, expected)
        known = set(domain.names.values_list("name", flat=True))
        return _add(actor, domain, [name for name in wanted if name not in known], len(known))


def remove_name(actor: Actor, domain: Domain, name: DomainName, *, expected: int | None = None) -> None:
    """Give an alias up; somebody else may claim it from now on.

    Raises: Forbidden, InUse (the domain's own name), WrongState, ChangedMeanwhile, DomainName.DoesNotExist.
    """
    actor.require(Right.EDIT_DOMAINS, domain)
    with transaction.atomic():
        _begin(domain, expected)
        found = domain.names.get(pk=name.pk)
        if not found.is_alias:
            raise InUse(_("This is the domain's own name. Make another one the main name first."))
        _remove(actor, domain, [found])


def replace_names(actor: Actor, domain: Domain, names: Iterable[str], *, expected: int | None = None) -> None:
    """Make these the domain's aliases, no more and no fewer. Its own name may be among them and counts for nothing.

    Raises: Forbidden, BadAddress, Taken, Invalid, WrongState, ChangedMeanwhile.
    """
    actor.require(Right.EDIT_DOMAINS, domain)
    wanted = dict.fromkeys(parse_name(name, field="names") for name in names)
    wanted.pop(domain.name, None)
    with transaction.atomic():
        _begin(domain, expected)
        aliases = {alias.name: alias for alias in domain.names.filter(is_alias=True)}
        new = [name for name in wanted if name not in aliases]
        if new:
            require_claiming(actor, domain)
        _remove(actor, domain, [alias for name, alias in aliases.items() if name not in wanted])
        _add(actor, domain, new, len(wanted) - len(new) + 1)


def _begin(domain: Domain, expected: int | None) -> None:
    """Hold the row and count the change: who sees the names as they were is told."""
    counting.lock(domain)
    versions.change(domain, {}, expected=expected)
    if domain.status in (Status.DELETED, Status.PURGED):
        raise WrongState(_("%(domain)s is deleted; restore it first.") % {"domain": domain.display_name})


def _add(actor: Actor, domain: Domain, names: list[str], known: int) -> list[DomainName]:
    if known + len(names) > MOST_NAMES:
        text = ngettext("A domain has %(most)d name at most.", "A domain has %(most)d names at most.", MOST_NAMES)
        raise Invalid(text % {"most": MOST_NAMES}, field="names")
    made = []
    for name in names:
        try:
            with transaction.atomic():
                made.append(DomainName.objects.create(domain=domain, name=name))
        except IntegrityError as error:
            raise Taken(_("%(domain)s is taken already.") % {"domain": name}, field="names") from error
        adopt(domain, name)
    if made:
        versions.touch(domain)
        audit.record(actor, "domain.add_names", domain, names=names)
    return made


def _remove(actor: Actor, domain: Domain, aliases: list[DomainName]) -> None:
    if not aliases:
        return
    for alias in aliases:
        forget_name(domain, alias.name)
        alias.delete()
    versions.touch(domain)
    audit.record(actor, "domain.remove_names", domain, names=[alias.name for alias in aliases])
