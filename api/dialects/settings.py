"""How each dialect is set: on or off, from which networks, and options of its own. Reading for the door, pages and API.

What the environment switches on (POSTKEEP_DIALECTS) is on whatever is set here. Not for ports, which only the
environment knows and only a start opens.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, proving
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from api.dialects.registry import Dialect
from api.errors import Fault, Invalid
from api.models import DialectSetting
from config.environment import Network
from config.kit.fixed import Fixed
from config.kit.versions import change

MOST_CLIENTS = 100
_BY_NAME = Fixed(lambda name: DialectSetting.objects.filter(name=name), str)


@dataclass(frozen=True, slots=True)
class State:
    """How a dialect is now. version: 0 where nobody has set anything."""

    is_on: bool
    by_environment: bool
    clients: list[str]
    networks: tuple[Network, ...]
    options: dict[str, str]
    version: int

    def lets(self, address: str) -> bool:
        """Whether a client may call from there."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed.version == network.version and parsed in network for network in self.networks)


def state(dialect: Dialect) -> State:
    """For the door: one quick query."""
    return _state(dialect, _BY_NAME.first(dialect.name))


def get_state(actor: Actor, dialect: Dialect) -> State:
    """For people who may set it. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    return state(dialect)


def set_dialect(
    actor: Actor,
    dialect: Dialect,
    *,
    is_on: bool | None = None,
    clients: Sequence[str] | None = None,
    options: Mapping[str, str] | None = None,
    expected: int | None = None,
) -> State:
    """Change what is given. `clients`: addresses and networks; none means those of the environment.

    An option that opens doors is changed by a server administrator who has just proved who they are, and by no token.
    Raises: Forbidden, ProofNeeded, Invalid, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    values: dict[str, Any] = {}
    if is_on is not None:
        values["is_on"] = is_on
    if clients is not None:
        values["clients"] = _networks(clients)
    with transaction.atomic():
        row, _made = DialectSetting.objects.get_or_create(name=dialect.name, defaults={"version": 0})
        row = DialectSetting.objects.select_for_update().get(pk=row.pk)
        if options is not None:
            cleaned = _options(dialect, options)
            _require_doors(actor, dialect, row.options, cleaned)
            values["options"] = row.options | cleaned
        changes = change(row, values, expected=expected)
        if changes:
            told = {name: pair for name, pair in changes.items() if name != "options"}
            changed = sorted(options or ()) if "options" in changes else []
            audit.record(actor, "dialect.change", None, dialect=dialect.name, changes=told, options=changed)
    return _state(dialect, row)


def _state(dialect: Dialect, row: DialectSetting | None) -> State:
    by_environment = dialect.name in settings.DIALECTS.names
    clients = row.clients if row is not None else []
    return State(
        is_on=by_environment or (row is not None and row.is_on),
        by_environment=by_environment,
        clients=clients,
        networks=tuple(ipaddress.ip_network(each) for each in clients) or settings.DIALECTS.clients,
        options=dict(row.options) if row is not None else {},
        version=row.version if row is not None else 0,
    )


def _networks(given: Sequence[str]) -> list[str]:
    """As they are kept. Raises: Invalid."""
    if len(given) > MOST_CLIENTS:
        raise _wrong("clients", _("At most %(number)d networks.") % {"number": MOST_CLIENTS})
    found: list[str] = []
    for text in given:
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError as error:
            raise _wrong("clients", _("This is no address or network: %(text)s") % {"text": text[:60]}) from error
    return list(dict.fromkeys(found))


def _options(dialect: Dialect, given: Mapping[str, str]) -> dict[str, str]:
    known = {option.name: option for option in dialect.options}
    found: dict[str, str] = {}
    for name, value in given.items():
        if name not in known:
            raise _wrong(name, _("There is no setting %(name)s.") % {"name": name[:60]})
        try:
            found[name] = known[name].clean(value)
        except ValueError as error:
            raise _wrong(name, str(error)) from error
    return found


def _require_doors(actor: Actor, dialect: Dialect, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raises: Forbidden, ProofNeeded."""
    doors = [each.name for each in dialect.options if each.opens_doors]
    if all(after.get(name, before.get(name, "")).split() == before.get(name, "").split() for name in doors):
        return  # browsers send other ends of lines
    if not actor.is_administrator:
        raise Forbidden("a server administrator sets this, in person")
    proving.require_recent(actor)


def _wrong(field: str, text: str) -> Invalid:
    return Invalid(text, faults=[Fault(field, text)])
