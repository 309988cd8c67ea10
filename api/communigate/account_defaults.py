"""Defaults of accounts, of a domain or the server: what means something here is set where it counts for accounts of
every door, all other keys are kept and given back.

MaxAccountSize, MaxMailMessages: quotas. AccessMode: with `None` new accounts are made disabled, else enabled.
CanModifyPassword, RulesAllowed (`No`): what people may do with their own account. AccountType: of accounts that
CREATEACCOUNT makes. Password is kept and never told.
"""

from __future__ import annotations

from accounts import options
from accounts.permissions import EndUserRight, Right
from accounts.scopes import SERVER
from accounts.services.options import reset_option, set_option
from api.communigate import keeping
from api.communigate.context import Context, is_yes, text_of
from api.communigate.format import Value
from api.communigate.keeping import DEFAULT, Dictionary
from api.communigate.sizes import bytes_of, count_of, count_text, size_text
from domains.inheritance import ACCOUNT_STATUS
from domains.models import Domain, Status
from domains.services import domain_settings, quotas

KEPT = "accountdefaults"
SECRET = ("Password",)  # of every new account: set by a template, never told
ACCESS, SIZE, COUNT = "AccessMode", "MaxAccountSize", "MaxMailMessages"
RIGHTS = "END_USER_RIGHTS"
_OWN = {"CanModifyPassword": EndUserRight.CHANGE_PASSWORD, "RulesAllowed": EndUserRight.MANAGE_RULES}
_SAID = {"CanModifyPassword": ("NO", "YES"), "RulesAllowed": ("No", "Any")}
Place = Domain | None  # None: the server


def read(place: Place) -> Dictionary:
    """What is set there itself. Rights are the caller's."""
    found = keeping.without(keeping.kept(KEPT, place), (*SECRET, *_OWN, ACCESS))
    level = place if place is not None else quotas.server_quota()
    if level.quota_bytes is not None:
        found[SIZE] = size_text(level.quota_bytes)
    if level.quota_messages is not None:
        found[COUNT] = count_text(level.quota_messages)
    return {**found, **_access(place), **_own_rights(place)}


def _access(place: Place) -> Dictionary:
    told = options.resolve(ACCOUNT_STATUS, place or SERVER)
    if not told.is_own:
        return {}
    if told.value == Status.DISABLED:
        return {ACCESS: "None"}
    mode = keeping.kept(KEPT, place).get(ACCESS, "All")
    return {ACCESS: "All" if is_shut(mode) else mode}


def _own_rights(place: Place) -> Dictionary:
    own = _rights_set(place)
    if own is None:
        return {}
    kept = keeping.kept(KEPT, place)
    found: Dictionary = {}
    for key, right in _OWN.items():
        allows = right.value in own
        said = kept.get(key)
        found[key] = said if said is not None and _allows(key, said) is allows else _SAID[key][allows]
    return found


def _rights_set(place: Place) -> list[str] | None:
    """The end users' rights that are set there; None where they are inherited."""
    if place is not None:
        return place.end_user_rights
    told = options.resolve(RIGHTS, SERVER)
    return list(told.value) if told.is_own else None


def _allows(key: str, value: Value) -> bool:
    if key == "RulesAllowed":
        return text_of(value, key).strip().lower() not in ("no", "none", "")
    return is_yes(value, key)


def is_shut(mode: Value) -> bool:
    """Whether an AccessMode enables nothing."""
    return mode == "None" or (isinstance(mode, list) and len(mode) == 1)


def write(context: Context, place: Place, values: Dictionary, *, replace: bool) -> None:
    """Merge, or replace all. Raises: as the services; Refused."""
    if replace:
        values = {**dict.fromkeys(read(place), DEFAULT), **values}
    _write_quotas(context, place, values)
    if ACCESS in values:
        _write_access(context, place, values[ACCESS])
    if _OWN.keys() & values.keys():
        _write_rights(context, place, values)
    others = {key: value for key, value in values.items() if key not in (SIZE, COUNT)}
    keeping.keep(context.actor, KEPT, place, others, replace=replace)


def _write_quotas(context: Context, place: Place, values: Dictionary) -> None:
    wanted: dict[str, int | None] = {}
    if SIZE in values:
        wanted["quota_bytes"] = bytes_of(values[SIZE], SIZE)
    if COUNT in values:
        wanted["quota_messages"] = count_of(values[COUNT], COUNT)
    level = place if place is not None else quotas.server_quota()
    changed = {name: value for name, value in wanted.items() if getattr(level, name) != value}
    if changed and place is not None:
        quotas.set_domain_quota(context.actor, place, changed)
    elif changed:
        quotas.set_server_quota(context.actor, changed)


def _write_access(context: Context, place: Place, mode: Value) -> None:
    where = place or SERVER
    told = options.resolve(ACCOUNT_STATUS, where)
    if keeping.is_default(mode):
        if told.is_own:
            reset_option(context.actor, where, ACCOUNT_STATUS)
        return
    wanted = Status.DISABLED if is_shut(mode) else Status.ENABLED
    if not told.is_own or told.value != wanted:
        set_option(context.actor, where, ACCOUNT_STATUS, wanted.value)


def _write_rights(context: Context, place: Place, values: Dictionary) -> None:
    """A list that says what is inherited anyway is none of their own."""
    told = options.resolve(RIGHTS, place or SERVER)
    inherited = list(told.inherited if place is None else told.value)
    before = _rights_set(place)
    wanted = set(inherited if before is None else before)
    for key, right in _OWN.items():
        if key in values:
            default = keeping.is_default(values[key])
            allows = right.value in inherited if default else _allows(key, values[key])
            wanted = wanted | {right.value} if allows else wanted - {right.value}
    named = any(key in values and not keeping.is_default(values[key]) for key in _OWN)
    after = None if wanted == set(inherited) and not named else sorted(wanted)
    if (None if before is None else set(before)) == (None if after is None else set(after)):
        return
    if place is not None:
        domain_settings.update_domain(context.actor, place, {"end_user_rights": after})
    elif after is None:
        reset_option(context.actor, SERVER, RIGHTS)
    else:
        set_option(context.actor, SERVER, RIGHTS, after)


def account_type(domain: Domain) -> str:
    """Of an account that CREATEACCOUNT makes and nobody says it of; "" where no level does."""
    for place in (domain, None):
        kind = keeping.kept(KEPT, place).get("AccountType")
        if isinstance(kind, str) and kind:
            return kind
    return ""


def require_server(context: Context) -> None:
    """Raises: Forbidden."""
    context.actor.require(Right.MANAGE_QUOTAS, SERVER)
