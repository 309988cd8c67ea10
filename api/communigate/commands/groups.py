"""Groups and forwarders. A group's members are in its settings; what means nothing here is kept with them."""

from __future__ import annotations

from typing import Any

from accounts.permissions import Right
from api.communigate import keeping
from api.communigate.context import Context, text_of, texts_of
from api.communigate.format import Value
from api.communigate.freeing import make_way
from api.communigate.grammar import Arguments
from api.communigate.keeping import DEFAULT, SETTINGS, Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import FORWARDER_EXISTS, GROUP_EXISTS, NO_FORWARDER, Refused
from api.communigate.table import Command, command, done
from domains import selectors
from domains.models import Address, Domain
from domains.services import forwards, groups, objects
from domains.services.readdressing import rename_address

MEMBERS, NAME = "Members", "RealName"


def _group(context: Context, name: str, need: Right = Right.VIEW_USERS) -> Address:
    return context.object(name, Address.Kind.GROUP, need, missing=501, word="group")


def _forwarder(context: Context, name: str, need: Right = Right.VIEW_USERS) -> Address:
    return context.object(name, Address.Kind.FORWARD, need, missing=NO_FORWARDER, word="forwarder")


def _names(context: Context, domain: Domain, kind: str) -> Data:
    rows = selectors.list_addresses(context.actor, [kind], domain=domain)
    return list(rows.order_by("local").values_list("local", flat=True))


def _recipients(address: Address) -> list[Value]:
    """Those of the same domain without it."""
    ending = f"@{address.domain.name}"
    rows = selectors.list_recipients(address).values_list("email", flat=True)
    return [email.removesuffix(ending) for email in rows]


def _whole(names: list[str], domain: Domain) -> list[str]:
    return [name if "@" in name else f"{name}@{domain.name}" for name in names]


# --- groups -----------------------------------------------------------------------------------------------------------


def list_groups(context: Context, arguments: Arguments) -> Data:
    return _names(context, context.domain(arguments.get("domain"), Right.VIEW_USERS), Address.Kind.GROUP)


def create_group(context: Context, arguments: Arguments) -> Data:
    domain, address = context.split(arguments["name"], Right.VIEW_DOMAINS)
    make_way(context, address)
    values: Dictionary = arguments.get("settings", {})
    made = groups.create_group(
        context.actor,
        domain,
        email=address,
        name=text_of(values.get(NAME), NAME),
        members=_whole(texts_of(values.get(MEMBERS), MEMBERS), domain),
    )
    _keep(context, made, values, replace=True)
    return done()


def get_group(context: Context, arguments: Arguments) -> Data:
    found = _group(context, arguments["name"])
    values = keeping.kept(SETTINGS, found)
    if found.name:
        values[NAME] = found.name
    values[MEMBERS] = _recipients(found)
    return values


def set_group(context: Context, arguments: Arguments) -> Data:
    found, values = _group(context, arguments["name"]), arguments["settings"]
    name = values.get(NAME)
    groups.update_group(context.actor, found, {"name": "" if name == DEFAULT else text_of(name, NAME)})
    groups.set_members(context.actor, found, _whole(texts_of(values.get(MEMBERS), MEMBERS), found.domain))
    _keep(context, found, values, replace=True)
    return done()


def _keep(context: Context, group: Address, values: Dictionary, *, replace: bool) -> None:
    others = {key: value for key, value in values.items() if key not in (MEMBERS, NAME)}
    keeping.keep(context.actor, SETTINGS, group, others, replace=replace)


def _rename(context: Context, found: Address, new: str) -> Data:
    address = new if "@" in new else f"{new}@{found.domain.name}"
    make_way(context, address)
    rename_address(context.actor, found, email=address)
    return done()


def rename_group(context: Context, arguments: Arguments) -> Data:
    return _rename(context, _group(context, arguments["old"]), arguments["new"])


def delete_group(context: Context, arguments: Arguments) -> Data:
    objects.delete_address(context.actor, _group(context, arguments["name"]))
    return done()


# --- forwarders -------------------------------------------------------------------------------------------------------


def list_forwarders(context: Context, arguments: Arguments) -> Data:
    return _names(context, context.domain(arguments.get("domain"), Right.VIEW_USERS), Address.Kind.FORWARD)


def create_forwarder(context: Context, arguments: Arguments) -> Data:
    domain, address = context.split(arguments["name"], Right.VIEW_DOMAINS)
    make_way(context, address)
    forwards.create_forward(context.actor, domain, email=address, targets=_targets(arguments["target"], domain))
    return done()


def _targets(text: str, domain: Domain) -> list[str]:
    """One address, or several with commas between them, as the router of the other server takes them."""
    names = [each.strip() for each in text.split(",") if each.strip()]
    if not names:
        raise Refused(501, "a forwarder needs an address")
    return _whole(names, domain)


def get_forwarder(context: Context, arguments: Arguments) -> Data:
    found = _forwarder(context, arguments["name"])
    return ",".join(selectors.list_recipients(found).values_list("email", flat=True))


def rename_forwarder(context: Context, arguments: Arguments) -> Data:
    return _rename(context, _forwarder(context, arguments["old"]), arguments["new"])


def delete_forwarder(context: Context, arguments: Arguments) -> Data:
    objects.delete_address(context.actor, _forwarder(context, arguments["name"]))
    return done()


def find_forwarders(context: Context, arguments: Arguments) -> Data:
    domain = context.domain(arguments["domain"], Right.VIEW_USERS)
    wanted = context.full(arguments["target"]).lower()
    rows: Any = selectors.list_addresses(context.actor, [Address.Kind.FORWARD], domain=domain)
    return list(rows.filter(recipients__email=wanted).order_by("local").values_list("local", flat=True))


COMMANDS: list[Command] = [
    command("LISTGROUPS", "[ domain ]", list_groups, "List the groups of a domain", reads=True),
    command("CREATEGROUP", "name [ settings{} ]", create_group, "Make a group", taken=GROUP_EXISTS),
    command("RENAMEGROUP", "old INTO new", rename_group, "Rename a group", taken=GROUP_EXISTS),
    command("DELETEGROUP", "name", delete_group, "Delete a group"),
    command("GETGROUP", "name", get_group, "Read a group and its members", reads=True),
    command("SETGROUP", "name settings{}", set_group, "Replace a group's settings and members"),
    command("LISTFORWARDERS", "[ domain ]", list_forwarders, "List the forwarders of a domain", reads=True),
    command("CREATEFORWARDER", "name TO target", create_forwarder, "Make a forwarder", taken=FORWARDER_EXISTS),
    command("RENAMEFORWARDER", "old INTO new", rename_forwarder, "Rename a forwarder", taken=FORWARDER_EXISTS),
    command("DELETEFORWARDER", "name", delete_forwarder, "Delete a forwarder"),
    command("GETFORWARDER", "name", get_forwarder, "Read where a forwarder leads", reads=True),
    command(
        "FINDFORWARDERS",
        ("domain TO target", "domain target"),
        find_forwarders,
        "Find the forwarders to an address",
        reads=True,
    ),
]
