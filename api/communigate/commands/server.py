"""Monitoring, statistics, and settings of the server as a whole.

What these settings say about parts that work otherwise here (or aren't here) is kept and given back, for who manages
the server; queues, the router, IP lists, the log (`commands.log`), which networks reach what and the directory
(`commands.reach`) have settings that count.
"""

from __future__ import annotations

from typing import Any

from accounts.permissions import Level, Right
from accounts.scopes import SERVER
from api.communigate import keeping
from api.communigate.context import OWN, Context
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import NO_ACCOUNT, Refused
from api.communigate.table import Command, Handler, command, done
from config.kit.monitoring import UnknownElement
from jobs import counting, monitoring

STAT_RESET = "StatReset"


# --- monitoring -------------------------------------------------------------------------------------------------------


def get_element(context: Context, arguments: Arguments) -> Data:
    try:
        value = monitoring.get_element(context.actor, arguments["id"]).value
    except UnknownElement as error:
        raise Refused(501, f"unknown element: {arguments['id']}") from error
    return _plain(value)


def _plain(value: Any) -> Value:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else str(value)


def set_element(context: Context, arguments: Arguments) -> Data:
    try:
        value = float(arguments["value"])
    except ValueError as error:
        raise Refused(501, "a number is expected") from error
    name = arguments["id"].removeprefix("custom.")
    monitoring.set_element(context.actor, name, value, add=arguments.get("operation") == "INC")
    return done()


def next_name(context: Context, arguments: Arguments) -> Data:
    try:
        return monitoring.get_next_name(context.actor, arguments.get("id", ""))
    except UnknownElement as error:
        raise Refused(501, "there is no element of this name, or none after it") from error


# --- statistics -------------------------------------------------------------------------------------------------------


def _of_account(context: Context, arguments: Arguments) -> tuple[Level, int]:
    found = context.account(arguments["name"], own=True)
    if found.user is None:
        raise Refused(NO_ACCOUNT, "nobody signs in with this account")
    return Level.USER, found.user.pk


def _of_domain(context: Context, arguments: Arguments) -> tuple[Level, int]:
    name = arguments["name"]
    return Level.DOMAIN, (context.own().domain if name == OWN else context.domain(name)).pk


def _read(context: Context, where: tuple[Level, int], key: str | None) -> Data:
    found = counting.get_statistics(context.actor, *where)
    values: dict[str, Value] = {word: found.amounts[column] for word, column in counting.KEYS.items()}
    if found.reset_at is not None:
        values[STAT_RESET] = found.reset_at.replace(microsecond=0)
    return values if key is None else values.get(key, "")


def _reset(context: Context, where: tuple[Level, int], key: str | None) -> Data:
    if key is not None and key not in counting.KEYS:
        raise Refused(501, f"there is no counter {key}")
    counting.reset_statistics(context.actor, *where, name=counting.KEYS[key] if key is not None else "")
    return done()


def account_stat(context: Context, arguments: Arguments) -> Data:
    return _read(context, _of_account(context, arguments), arguments.get("key"))


def reset_account_stat(context: Context, arguments: Arguments) -> Data:
    return _reset(context, _of_account(context, arguments), arguments.get("key"))


def domain_stat(context: Context, arguments: Arguments) -> Data:
    found = _read(context, _of_domain(context, arguments), arguments.get("key"))
    return str(found) if isinstance(found, int) else found


def reset_domain_stat(context: Context, arguments: Arguments) -> Data:
    return _reset(context, _of_domain(context, arguments), arguments.get("key"))


# --- settings that are kept -------------------------------------------------------------------------------------------


def _kept(what: str) -> Handler:
    def run(context: Context, arguments: Arguments) -> Data:
        context.actor.require(Right.MANAGE_SERVER, SERVER)
        return keeping.kept(what)

    return run


def _keeping(what: str, *, replace: bool) -> Handler:
    def run(context: Context, arguments: Arguments) -> Data:
        context.actor.require(Right.MANAGE_SERVER, SERVER)
        keeping.keep(context.actor, what, None, arguments["settings"], replace=replace)
        return done()

    return run


def _kept_text(what: str) -> Handler:
    def run(context: Context, arguments: Arguments) -> Data:
        context.actor.require(Right.MANAGE_SERVER, SERVER)
        return keeping.kept(what).get("text", "")

    return run


def _keeping_text(what: str) -> Handler:
    def run(context: Context, arguments: Arguments) -> Data:
        context.actor.require(Right.MANAGE_SERVER, SERVER)
        keeping.keep(context.actor, what, None, {"text": arguments["addresses"]}, replace=True)
        return done()

    return run


def refresh(context: Context, arguments: Arguments) -> Data:
    """Nothing to do: addresses and names are asked of the operating system each time."""
    context.actor.require(Right.MANAGE_SERVER, SERVER)
    return done()


_SETTINGS = {  # name of the commands -> what they are about
    "DNRSETTINGS": "the name resolver",
    "BANNED": "banned lines",
    "ROUTERSETTINGS": "the router",
    "SMTPSENDPROFILES": "target hosts",
}
_TEXTS = {"LANIPS": "the local network", "NATEDIPS": "NAT", "NATSITEIPS": "NAT sites", "DEBUGIPS": "debugging"}


def _families() -> list[Command]:
    found = []
    for word, about in _SETTINGS.items():
        what = word.lower()
        found.append(command(f"GET{word}", "", _kept(what), f"Read what is kept about {about}", reads=True))
        found.append(command(f"SET{word}", "settings{}", _keeping(what, replace=True), f"Keep what is said of {about}"))
    for word, about in _TEXTS.items():
        found.append(command(f"GET{word}", "", _kept_text(word.lower()), f"Read the addresses of {about}", reads=True))
        found.append(command(f"SET{word}", "addresses", _keeping_text(word.lower()), f"Keep the addresses of {about}"))
    return found


COMMANDS: list[Command] = [
    command("GETSTATELEMENT", "id", get_element, "Read a monitoring element", reads=True),
    command("SETSTATELEMENT", "id [ INC|SET:operation ] value", set_element, "Set a monitoring element of one's own"),
    command("GETNEXTSTATNAME", "[ id ]", next_name, "Walk through the monitoring elements", reads=True),
    command("GETACCOUNTSTAT", "name [ KEY key ]", account_stat, "Read what was counted of an account", reads=True),
    command("RESETACCOUNTSTAT", "name [ KEY key ]", reset_account_stat, "Count anew for an account"),
    command("GETDOMAINSTAT", "name [ KEY key ]", domain_stat, "Read what was counted of a domain", reads=True),
    command("RESETDOMAINSTAT", "name [ KEY key ]", reset_domain_stat, "Count anew for a domain"),
    command("GETSERVERSETTINGS", "", _kept("serversettings"), "Read what is kept about the server", reads=True),
    command(
        "UPDATESERVERSETTINGS", "settings{}", _keeping("serversettings", replace=False), "Change what is kept of it"
    ),
    command("REFRESHOSDATA", "", refresh, "Ask the operating system again"),
    *_families(),
]
