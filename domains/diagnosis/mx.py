"""Where the mail of a domain goes: its MX records, the hosts they name, and whether that is us.

Source: RFC 5321 §5.1, RFC 2181 §10.3 (no aliases), RFC 7505 (null MX).
"""

from __future__ import annotations

from ipaddress import ip_address

from config.kit import net
from domains.diagnosis.expectations import Expectations, is_address, plain
from domains.diagnosis.lookups import Answer, Lookups, Status, Trace, Unanswered
from domains.diagnosis.results import DnsRecord, Finding, found
from domains.diagnosis.words import Code

MOST_HOSTS = 20  # more are looked at by nobody
_NOT_PUBLIC = {"private", "loopback", "link-local", "this network", "shared by a provider's customers"}
_MISSING = "Fail: No MX entry found"


def look(domain: str, expected: Expectations, lookups: Lookups, trace: Trace) -> list[Finding]:
    """Raises: Unanswered, when nobody says which MX records there are."""
    trace.say(f"Lookup for MX entry in DNS for {domain}")
    answer = lookups.ask(trace, domain, "MX")
    publish = [DnsRecord(domain, "MX", f"{10 * n} {name}.") for n, name in enumerate(expected.mx_names(), 1)]
    if answer.status is Status.NO_NAME:
        return [found(Code.ERROR_MX_DOMAIN_UNKNOWN, *publish, line=_MISSING)]
    if not answer.records:
        return [found(Code.ERROR_MX_MISSING_ENTRY, *publish, line=_MISSING)]
    hosts = hosts_of(answer)
    if "" in hosts:
        return [_null(hosts, expected, publish)]
    addresses: dict[str, list[str] | None] = {}
    findings = [finding for host in hosts for finding in _look_at_host(host, lookups, trace, addresses)]
    findings += _compare(hosts, addresses, expected, publish, lookups, trace)
    return findings or [found(Code.MX_OK, hosts=", ".join(hosts))]


def hosts_of(answer: Answer) -> list[str]:
    """The names of an answer's MX records, the preferred first; "" is a null MX."""
    records = sorted(answer.records, key=lambda record: (record.preference, record.exchange))
    return list(dict.fromkeys(plain(record.exchange.to_text()) for record in records))[:MOST_HOSTS]


def _null(hosts: list[str], expected: Expectations, publish: list[DnsRecord]) -> Finding:
    if len(hosts) > 1:
        return found(Code.ERROR_MX_NULL_AMONG_OTHERS, *publish)
    return found(Code.ERROR_MX_NULL, *publish) if expected.receives else found(Code.MX_NULL)


def _look_at_host(host: str, lookups: Lookups, trace: Trace, addresses: dict[str, list[str] | None]) -> list[Finding]:
    """What is wrong with one host by itself; its addresses go into `addresses`, None when nobody knows."""
    if is_address(host):
        addresses[host] = []
        return [found(Code.ERROR_MX_IS_ADDRESS, host=host)]
    try:
        addresses[host] = known = lookups.addresses(trace, host)
    except Unanswered:
        addresses[host] = None
        return [found(Code.NOT_CHECKED, name=host)]
    findings = []
    if not known:
        findings.append(found(Code.ERROR_MX_NO_ADDRESS, host=host))
    if lookups.ask(trace, host, "A").canonical not in ("", host):
        findings.append(found(Code.WARNING_MX_ALIAS, host=host))
    inside = [address for address in known if net.why_closed(ip_address(address)) in _NOT_PUBLIC]
    if inside:
        findings.append(found(Code.WARNING_MX_NOT_PUBLIC, host=host, address=inside[0]))
    return findings


def _compare(
    hosts: list[str],
    addresses: dict[str, list[str] | None],
    expected: Expectations,
    publish: list[DnsRecord],
    lookups: Lookups,
    trace: Trace,
) -> list[Finding]:
    """Whether the hosts are ours. One whose addresses nobody knows is neither ours nor somebody else's."""
    if not expected.mx:
        return []
    trace.say(f"Required: {', '.join(expected.mx)}")
    others = [host for host in hosts if host not in expected.mx_names()]
    ours = _our_addresses(expected, lookups, trace) if others else set()
    networks = expected.mx_networks()

    def is_ours(address: str) -> bool:
        return address in ours or any(ip_address(address) in network for network in networks)

    strangers = [host for host in others if not (known := addresses[host]) or not all(map(is_ours, known))]
    unknown = [host for host in strangers if addresses[host] is None]
    strangers = [host for host in strangers if host not in unknown]
    if not strangers:
        return []
    named, required = ", ".join(strangers), ", ".join(expected.mx)
    if len(strangers) + len(unknown) < len(hosts):
        return [found(Code.WARNING_MX_BYPASS, hosts=named)]
    if unknown:
        return []
    return [found(Code.ERROR_MX_INVALID_ENTRY, *publish, line="Fail", hosts=named, expected=required)]


def _our_addresses(expected: Expectations, lookups: Lookups, trace: Trace) -> set[str]:
    found_addresses: set[str] = set()
    for name in expected.mx_names():
        found_addresses.update(lookups.addresses(trace, name))
    return found_addresses
