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
from api.communigate.format import Value
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
ADDRESS, REROUTED = "MailRerouteAddress", "Rerouted"
_TEXTS = {"Comment": "description", ADDRESS: "catch_all"}


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
        found["MailToUnknown"] = REROUTED
    elif _is_rerouted(found.get("MailToUnknown")):  # the address was taken away at its page since
        del found["MailToUnknown"]
    return found


def effective(domain: Domain) -> Dictionary:
    """With the server's defaults where the domain says nothing."""
    unlimited: Dictionary = dict.fromkeys(_LIMITS, "unlimited")
    defaults = keeping.without(keeping.kept(DEFAULTS), {*_LIMITS, *_TEXTS, "MailToUnknown"})
    return {"MailToUnknown": "Rejected", **unlimited, **defaults, **explicit(domain)}


def apply(context: Context, domain: Domain, values: Dictionary, *, replace: bool = False) -> None:
    """Merge, or replace all. Raises: as the services; Refused."""
    if not values and not replace:
        return
    if replace:
        gone: Dictionary = {key: DEFAULT for key in explicit(domain) if key not in values}
        values = {**gone, **values}
    values, suspended = _rerouting(domain, values)
    limits = {
        field: count_of(values[key], key)
        for key, field in _LIMITS.items()
        if key in values and count_of(values[key], key) != getattr(domain, field)
    }
    if limits:
        domain_settings.set_domain_limits(context.actor, domain, limits)
    texts: dict[str, Any] = {
        field: "" if keeping.is_default(values[key]) else text_of(values[key], key)
        for key, field in _TEXTS.items()
        if key in values
    }
    if texts:
        domain_settings.update_domain(context.actor, domain, texts)
    others = {**keeping.without(values, {*_LIMITS, *_TEXTS}), **suspended}
    if others or replace:
        context.actor.require(Right.EDIT_DOMAINS, domain)
        require_there(domain)
        keeping.keep(context.actor, SETTINGS, domain, others, replace=replace)


def _is_rerouted(mode: Value) -> bool:
    return isinstance(mode, str) and mode.lower() == REROUTED.lower()


def _rerouting(domain: Domain, values: Dictionary) -> tuple[Dictionary, Dictionary]:
    """(the values, what of them is kept in their place). The address of mail to unknown names gets it only while they
    are rerouted: said otherwise, the address is kept, and counts again as soon as they are rerouted again.
    """
    if not {"MailToUnknown", ADDRESS} & values.keys():
        return values, {}
    kept = keeping.kept(SETTINGS, domain)
    was: Value = REROUTED if domain.catch_all else kept.get("MailToUnknown")
    mode = values.get("MailToUnknown", was)
    if keeping.is_default(mode):
        is_on = bool(domain.catch_all) or not keeping.is_default(values.get(ADDRESS))
    else:
        is_on = _is_rerouted(mode)
    address = values.get(ADDRESS, domain.catch_all or kept.get(ADDRESS))
    if is_on:
        return {**values, ADDRESS: address}, {ADDRESS: DEFAULT}
    return {**values, ADDRESS: DEFAULT}, {ADDRESS: address}


def server_defaults() -> Dictionary:
    return keeping.kept(DEFAULTS)


def counting_defaults() -> Dictionary:
    """Those of them that a new domain gets; the others are told with its effective settings."""
    found = server_defaults()
    keys = {*_LIMITS} | ({ADDRESS, "MailToUnknown"} if _is_rerouted(found.get("MailToUnknown")) else set())
    return {key: value for key, value in found.items() if key in keys}


def set_server_defaults(context: Context, values: Dictionary, *, replace: bool) -> None:
    """Raises: Forbidden, Refused."""
    context.actor.require(Right.MANAGE_OPTIONS, SERVER)
    for key in _LIMITS:
        if not keeping.is_default(values.get(key)):
            count_of(values[key], key)
    keeping.keep(context.actor, DEFAULTS, None, values, replace=replace)
