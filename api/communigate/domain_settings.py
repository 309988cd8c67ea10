"""A domain's settings as one dictionary: what means something here is read from and written to the domain, all other
keys are kept and given back.

AccountsLimit, AliasesLimit, GroupsLimit, ListsLimit: limits. Comment: the description. MailRerouteAddress: who gets
what the domain has no address for.
"""

from __future__ import annotations

from typing import Any

from accounts.permissions import Right
from accounts.scopes import SERVER
from api.communigate import keeping
from api.communigate.context import Context, text_of
from api.communigate.keeping import DEFAULT, SETTINGS, Dictionary
from api.communigate.sizes import count_of, count_text
from domains.models import Domain
from domains.services import domain_settings
from domains.services.domain_settings import require_there

DEFAULTS = "domaindefaults"
_LIMITS = {
    "AccountsLimit": "max_mailboxes",
    "AliasesLimit": "max_aliases",
    "GroupsLimit": "max_groups",
    "ListsLimit": "max_lists",
}
_TEXTS = {"Comment": "description", "MailRerouteAddress": "catch_all"}


def explicit(domain: Domain) -> Dictionary:
    """What is set for this domain itself."""
    found = keeping.kept(SETTINGS, domain)
    for key, field in _LIMITS.items():
        limit = getattr(domain, field)
        if limit is not None:
            found[key] = count_text(limit)
    for key, field in _TEXTS.items():
        if getattr(domain, field):
            found[key] = getattr(domain, field)
    if domain.catch_all:
        found.setdefault("MailToUnknown", "Rerouted")
    return found


def effective(domain: Domain) -> Dictionary:
    """With the server's defaults where the domain says nothing."""
    unlimited: Dictionary = dict.fromkeys(_LIMITS, "unlimited")
    return {"MailToUnknown": "Rejected", **unlimited, **keeping.kept(DEFAULTS), **explicit(domain)}


def apply(context: Context, domain: Domain, values: Dictionary, *, replace: bool = False) -> None:
    """Merge, or replace all. Raises: as the services; Refused."""
    if not values and not replace:
        return
    if replace:
        gone: Dictionary = {key: DEFAULT for key in explicit(domain) if key not in values}
        values = {**gone, **values}
    limits = {
        field: count_of(values[key], key)
        for key, field in _LIMITS.items()
        if key in values and count_of(values[key], key) != getattr(domain, field)
    }
    if limits:
        domain_settings.set_domain_limits(context.actor, domain, limits)
    texts: dict[str, Any] = {
        field: "" if values[key] == DEFAULT else text_of(values[key], key)
        for key, field in _TEXTS.items()
        if key in values
    }
    if texts:
        domain_settings.update_domain(context.actor, domain, texts)
    others = {key: value for key, value in values.items() if key not in _LIMITS and key not in _TEXTS}
    if others or replace:
        context.actor.require(Right.EDIT_DOMAINS, domain)
        require_there(domain)
        keeping.keep(context.actor, SETTINGS, domain, others, replace=replace)


def server_defaults() -> Dictionary:
    return keeping.kept(DEFAULTS)


def set_server_defaults(context: Context, values: Dictionary, *, replace: bool) -> None:
    """Raises: Forbidden, Refused."""
    context.actor.require(Right.MANAGE_OPTIONS, SERVER)
    keeping.keep(context.actor, DEFAULTS, None, values, replace=replace)
