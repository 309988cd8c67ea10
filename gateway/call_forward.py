"""Call-forward: does the mail server behind take mail for an address that only it knows? Asked before the data.

    server = server_of(relay_id, transport)   # reads the relay, remembered while the directory stays the same
    status = status_of(server, "kim@example.org")   # waits for the server: for a thread

Answers are remembered in the broker, for all processes and nodes: what is taken for half a day, what is refused for a
quarter of an hour, because a new mailbox is looked for at once. A server that can't be reached is left alone for a
while, so that nobody waits for it with every recipient. Without the broker each is asked anew.

Not for what is answered where nobody knows (`intake`), nor for asking a sender's server (`judging.callouts`).
Source: RFC 5321 §3.3, §4.5.5 (empty reverse-path); RFC 3463 (status codes).
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

import redis

from config.kit import heartbeat, net
from domains.errors import BadAddress
from domains.models import Relay
from domains.relay_check import Credentials, ask_for_recipient
from gateway.delivery.routing import Hop, hops_of
from gateway.directory import Remembered

TAKEN, UNKNOWN, REFUSED = "2.1.5", "", "5.1.1"
TAKEN_FOR_S, REFUSED_FOR_S, RESTS_FOR_S = 12 * 3600, 15 * 60, 30
ASK_S = 10.0  # all servers of a relay together
REMEMBERED = 5_000
_STATUS = re.compile(r"5\.\d{1,3}\.\d{1,3}(?=\s|$)")
log = logging.getLogger("postkeep.gateway")


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail for an address goes: the hops in their order. Without any nobody can be asked."""

    hops: tuple[Hop, ...]

    @property
    def name(self) -> str:
        return ",".join(f"{hop.host.lower()}:{hop.port}" for hop in self.hops)


_servers: Remembered[tuple[int | None, str], Server] = Remembered(REMEMBERED)


def server_of(relay_id: int | None, transport: str) -> Server:
    """The server of a route: the router table's ("host:port"), else the relay's two. Raises: DatabaseError."""
    return _servers.ask((relay_id, transport), lambda: _read(relay_id, transport))


def _read(relay_id: int | None, transport: str) -> Server:
    if transport:
        host, _colon, port = transport.rpartition(":")
        return Server((Hop(host, int(port)),) if port.isdecimal() else ())
    relay = Relay.objects.filter(pk=relay_id).first() if relay_id is not None else None
    return Server(() if relay is None else tuple(hops_of(relay)))


def status_of(server: Server, address: str) -> str:
    """TAKEN; UNKNOWN (it gave no answer, or one that holds for now only); else RFC 3463's code of its refusal.

    Waits ASK_S at most. Never raises.
    """
    if not server.hops:
        return UNKNOWN
    place = sha256(server.name.encode()).hexdigest()[:20]
    known = f"postkeep:behind:{place}:{sha256(address.encode()).hexdigest()}"
    resting = f"postkeep:behind:{place}:rests"
    said = _remembered(known, resting)
    if said is not None and any(said):
        return said[0]
    status = _ask(server, address)
    if status is None:
        log.info("%s can't be asked about recipients", server.name)
    if said is not None and status is None:
        _remember(resting, "1", RESTS_FOR_S)
    elif said is not None and status:
        _remember(known, status, TAKEN_FOR_S if status == TAKEN else REFUSED_FOR_S)
    return status or UNKNOWN


def _ask(server: Server, address: str) -> str | None:
    """The answer of the first of its hosts that gives one; None: none does."""
    until = time.monotonic() + ASK_S
    for number, hop in enumerate(server.hops, 1):
        left_s = (until - time.monotonic()) / (len(server.hops) - number + 1)
        try:
            reply = ask_for_recipient(
                hop.host, hop.port, hop.transport, address,
                credentials=Credentials(hop.user, hop.password) if hop.user else None,
                timeout_s=max(left_s, 0.01), gate=net.the_gate(), who="call-forward",
            )  # fmt: skip
        except BadAddress:
            return REFUSED
        if reply is not None and reply.is_good:
            return TAKEN
        if reply is not None:
            said = _STATUS.match(reply.lines[0]) if reply.lines else None
            return UNKNOWN if reply.is_later else said[0] if said else REFUSED
    return None


def _remembered(*keys: str) -> list[str] | None:
    """What is there, "" for what isn't; None: the broker doesn't answer, so that it isn't asked again."""
    try:
        found = cast("list[bytes | None]", heartbeat.broker().mget(keys))
    except redis.RedisError as error:
        log.warning("what servers behind said isn't remembered: the broker doesn't answer (%s)", error)
        return None
    return [(each or b"").decode() for each in found]


def _remember(key: str, value: str, seconds: int) -> None:
    try:
        heartbeat.broker().set(key, value, ex=seconds)
    except redis.RedisError as error:
        log.warning("what servers behind said isn't remembered: the broker doesn't answer (%s)", error)
