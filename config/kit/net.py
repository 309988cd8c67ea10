"""The gate: every connection that a person can aim (a relay to try, an LDAP server, a policy file) goes through here.

Without it a delegated administrator could have this server look around in its own network. The name is resolved once,
every address it has is judged, and the connection goes to one of those very addresses: a name that answers otherwise a
moment later changes nothing. By default only public addresses and the ports of SMTP are open; the person who runs the
server adds networks (POSTKEEP_ALLOWED_RELAYS) and ports (POSTKEEP_ALLOWED_PORTS).

Errors have a `category`, which may be shown to whoever asked, and a text, which names addresses and is for the people
who run the server. Not for connections that nobody aims: the database, the broker, the DNS resolver.

Source: IANA's special-purpose address registries (RFC 6890); docs/decisions/0010-outgoing-connections.md.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int, float], Iterable[str]]  # host, port, timeout_s -> addresses; raises NetError
SMTP_PORTS = frozenset({25, 465, 587, 2525})
MOST_ADDRESSES = 8
logger = logging.getLogger("postkeep.net")


class Category(StrEnum):
    """What went wrong, in the few kinds that tell nothing about the other side's network."""

    REFUSED_BY_GATE = "refused_by_gate"
    NAME_UNKNOWN = "name_unknown"
    NAME_UNANSWERED = "name_unanswered"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    PROTOCOL = "protocol"
    AUTHENTICATION = "authentication"
    REJECTED = "rejected"

    @property
    def words(self) -> Promise:
        """A sentence for whoever asked."""
        return _WORDS[self]


_WORDS = {
    Category.REFUSED_BY_GATE: _("Connections to this address or port aren't allowed from this server."),
    Category.NAME_UNKNOWN: _("There is no host of this name."),
    Category.NAME_UNANSWERED: _("The name could not be looked up: no name server answered."),
    Category.TIMEOUT: _("The other side did not answer in time."),
    Category.REFUSED: _("The other side refused the connection."),
    Category.UNREACHABLE: _("The other side can't be reached."),
    Category.TLS: _("An encrypted connection could not be made."),
    Category.PROTOCOL: _("The other side did not speak as expected."),
    Category.AUTHENTICATION: _("The name and password were not accepted."),
    Category.REJECTED: _("The other side said no."),
}


class NetError(Exception):
    """Root: no connection, or it broke. `permanent`: trying again later won't help by itself."""

    category = Category.UNREACHABLE
    permanent = False


class RefusedByGate(NetError):
    """The address or port isn't open to connections that people aim."""

    category = Category.REFUSED_BY_GATE
    permanent = True


class NameUnknown(NetError):
    """No such host, or it has no address."""

    category = Category.NAME_UNKNOWN
    permanent = True


class NameUnanswered(NetError):
    """The resolver didn't say."""

    category = Category.NAME_UNANSWERED


class TimedOut(NetError):
    """Longer than the caller wanted to wait."""

    category = Category.TIMEOUT


class ConnectionRefused(NetError):
    """Nobody listens there."""

    category = Category.REFUSED


class Unreachable(NetError):
    """No route, or the connection broke."""

    category = Category.UNREACHABLE


class TlsFailed(NetError):
    """No TLS, or (`untrusted`) a certificate that we don't trust; then the text says why."""

    category = Category.TLS

    def __init__(self, text: str, *, untrusted: bool = False) -> None:
        super().__init__(text)
        self.untrusted = untrusted


class ProtocolBroken(NetError):
    """The other side doesn't speak the protocol."""

    category = Category.PROTOCOL


# --- who may be reached ------------------------------------------------------------------------------------------

_CLOSED_V4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by a provider's customers",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved",
    "192.0.2.0/24": "for documentation",
    "192.88.99.0/24": "a 6to4 relay",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "for benchmarks",
    "198.51.100.0/24": "for documentation",
    "203.0.113.0/24": "for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_CLOSED_V6 = {
    "::1/128": "loopback",
    "::/128": "this network",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
    "2001::/23": "a tunnel or reserved",  # Teredo and others
    "2001:db8::/32": "for documentation",
    "3fff::/20": "for documentation",
}
_CLOSED = [(ipaddress.ip_network(text), word) for text, word in (_CLOSED_V4 | _CLOSED_V6).items()]
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")  # all that was ever given out; the rest is reserved
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def why_closed(address: Address, networks: Iterable[Network] = ()) -> str | None:
    """Why this address may not be reached, in a word; None when it may.

    An IPv6 address that only wraps an IPv4 one (mapped, NAT64, 6to4) is as open as the one inside.
    """
    if any(address in network for network in networks):
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return "link-local"
        inner = _wrapped(address)
        if inner is not None:
            return why_closed(inner, networks if address.ipv4_mapped else ())
    for network, word in _CLOSED:
        if address in network:
            return word
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_V6:
        return "reserved"
    return None


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def system_resolve(host: str, port: int, timeout_s: float) -> list[str]:
    """The addresses the system knows for a name (hosts file, DNS). Raises: NameUnknown, NameUnanswered, TimedOut.

    The C library takes no time limit, so it is asked in a thread that is left behind when it takes too long.
    """
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([str(entry[4][0]) for entry in found])
        except OSError as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty as error:
        raise TimedOut(f"the name {host} was not resolved in {timeout_s:.0f} s") from error
    if isinstance(answer, socket.gaierror) and answer.errno in (socket.EAI_AGAIN, socket.EAI_FAIL):
        raise NameUnanswered(f"the name {host} could not be looked up: {answer.strerror}") from answer
    if isinstance(answer, OSError):
        raise NameUnknown(f"there is no host {host}: {answer.strerror}") from answer
    return answer


@dataclass(frozen=True, slots=True)
class Gate:
    """What is open: networks beside the public ones, ports, and who resolves names."""

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = SMTP_PORTS
    resolve: Resolve = system_resolve


def the_gate() -> Gate:
    """As the person who runs the server set it."""
    return Gate(settings.ALLOWED_RELAYS, SMTP_PORTS | settings.ALLOWED_PORTS)


def admit(host: str, port: int, *, timeout_s: float, gate: Gate | None = None, who: str = "") -> list[str]:
    """The addresses of a host that may be connected to, for callers who connect themselves, to one of these only.

    One address that is not open refuses the host: such a name is a mistake or an attempt. who: for the log.
    Raises: RefusedByGate, NameUnknown, NameUnanswered, TimedOut.
    """
    gate = gate or the_gate()
    try:
        if port not in gate.ports:
            raise RefusedByGate(f"port {port} is not open to connections from here (POSTKEEP_ALLOWED_PORTS adds ports)")
        return _judged(clean_host(host), port, gate, timeout_s)
    except RefusedByGate as error:
        logger.warning("the gate kept %s from connecting to %r: %s", who or "the system", host[:300], error)
        raise


def _judged(host: str, port: int, gate: Gate, timeout_s: float) -> list[str]:
    literal = _literal(host)
    found = [host] if literal else list(dict.fromkeys(gate.resolve(host, port, timeout_s)))
    if not found:
        raise NameUnknown(f"{host} has no address")
    addresses = [ipaddress.ip_address(text) for text in found[:MOST_ADDRESSES]]
    for address in addresses:
        word = why_closed(address, gate.networks)
        if word is not None:
            named = str(address) if literal else f"{host} has the address {address}, which"
            raise RefusedByGate(f"{named} is not open: {word} (POSTKEEP_ALLOWED_RELAYS adds networks)")
    mapped = (getattr(address, "ipv4_mapped", None) or address for address in addresses)
    return [str(address) for address in mapped]


def clean_host(host: str) -> str:
    """A host name in ASCII without its final dot, or an address without brackets. Raises: NameUnknown."""
    text = host.strip()
    text = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if _literal(text):
        return text
    try:
        text = text.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise NameUnknown(f"{host[:300]!r} is not the name of a host") from error
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise NameUnknown(f"{host[:300]!r} is not the name of a host")
    return text


_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def _literal(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


# --- connecting --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Connection:
    """A TCP connection that the gate let through; `socket` is replaced when TLS starts. Closes at the end of `with`."""

    socket: socket.socket
    host: str
    address: str
    port: int

    def start_tls(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Speak TLS from now on; the certificate is checked as `context` says. Raises: TlsFailed, TimedOut."""
        try:
            wrapped = context.wrap_socket(self.socket, server_hostname=self.host)
        except ssl.SSLCertVerificationError as error:
            raise TlsFailed(error.verify_message, untrusted=True) from error
        except TimeoutError as error:
            raise TimedOut("the TLS handshake took too long") from error
        except (OSError, ValueError) as error:  # ValueError: a name that TLS can't carry
            raise TlsFailed(_reason(error)) from error
        self.socket = wrapped
        return wrapped

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def connect(host: str, port: int, *, timeout_s: float, gate: Gate | None = None, who: str = "") -> Connection:
    """A TCP connection to a host that a person named. timeout_s: for name and connection together.

    The socket keeps what is left of the time as its own time-out. Raises: NetError, as `admit` and by what happened.
    """
    until = time.monotonic() + timeout_s
    addresses = admit(host, port, timeout_s=timeout_s, gate=gate, who=who)
    return connect_admitted(addresses, host, port, timeout_s=until - time.monotonic())


def connect_admitted(addresses: list[str], host: str, port: int, *, timeout_s: float) -> Connection:
    """The first that answers of the addresses that `admit` gave, each with its share of the time. Raises: NetError."""
    until, failures = time.monotonic() + timeout_s, list[NetError]()
    for number, address in enumerate(addresses):
        left_s = until - time.monotonic()
        if left_s <= 0:
            break
        try:
            opened = _open(address, port, left_s / (len(addresses) - number))
        except NetError as error:
            failures.append(error)
        else:
            opened.settimeout(max(until - time.monotonic(), 0.1))
            return Connection(opened, clean_host(host), address, port)
    if not failures:
        raise TimedOut(f"no time was left to connect to {host}")
    # A machine without IPv6 says "no route" for one address; what the other one said tells more.
    raise next((error for error in failures if not isinstance(error, Unreachable)), failures[0])


def _open(address: str, port: int, timeout_s: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(timeout_s)
        opened.connect((address, port))
    except BaseException as error:
        opened.close()
        if isinstance(error, OSError):
            raise translate(error, f"{address} port {port}") from error
        raise
    return opened


def translate(error: OSError, where: str) -> NetError:
    """The error of a socket as one of ours; TLS errors too."""
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return TimedOut(f"{where} did not answer in time")
    if isinstance(error, ConnectionRefusedError):
        return ConnectionRefused(f"{where} refused the connection")
    if isinstance(error, ssl.SSLError):
        return TlsFailed(f"{where}: {_reason(error)}")
    return Unreachable(f"{where} can't be reached: {_reason(error)}")


def _reason(error: Exception) -> str:
    """In words; OpenSSL's reason without the place in its source."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "the connection was closed"
