"""How a source is reached: through the gate, with TLS whose certificate must be the named host's.

Not for protocols. Source: docs/decisions/0010-outgoing-connections.md.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from django.conf import settings

from accounts.sources.errors import BadSource
from config.kit import net, trust

PORTS = frozenset({143, 389, 443, 636, 993, 3268, 3269})
CONNECT_S = 5.0
E = TypeVar("E", bound=BaseException)


class Security(StrEnum):
    """TLS from the first byte, STARTTLS and nothing without it, or no encryption."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Place:
    """Where, and how it proves to be who it is. ca_pem: certificates to trust instead of the server's."""

    host: str
    port: int
    security: Security = Security.TLS
    ca_pem: str = ""
    timeout_s: float = 10.0
    who: str = ""

    def context(self) -> ssl.SSLContext:
        return context_for(self.ca_pem)


def context_for(ca_pem: str) -> ssl.SSLContext:
    """TLS 1.2 at least, with the host's name checked; without certificates of its own, what the server trusts counts.

    Raises: BadSource.
    """
    if not ca_pem:
        return trust.client_context()
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except (ssl.SSLError, ValueError) as error:
        raise BadSource("not a certificate in PEM form", field="ca_pem") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def gate() -> net.Gate:
    """What sources may reach: what the server's owner opened, and the ports of LDAP, IMAP and HTTPS."""
    return net.Gate(settings.ALLOWED_RELAYS, PORTS | settings.ALLOWED_PORTS)


def connect(place: Place) -> net.Connection:
    """A connection, encrypted already where TLS comes first. Raises: NetError."""
    connection = net.connect(
        place.host, place.port, timeout_s=min(CONNECT_S, place.timeout_s), gate=gate(), who=place.who
    )
    try:
        connection.socket.settimeout(place.timeout_s)
        if place.security is Security.TLS:
            connection.start_tls(place.context())
    except BaseException:
        connection.close()
        raise
    return connection


def is_loopback(host: str) -> bool:
    """Whether a name is this machine's own, where nothing on the way could read along."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Deadline:
    """How much time is left of what a whole conversation may take."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left_s(self) -> float:
        """Raises: TimedOut."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise net.TimedOut("the other side took too long")
        return left
