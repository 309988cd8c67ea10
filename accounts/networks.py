"""From which networks the console, the API and the metrics may be reached: options of the server, kept at the door.

The machine itself always may, so that nobody locks themselves out for good; who changes a list must stand in it. What a
list says counts within seconds in every process. Not for the gateway (its IP lists) nor for rights.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import options
from accounts.actors import Actor
from accounts.errors import BadOption
from accounts.optiontypes import OptionType

CONSOLE, API, METRICS = "NETWORKS_CONSOLE", "NETWORKS_API", "NETWORKS_METRICS"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
KEPT_S = 5.0
EVERYWHERE = ("0.0.0.0/0", "::/0")
_kept: tuple[float, dict[str, tuple[Network, ...]]] | None = None


def register() -> None:
    """Define the options."""
    group = gettext_lazy("Who may reach it")
    for name, label, help, default, guard in (
        (
            CONSOLE,
            gettext_lazy("Networks that reach the pages"),
            gettext_lazy("One address or network a line. Others get no page at all; this machine always does."),
            EVERYWHERE,
            _guard_console,
        ),
        (
            API,
            gettext_lazy("Networks that reach the API"),
            gettext_lazy("One address or network a line, for programs with access tokens."),
            EVERYWHERE,
            _guard,
        ),
        (
            METRICS,
            gettext_lazy("Networks that read /metrics"),
            gettext_lazy("One address or network a line: the programs that watch. They need no token."),
            ("127.0.0.0/8", "::1/128"),
            _guard,
        ),
    ):
        options.define(
            name, OptionType.LIST, levels=options.SERVER_ONLY, default=list(default), label=label, help=help,
            group=group, restricted=True, guard=guard,
        )  # fmt: skip


def parse(lines: Any) -> tuple[Network, ...]:
    """Raises: BadOption."""
    found = []
    for line in lines or ():
        try:
            found.append(ipaddress.ip_network(str(line).strip(), strict=False))
        except ValueError:
            raise BadOption(_("“%(text)s” is no address or network.") % {"text": str(line)[:60]}) from None
    return tuple(found)


def _guard(actor: Actor, value: Any) -> None:
    parse(value)
    forget()


def _guard_console(actor: Actor, value: Any) -> None:
    networks = parse(value)
    if not networks:
        raise BadOption(_("Name at least one network: nobody could open a page."))
    if actor.address and actor.kind == "user" and not holds(networks, actor.address):
        raise BadOption(_("Your own address %(address)s is not in it.") % {"address": actor.address})
    forget()


def holds(networks: tuple[Network, ...], address: str) -> bool:
    """Whether an address lies in one of them; this machine's own always does. What is no address doesn't."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in networks if network.version == parsed.version)


def may_reach(door: str, address: str) -> bool:
    """Whether an address may come to this door now; where both kinds are wholly open, also who has none (a socket)."""
    networks = _lists()[door]
    is_open = {network.version for network in networks if network.prefixlen == 0} == {4, 6}
    return is_open or holds(networks, address)


def forget() -> None:
    """Somebody changes a list."""
    global _kept
    _kept = None


def _lists() -> dict[str, tuple[Network, ...]]:
    """As they were a few seconds ago; while the database is away, as they were last, else as without it."""
    global _kept
    now = time.monotonic()
    if _kept is not None and _kept[0] > now:
        return _kept[1]
    names = (CONSOLE, API, METRICS)
    try:
        found = {name: parse(each.value) for name, each in options.resolve_some(names).items()}
    except DatabaseError:
        found = _kept[1] if _kept is not None else {name: parse(options.get(name).default) for name in names}
    except BadOption:  # written by hand into the database: nobody but this machine
        found = dict.fromkeys(names, ())
    _kept = now + KEPT_S, found
    return found


LOOPBACK = parse(("127.0.0.0/8", "::1/128"))


def is_dialect(path: str) -> bool:
    """Whether a path is answered by a dialect, which asks who may come by itself: its refusals have its own shape."""
    if settings.ROOT_DIALECT:
        return True
    try:
        return resolve(path).view_name.startswith("dialects:at-")
    except Resolver404:
        return False


class NetworkMiddleware:
    """Turns away who comes from elsewhere, before anything of theirs is looked at. Signs of life stay open.

    Stands behind what finds out the client's true address. What comes through a proxy that POSTKEEP_TRUSTED_PROXIES
    doesn't name may be anybody's: it is never this machine's own, nor one of the addresses that read the metrics.
    """

    OPEN = frozenset({"/healthz"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address, path = request.META.get("REMOTE_ADDR", ""), request.path_info
        door = METRICS if path == "/metrics" else API if path.startswith("/api/") else CONSOLE
        is_somebody_s = request.META.get("postkeep.undeclared_proxy", False)  # config.middleware.UNDECLARED_PROXY
        is_own = door != METRICS and holds(LOOPBACK, address) and not is_somebody_s
        is_let = may_reach(door, address) and not (door == METRICS and is_somebody_s)
        if path in self.OPEN or is_own or is_let or is_dialect(path):
            return self.get_response(request)
        response = HttpResponse("Not from here.\n", content_type="text/plain", status=403)
        response["Cache-Control"] = "no-store"
        return response
