"""Lists of network addresses, the router table, and what becomes of an address."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

from django.utils import timezone

from accounts import throttle
from accounts.errors import TooManyAttempts
from accounts.permissions import Right
from api.communigate import keeping
from api.communigate.context import Context, host_of
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, Handler, command, done
from gateway.ip_table import canonical, parse_address
from gateway.models import IpEntry, RouterRule
from gateway.selectors import reception
from gateway.services import ip_lists, routes

EOL = "\r\n"
List = IpEntry.List
LISTS = {
    "CLIENT": (List.CLIENT, "of clients"),
    "BLACKLISTED": (List.BLACKLISTED, "that is blacklisted"),
    "WHITEHOLE": (List.WHITE_HOLE, "that is never blocked"),
    "DENIED": (List.DENIED, "that is denied"),
}
STATES = {
    List.CLIENT: "CLIENT",
    List.BLACKLISTED: "BLACKLISTED",
    List.WHITE_HOLE: "WHITEHOLE",
    List.DENIED: "DENIED",
    List.BLOCKED: "TEMPBLACKLISTED",
}
_LINE = re.compile(r"\s*(?P<network>[^\s;-]+)(?:\s*-\s*(?P<last>[^\s;-]+))?\s*(?:;.*)?")
_BRACKETS = str.maketrans("", "", "[]")
_TIMED = re.compile(r"\s*(?P<address>[^\s,]+?)(?:-(?P<left>\d{1,9}|\*))?\s*")


def _rows(context: Context, name: str, *, temporary: bool | None) -> list[IpEntry]:
    rows = reception.list_ips(context.actor).filter(list=name).order_by("pk")
    if temporary is not None:
        rows = rows.filter(expires_at__isnull=not temporary)
    return list(rows)


def _plain(network: str) -> str:
    """A network of one address as that address."""
    return network.removesuffix("/32" if ":" not in network else "/128")


def _get(name: str) -> Handler:
    def run(context: Context, arguments: Arguments) -> Data:
        """As it was written, while that still is what counts; else the networks."""
        networks = [row.network for row in _rows(context, name, temporary=False)]
        written = keeping.kept(_kept_as(name)).get("text")
        if isinstance(written, str) and {canonical(each) for each in _networks(written)} == set(networks):
            return written
        return EOL.join(_plain(network) for network in networks)

    return run


def _set(name: str) -> Handler:
    def run(context: Context, arguments: Arguments) -> Data:
        written = arguments["addresses"]
        ip_lists.replace_ips(context.actor, list=name, networks=_networks(written))
        lines = EOL.join(line for line in written.splitlines() if line.strip())
        keeping.keep(context.actor, _kept_as(name), None, {"text": lines} if lines else {}, replace=True)
        return done()

    return run


def _kept_as(name: str) -> str:
    return f"ips {name}"


def _networks(text: str) -> list[str]:
    """A line is an address, a network or a range (`10.0.0.5-10.0.0.9`); what follows a semicolon is a note.

    Raises: Refused.
    """
    networks: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.strip().startswith(";"):
            continue
        found = _LINE.fullmatch(line.translate(_BRACKETS))
        if found is None:
            raise Refused(501, f"no address, network or range: {line.strip()[:60]}")
        networks += [found["network"]] if found["last"] is None else _range(found["network"], found["last"])
        if len(networks) > ip_lists.MOST_AT_ONCE:
            raise Refused(501, "too many addresses")
    return networks


def _range(first: str, last: str) -> list[str]:
    """The networks from one address to another, both with it."""
    begins, ends = parse_address(first), parse_address(last)
    try:
        if isinstance(begins, IPv4Address) and isinstance(ends, IPv4Address):
            return [str(each) for each in summarize_address_range(begins, ends)]
        if isinstance(begins, IPv6Address) and isinstance(ends, IPv6Address):
            return [str(each) for each in summarize_address_range(begins, ends)]
    except ValueError:
        pass
    raise Refused(501, f"no range of addresses: {first[:45]}-{last[:45]}")


# --- for a while ------------------------------------------------------------------------------------------------------


def _timed(rows: list[IpEntry]) -> str:
    now = timezone.now()
    parts = []
    for row in rows:
        left = "*" if row.expires_at is None else str(max(0, int((row.expires_at - now).total_seconds())))
        parts.append(f"{_plain(row.network)}-{left}")
    return ",".join(parts)


def _get_timed(name: str) -> Handler:
    """Those for good are among them, with a star for their time."""

    def run(context: Context, arguments: Arguments) -> Data:
        return _timed(_rows(context, name, temporary=None))

    return run


def temp_clients(context: Context, arguments: Arguments) -> Data:
    return ",".join(_plain(row.network) for row in _rows(context, List.CLIENT, temporary=True))


def _address(text: str) -> str:
    found = parse_address(host_of(text))
    if found is None:
        raise Refused(501, f"no network address: {text[:60]}")
    return str(found)


def _put(context: Context, name: str, address: str, seconds: int | None) -> None:
    """For so many seconds; None: for good, 0: not any more."""
    if name == List.BLOCKED:
        ip_lists.block_ip(context.actor, address=address, seconds=seconds)
        return
    context.actor.require(Right.MANAGE_GATEWAY)
    if seconds == 0:
        for row in _rows(context, name, temporary=None):
            if row.network == canonical(address):
                ip_lists.remove_ip(context.actor, row)
        return
    until = None if seconds is None else timezone.now() + timedelta(seconds=min(seconds, 10 * 365 * 86_400))
    ip_lists.add_ip(context.actor, list=name, network=address, expires_at=until)


def _put_one(name: str) -> Handler:
    def run(context: Context, arguments: Arguments) -> Data:
        seconds = 0 if "delete" in arguments else arguments.get("seconds")
        _put(context, name, _address(arguments["address"]), seconds)
        return done()

    return run


def _put_all(name: str) -> Handler:
    def run(context: Context, arguments: Arguments) -> Data:
        for part in filter(None, (each.strip() for each in arguments["addresses"].split(","))):
            found = _TIMED.fullmatch(part)
            left = found["left"] if found is not None else None
            address = _address(found["address"] if found is not None else part)
            _put(context, name, address, None if left in (None, "*") else int(left))
        return done()

    return run


def failed_login(context: Context, arguments: Arguments) -> Data:
    """Counts like a wrong password from there at this server's own doors."""
    context.actor.require(Right.MANAGE_GATEWAY)
    counter = throttle.network(_address(arguments["address"]))
    try:
        throttle.admit([counter])
    except TooManyAttempts:
        return done()  # it is slowed down already
    return done()


def ip_state(context: Context, arguments: Arguments) -> Data:
    found = ip_lists.state_of(context.actor, _address(arguments["address"]))
    if "temp" in arguments:
        found = [line for line in found if line.expires_at is not None]
    return STATES[List(found[0].list)] if found else "UNKNOWN"


# --- the router -------------------------------------------------------------------------------------------------------


def router_table(context: Context, arguments: Arguments) -> Data:
    """`pattern = kind target` and a note, one a line; a line that isn't in use begins with a semicolon."""
    lines = []
    for rule in reception.list_routes(context.actor):
        text = f"{rule.pattern} = {rule.kind} {rule.target}".strip()
        text += f" ; {rule.comment}" if rule.comment else ""
        lines.append(text if rule.is_enabled else f"; {text}")
    return EOL.join(lines)


def set_router_table(context: Context, arguments: Arguments) -> Data:
    """All lines at once, in their order. Beside the words of the table that is read, `<a> = b`, NULL and error."""
    wanted = [_rule(context, line) for line in arguments["table"].splitlines() if line.strip()]
    context.actor.require(Right.MANAGE_GATEWAY)
    for rule in list(reception.list_routes(context.actor)):
        routes.delete_route(context.actor, rule)
    for values in wanted:
        if values is not None:
            routes.create_route(context.actor, values)
    return done()


_ROUTE = re.compile(
    r"\s*(?P<off>;\s*)?(?:[A-Za-z]+:)?(?P<name><)?(?P<pattern>[^\s=<>;]+)>?\s*=\s*(?P<target>[^;]*?)\s*(?:;(?P<note>.*))?"
)


def _rule(context: Context, line: str) -> dict[str, object] | None:
    """None for a line that is a note alone. A name in brackets is of the main domain, one without is a domain's.

    Raises: Refused.
    """
    found = _ROUTE.fullmatch(line)
    if found is None:
        if line.strip().startswith(";"):
            return None
        raise Refused(501, f"no line of the router table: {line.strip()[:80]}")
    pattern, target = found["pattern"], found["target"]
    kind, _blank, rest = target.partition(" ")
    if kind.lower() in RouterRule.Kind.values:
        target = rest.strip()
        kind = kind.lower()
    elif kind.upper() == "NULL":
        kind, target = "discard", ""
    elif kind.lower() in ("error", "spamtrap", "blackhole"):
        kind, target = ("refuse", rest.strip()) if kind.lower() == "error" else ("discard", "")
    elif via := re.fullmatch(r"(?:\*[%@])?([A-Za-z0-9.-]+(?::\d+)?)\.(?:via|relay|smtp)", target):
        kind, target = "relay", via[1]
    else:
        kind = "rewrite"
    if "@" not in pattern and found["name"]:
        pattern = context.full(pattern)
        target = context.full(target) if kind == "rewrite" else target
    elif "@" not in pattern:
        pattern = f"*@{pattern}"
        if kind == "rewrite" and "@" not in target:
            target = f"*@{target}"
    note = (found["note"] or "").strip()
    return {"pattern": pattern, "kind": kind, "target": target, "comment": note, "is_enabled": not found["off"]}


def route(context: Context, arguments: Arguments) -> Data:
    """(module, host, address) of mail for an address; an error where nobody would get it."""
    led = routes.where_would_it_go(context.actor, arguments["address"].strip("<>"))
    if led.is_discarded:
        return ["SYSTEM", "NULL", ""]
    if led.is_journal:
        return ["SYSTEM", "JOURNAL", led.address]
    if led.via:
        return ["SMTP", led.via, led.address]
    if led.resolved is not None and not led.resolved.is_ours:
        return ["SMTP", led.address.rpartition("@")[2], led.address]
    if led.refusal is not None and led.refusal.code >= 500:
        raise Refused(501, led.refusal.text)
    return ["LOCAL", led.address.partition("@")[0], led.address]


def _family() -> list[Command]:
    found = []
    for word, (name, about) in LISTS.items():
        found.append(command(f"GET{word}IPS", "", _get(name), f"Read the list {about}", reads=True))
        found.append(command(f"SET{word}IPS", "addresses", _set(name), f"Replace the list {about}"))
    return found


_ONE = "address [ TIMEOUT seconds# ] [ DELETE ]"
COMMANDS: list[Command] = [
    *_family(),
    command("GETTEMPCLIENTIPS", "", temp_clients, "Read who is a client for a while", reads=True),
    command("TEMPBLACKLISTIP", _ONE, _put_one(List.BLOCKED), "Block an address for a while"),
    command("GETTEMPBLACKLISTEDIPS", "", _get_timed(List.BLOCKED), "Read who is blocked", reads=True),
    command("SETTEMPBLACKLISTEDIPS", "addresses", _put_all(List.BLOCKED), "Block several addresses"),
    command("TEMPUNBLOCKIP", _ONE, _put_one(List.WHITE_HOLE), "Never block an address for a while"),
    command(
        "GETTEMPUNBLOCKABLEIPS",
        "",
        _get_timed(List.WHITE_HOLE),
        "Read who is never blocked",
        reads=True,
    ),
    command("SETTEMPUNBLOCKABLEIPS", "addresses", _put_all(List.WHITE_HOLE), "Never block several addresses"),
    command("REPORTFAILEDLOGINADDRESS", "address", failed_login, "Count a wrong password from an address"),
    command("GETIPSTATE", "address [ TEMP ]", ip_state, "Read on which list an address is", reads=True),
    command("GETROUTERTABLE", "", router_table, "Read the router table", reads=True),
    command("SETROUTERTABLE", ("table…", "table"), set_router_table, "Replace the router table"),
    command("ROUTE", "address [ MAIL|ACCESS|SIGNAL:kind ]", route, "Ask where an address leads", reads=True),
]
