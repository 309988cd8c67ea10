"""Which servers a destination has, in the order they are tried: a relay's two, a route's one, or the MX of a domain.

Every address is judged by the gate (`config.kit.net`) right before it is connected to. Blocks on DNS: for threads.

Source: RFC 5321 §5.1 (MX, implicit MX, loops), RFC 7505 (null MX).
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass, field, replace

from django.conf import settings

from config.kit import net
from domains.diagnosis.lookups import Answer, Resolver, Status
from domains.models import Relay
from domains.relay_check import IMPLICIT_TLS_PORTS, TransportType

MX_PORT = 25
MOST_HOSTS = 5
RESOLVE_S = 15.0


class NoRoute(Exception):
    """There is no server to be tried. status: RFC 3463's, its class says whether trying again can help."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status

    @property
    def permanent(self) -> bool:
        return self.status.startswith("5")


@dataclass(frozen=True, slots=True)
class Hop:
    """A server to be tried. by_dns: its addresses come from DNS alone (an MX), not from this machine's own names."""

    host: str
    port: int
    transport: TransportType = TransportType.SMTPS_MAY
    user: str = ""
    password: str = field(default="", repr=False)
    by_dns: bool = False

    @property
    def is_implicit_tls(self) -> bool:
        return self.transport is not TransportType.SMTP and self.port in IMPLICIT_TLS_PORTS


@dataclass(slots=True)
class Router:
    """Finds hops. gate and resolver: as configured without them."""

    resolver: Resolver
    gate: net.Gate
    mx_port: int = MX_PORT

    @classmethod
    def configured(cls) -> Router:
        return cls(Resolver.configured(), net.the_gate())

    def hops(self, destination: str, relay: Relay | None) -> list[Hop]:
        """Raises: NoRoute."""
        kind, _, name = destination.partition(":")
        if kind == "relay":
            if relay is None:
                raise NoRoute("4.3.5", "the relay of this message doesn't exist any more")
            return hops_of(relay)
        if kind == "route":
            host, _, port = name.rpartition(":")
            if not port.isdecimal() or not 0 < int(port) < 65_536:
                raise NoRoute("5.3.5", f"{name} is no host and port")
            return [Hop(host, int(port))]
        return self._of_domain(name)

    def addresses(self, hop: Hop) -> list[str]:
        """The addresses of a server that may be connected to. Raises: net.NetError."""
        gate = replace(self.gate, resolve=self._by_dns) if hop.by_dns else self.gate
        return net.admit(hop.host, hop.port, timeout_s=RESOLVE_S, gate=gate, who="delivery")

    def _of_domain(self, domain: str) -> list[Hop]:
        if domain.startswith("["):
            return [Hop(_literal(domain), self.mx_port, by_dns=True)]
        answer = self.resolver.ask(domain, "MX")
        if answer.status is Status.UNANSWERED:
            raise NoRoute("4.4.3", f"no name server said where {domain} takes mail: {answer.problem}")
        if answer.status is Status.NO_NAME:
            raise NoRoute("5.1.2", f"there is no domain {domain}")
        hosts = _in_order(answer)
        if hosts == [""]:
            raise NoRoute("5.1.10", f"{domain} takes no mail (its MX record says so)")
        if answer.status is Status.EMPTY:
            hosts = [domain]
        if not hosts:
            raise NoRoute("5.4.6", f"mail for {domain} would come back to this server")
        return [Hop(host, self.mx_port, by_dns=True) for host in hosts if host][:MOST_HOSTS]

    def _by_dns(self, host: str, port: int, timeout_s: float) -> list[str]:
        answers = [self.resolver.ask(host, kind, lifetime_s=timeout_s / 2) for kind in ("A", "AAAA")]
        found = [record.address for answer in answers for record in answer.records]
        if not found and any(answer.status is Status.UNANSWERED for answer in answers):
            raise net.NameUnanswered(f"the name {host} could not be looked up")
        if not found:
            raise net.NameUnknown(f"{host} has no address")
        return found


def hops_of(relay: Relay) -> list[Hop]:
    """The relay's server, then its second one."""
    user, password = relay.username, relay.password.reveal() if relay.password else ""
    hops = [Hop(relay.transport_dest, relay.transport_port, TransportType(relay.transport_type), user, password)]
    if relay.fallback_dest:
        transport = TransportType(relay.fallback_type or relay.transport_type)
        hops.append(Hop(relay.fallback_dest, relay.fallback_port or relay.transport_port, transport, user, password))
    return hops


def _in_order(answer: Answer) -> list[str]:
    """MX hosts by preference, equal ones by chance; only those that are better than ourselves. "" is the null MX."""
    ours = set(settings.MX_NAMES)
    records = [
        (int(record.preference), random.random(), record.exchange.to_text(omit_final_dot=True).lower().rstrip("."))  # noqa: S311
        for record in answer.records
    ]
    if len(records) == 1 and records[0][2] == "":
        return [""]
    own = min((preference for preference, _, host in records if host in ours), default=None)
    return [host for preference, _, host in sorted(records) if host and (own is None or preference < own)]


def _literal(domain: str) -> str:
    text = domain.strip("[]").removeprefix("ipv6:").removeprefix("IPv6:")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise NoRoute("5.1.2", f"{domain} is no address") from None
