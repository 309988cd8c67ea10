"""What a session is allowed to cost, and whom it asks: `Limits`, `Settings`, and the protocol `Host`.

Not for the conversation itself (`session`) nor for what the answers are (`gateway.reception`).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Protocol

from gateway.flow import Answer, Asked, Client, Door, Incoming, Sending

Network = IPv4Network | IPv6Network


class Bare(StrEnum):
    """What becomes of a message with a CR or LF that stands alone, or a NUL."""

    REFUSE = "refuse"  # 550
    FIX = "fix"  # each becomes CRLF, NULs go


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. Beyond a limit a client is told so; beyond several it is sent away (421).

    Source: RFC 5321 §4.5.3 for what must be possible (100 recipients, 5 minutes); the rest is caution.
    """

    message_bytes: int = 50 * 1024 * 1024
    memory_bytes: int = 1 << 20  # of a message; what is larger goes to a file
    line_bytes: int = 64 * 1024  # of a message, without CRLF
    overrun: int = 2  # a message that is so many times too large ends the connection
    command_bytes: int = 4096
    auth_bytes: int = 12 * 1024
    connections: int = 1000  # in all, of one process
    recipients: int = 1000
    recipients_asked: int = 20_000
    errors: int = 20
    refused_recipients: int = 100
    idle_commands: int = 100  # NOOP, RSET, VRFY… without a message between
    messages: int = 1000
    auth_failures: int = 3
    command_s: float = 300.0
    greeting_s: float = 10.0  # for a PROXY header
    tls_s: float = 30.0
    data_s: float = 180.0  # between two pieces of a message
    data_grace_s: float = 60.0
    data_rate: int = 500  # bytes a second, on the average after the grace
    stop_s: float = 6.0  # for a message in progress when the door closes


@dataclass(frozen=True, slots=True)
class Settings:
    """How one listening port behaves.

    tls: gives the context of a new handshake, None: no STARTTLS. proxies: networks whose connections begin with a
    PROXY header. speakers: networks that may use XCLIENT and XFORWARD. needs_auth: no mail without AUTH (submission).
    clients: the only networks that may connect, where that is said.
    """

    name: str
    door: Door = Door.MX
    banner: str = "Postkeep"
    tls: Callable[[], ssl.SSLContext] | None = None
    tls_at_once: bool = False
    offers_auth: bool = True
    auth_without_tls: bool = False
    needs_auth: bool = False
    bare: Bare = Bare.REFUSE
    proxies: tuple[Network, ...] = ()
    speakers: tuple[Network, ...] = ()
    clients: tuple[Network, ...] | None = None
    folder: Path | None = None  # for large messages while they come in; None: the system's
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in. proof: by what, for the host to ask again; nobody else looks into it."""

    user_id: int
    name: str
    proof: object = field(default=None, repr=False, compare=False)


class Host(Protocol):
    """Whom a session asks. Every method bounds its own time and raises nothing that it can say.

    What raises all the same is answered with 451 and logged; a session then goes on.
    """

    async def connect(self, client: Client) -> Answer | None:
        """None: welcome. A 4xx or 5xx is said instead of the greeting, and the connection ends."""

    async def auth(self, client: Client, name: str, password: str) -> Identity | Answer: ...

    async def named(self, client: Client, login: str) -> Identity | None:
        """Whose login it is that a proxy has let in already; None: nobody's here."""

    async def mail(self, client: Client, sender: Sending) -> Answer: ...

    async def rcpt(self, client: Client, sender: Sending, asked: Asked) -> Answer: ...

    async def take(self, incoming: Incoming) -> Answer:
        """Make it durable; only then say 250. The body is closed when this returns."""

    def closed(self, client: Client) -> None:
        """A connection that `connect` was asked about is gone."""


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether this address lies in one of the networks; IPv4 in IPv6 clothes counts as IPv4. False for no address."""
    if not networks:
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if found.version == 6 and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found.version == network.version and found in network for network in networks)
