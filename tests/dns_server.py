"""A real DNS server for tests: UDP and TCP on loopback, zones of the test's own, signed where wanted.

It answers as a resolver does (follows CNAMEs, validates and sets AD, SERVFAIL for what is bogus), and misbehaves on
request. Names in no zone don't exist.

    def test_x(dns_server: DnsServer) -> None:              # the fixture in tests/conftest.py
        dns_server.add_zone("example.org", "@ MX 10 mx\nmx A 192.0.2.1")
        dns_server.silence("_dmarc.example.org")            # no answer at all
        dns_server.endpoint                                 # ("127.0.0.1", 40123)
"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.dnskeybase
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dns.dnssectypes import Algorithm

SOA = "$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 300\n@ IN NS ns\nns IN A 192.0.2.53\n"
MOST_UDP_BYTES = 512
Kind = dns.rdatatype.RdataType
MOST_CNAMES = 8


class Signing(StrEnum):
    """How a zone is signed."""

    NONE = "none"
    GOOD = "good"
    EXPIRED = "expired"  # the signatures are old
    FOREIGN_DS = "foreign_ds"  # the parent vouches for another key
    NO_DS = "no_ds"  # signed, but the parent says nothing of it


@dataclass(slots=True)
class _Zone:
    zone: dns.zone.Zone
    signing: Signing
    ds: dns.rdata.Rdata | None = None

    @property
    def is_bogus(self) -> bool:
        return self.signing in (Signing.EXPIRED, Signing.FOREIGN_DS)


@dataclass(slots=True)
class DnsServer:
    """Zones and misbehaviours; change them at any time. `asked` holds (name, type, "udp" or "tcp") of every query."""

    validates: bool = True
    truncates: bool = False  # over UDP, whatever the size
    delay_s: float = 0.0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    endpoint: tuple[str, int] = ("127.0.0.1", 0)
    _zones: dict[dns.name.Name, _Zone] = field(default_factory=dict)
    _silent: set[dns.name.Name] = field(default_factory=set)
    _failing: set[dns.name.Name] = field(default_factory=set)

    def add_zone(self, origin: str, text: str = "", *, signing: Signing = Signing.NONE) -> None:
        """A zone; SOA, NS and TTL are there already. Adding it again replaces it."""
        zone = dns.zone.from_text(SOA + text, origin=origin, relativize=False)
        made = _Zone(zone, signing)
        if signing is not Signing.NONE:
            _sign(made)
        self._zones[_name(origin)] = made

    def remove_zone(self, origin: str) -> None:
        del self._zones[_name(origin)]

    def silence(self, *names: str) -> None:
        """Queries for these names and all below get no answer."""
        self._silent |= set(map(_name, names))

    def speak(self) -> None:
        """Nothing is met with silence any more."""
        self._silent.clear()

    def fail(self, *names: str) -> None:
        """Queries for these names and all below get SERVFAIL."""
        self._failing |= set(map(_name, names))

    def names_asked(self) -> set[str]:
        return {name for name, _, _ in self.asked}

    # --- answering ---

    def respond(self, query: dns.message.Message, transport: str) -> dns.message.Message | None:
        """The response, None for none."""
        question = query.question[0]
        self.asked.append((str(question.name).rstrip("."), dns.rdatatype.to_text(question.rdtype), transport))
        time.sleep(self.delay_s)
        if _is_below(question.name, self._silent):
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if _is_below(question.name, self._failing):
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(response, query, question.name, question.rdtype)
        if transport == "udp" and self.truncates:
            return _truncated(query)
        return response

    def _fill(self, response: dns.message.Message, query: dns.message.Message, name: dns.name.Name, kind: Kind) -> None:
        wants_signatures = bool(query.ednsflags & dns.flags.DO)
        is_secure = self.validates
        for _ in range(MOST_CNAMES):
            zone = self._zone_of(name, kind)
            if zone is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                return
            is_secure = is_secure and zone.signing is Signing.GOOD
            if zone.is_bogus and self.validates and not query.flags & dns.flags.CD:
                response.set_rcode(dns.rcode.SERVFAIL)
                return
            cname = _answer(response, zone, name, kind, with_signatures=wants_signatures)
            if cname is None:
                break
            name = cname
        if is_secure and (query.flags & dns.flags.AD or wants_signatures):
            response.flags |= dns.flags.AD

    def _zone_of(self, name: dns.name.Name, kind: Kind) -> _Zone | None:
        """The deepest zone that holds the name. DS records are kept with the zone they are about."""
        found = [origin for origin in self._zones if name.is_subdomain(origin)]
        return self._zones[max(found, key=len)] if found else None


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text.lower())


def _is_below(name: dns.name.Name, names: set[dns.name.Name]) -> bool:
    return any(name.is_subdomain(each) for each in names)


def _answer(
    response: dns.message.Message,
    zone: _Zone,
    name: dns.name.Name,
    kind: Kind,
    *,
    with_signatures: bool,
) -> dns.name.Name | None:
    """Put the answer of this zone in; the name to go on with after a CNAME."""
    origin = zone.zone.origin
    assert origin is not None
    if kind == dns.rdatatype.DS and name == origin:
        if zone.ds is not None:
            response.answer.append(dns.rrset.from_rdata(name, 300, zone.ds))
        return None
    node = zone.zone.get_node(name)
    for wanted in (kind, dns.rdatatype.CNAME):
        found = node.get_rdataset(dns.rdataclass.IN, wanted) if node else None
        if node is None or found is None:
            continue
        _append(response.answer, name, found)
        signatures = node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.RRSIG, wanted)
        if with_signatures and signatures is not None:
            _append(response.answer, name, signatures)
        return found[0].target if wanted != kind else None
    _append(response.authority, origin, zone.zone.find_rdataset(origin, "SOA"))
    exists = node is not None or any(each.is_subdomain(name) for each in zone.zone.nodes)
    if not exists:
        response.set_rcode(dns.rcode.NXDOMAIN)
    return None


def _append(section: list[dns.rrset.RRset], name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> None:
    rrset = dns.rrset.RRset(name, rdataset.rdclass, rdataset.rdtype, rdataset.covers)
    for rdata in rdataset:
        rrset.add(rdata, rdataset.ttl)
    section.append(rrset)


def _truncated(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.TC
    return response


def _sign(zone: _Zone) -> None:
    private = Ed25519PrivateKey.generate()
    key = dns.dnssec.make_dnskey(private.public_key(), Algorithm.ED25519, flags=257)
    now = datetime.now(UTC)
    age, life = (timedelta(days=60), timedelta(days=-30)) if zone.signing is Signing.EXPIRED else (
        timedelta(hours=1), timedelta(days=14))  # fmt: skip
    dns.dnssec.sign_zone(zone.zone, keys=[(private, key)], inception=now - age, expiration=now + life)
    vouched = key
    if zone.signing is Signing.FOREIGN_DS:
        other = Ed25519PrivateKey.generate().public_key()
        vouched = dns.dnssec.make_dnskey(other, Algorithm.ED25519, flags=257)
    if zone.signing is not Signing.NO_DS:
        assert zone.zone.origin is not None
        zone.ds = dns.dnssec.make_ds(zone.zone.origin, vouched, "SHA256")


# --- the wire ----------------------------------------------------------------------------------------------------


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, client = self.request
        with suppress(OSError, dns.exception.DNSException):
            query = dns.message.from_wire(data)
            response = self.server.dns.respond(query, "udp")  # type: ignore[attr-defined]
            if response is None:
                return
            limit = max(query.payload, MOST_UDP_BYTES) if query.edns >= 0 else MOST_UDP_BYTES
            wire = response.to_wire(max_size=65_535)
            client.sendto(wire if len(wire) <= limit else _truncated(query).to_wire(), self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self) -> None:
        with suppress(OSError, dns.exception.DNSException):
            while size := self.rfile.read(2):
                query = dns.message.from_wire(self.rfile.read(int.from_bytes(size, "big")))
                response = self.server.dns.respond(query, "tcp")  # type: ignore[attr-defined]
                if response is None:
                    time.sleep(0.5)
                    return
                wire = response.to_wire(max_size=65_535)
                self.wfile.write(len(wire).to_bytes(2, "big") + wire)


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    dns: DnsServer


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    dns: DnsServer


@contextmanager
def running_dns_server(**options: object) -> Iterator[DnsServer]:
    """Started on a free port of loopback, the same for UDP and TCP, and ended with the block."""
    server = DnsServer(**options)  # type: ignore[arg-type]
    udp, tcp = _bind()
    server.endpoint = "127.0.0.1", udp.server_address[1]
    udp.dns = tcp.dns = server
    threads = [threading.Thread(target=each.serve_forever, args=(0.05,), daemon=True) for each in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for each in (udp, tcp):
            each.shutdown()
            each.server_close()
        for thread in threads:
            thread.join(5)


def _bind() -> tuple[_UdpServer, _TcpServer]:
    for _ in range(50):
        udp = _UdpServer(("127.0.0.1", 0), _Udp)
        try:
            return udp, _TcpServer(("127.0.0.1", udp.server_address[1]), _Tcp)
        except OSError:  # the port is taken for TCP
            udp.server_close()
    raise OSError("no port is free for both UDP and TCP")


def closed_endpoint() -> tuple[str, int]:
    """An address and port where nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return "127.0.0.1", free.getsockname()[1]
