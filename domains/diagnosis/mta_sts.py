"""Whether a domain makes other servers encrypt (MTA-STS), and hears when that fails (TLS-RPT).

Source: RFC 8461, RFC 8460 §3. The policy file is `policy_file`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from config.kit import net
from domains.diagnosis import policy_file
from domains.diagnosis.expectations import Expectations
from domains.diagnosis.lookups import Lookups, Trace
from domains.diagnosis.mx import hosts_of
from domains.diagnosis.policy_file import BadPolicy, Policy
from domains.diagnosis.results import DnsRecord, Finding, found
from domains.diagnosis.words import Code
from domains.dkim_keys import BadRecord, parse_tags

FetchPolicy = Callable[[str, float], str]  # host, timeout_s -> text; raises net.NetError, BadPolicy
FETCH_S = 10.0
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_REPORT_URI = re.compile(r"(?:mailto:[^@\s]+@[^@\s,;!]+|https://\S+)", re.IGNORECASE)


def fetch_policy(host: str, timeout_s: float) -> str:
    """Through the gate, where it is open for HTTPS. Raises: net.NetError, BadPolicy."""
    if policy_file.PORT not in net.the_gate().ports:  # said here: a gate that is meant to be closed fills no log
        raise net.RefusedByGate(f"port {policy_file.PORT} is not open to this server (POSTKEEP_ALLOWED_PORTS)")
    return policy_file.fetch(host, timeout_s=timeout_s)


def look(domain: str, lookups: Lookups, trace: Trace, *, fetch: FetchPolicy, until: float) -> list[Finding]:
    """MTA-STS. Raises: Unanswered."""
    trace.say(f"Lookup for MTA-STS entry in DNS for {domain}")
    texts = _records(domain, lookups, trace)
    if not texts:
        return [found(Code.MTA_STS_UNUSED)]
    if len(texts) > 1:
        return [found(Code.ERROR_MTA_STS_MULTIPLE, count=len(texts))]
    try:
        if not _ID.fullmatch(parse_tags(texts[0]).get("id", "")):
            raise BadRecord("there is no id= of letters and digits")
    except BadRecord as error:
        proposed = DnsRecord(f"_mta-sts.{domain}", "TXT", f"v=STSv1; id={time.strftime('%Y%m%d%H%M%S', time.gmtime())}")
        return [found(Code.ERROR_MTA_STS_SYNTAX, proposed, why=str(error))]
    host = f"mta-sts.{domain}"
    if not lookups.addresses(trace, host):
        return [found(Code.ERROR_MTA_STS_NO_HOST, host=host)]
    return _look_at_policy(domain, host, lookups, trace, fetch, until)


def _records(domain: str, lookups: Lookups, trace: Trace) -> list[str]:
    return [text for text in lookups.texts(trace, f"_mta-sts.{domain}") if re.match(r"v=STSv1\s*(?:;|$)", text)]


def _look_at_policy(
    domain: str, host: str, lookups: Lookups, trace: Trace, fetch: FetchPolicy, until: float
) -> list[Finding]:
    trace.say(f"Fetch https://{host}{policy_file.PATH}")
    try:
        text = fetch(host, max(0.1, min(FETCH_S, until - time.monotonic())))
        policy = policy_file.parse(text)
    except BadPolicy as error:
        return [found(Code.ERROR_MTA_STS_POLICY, why=str(error))]
    except net.TlsFailed as error:
        return [found(Code.ERROR_MTA_STS_POLICY, why=f"the certificate of {host} is not accepted ({error})")]
    except net.ProtocolBroken as error:
        return [found(Code.ERROR_MTA_STS_POLICY, why=str(error))]
    except net.NetError as error:  # also our own firewall or gate: no fault of the domain's for certain
        return [found(Code.MTA_STS_POLICY_NOT_CHECKED, why=str(error))]
    trace.lines += [f"{host}: {line}" for line in text.splitlines()[:30]]
    return _compare(domain, policy, lookups, trace)


def _compare(domain: str, policy: Policy, lookups: Lookups, trace: Trace) -> list[Finding]:
    """Whether the policy lets mail reach the hosts of the MX records."""
    hosts = [host for host in hosts_of(lookups.ask(trace, domain, "MX")) if host]
    left_out = ", ".join(host for host in hosts if not policy.names(host))
    if policy.mode == "enforce":
        return [found(Code.ERROR_MTA_STS_MX, hosts=left_out)] if left_out else [found(Code.MTA_STS_OK)]
    findings = [found(Code.MTA_STS_TESTING, mode=policy.mode)]
    if left_out and policy.mode == "testing":
        findings.append(found(Code.WARNING_MTA_STS_MX, hosts=left_out))
    return findings


def look_at_reports(domain: str, expected: Expectations, lookups: Lookups, trace: Trace) -> list[Finding]:
    """TLS-RPT. Raises: Unanswered."""
    name = f"_smtp._tls.{domain}"
    trace.say(f"Lookup for TLS-RPT entry in DNS for {domain}")
    proposed = DnsRecord(name, "TXT", f"v=TLSRPTv1; rua=mailto:{expected.reports_address(domain)}")
    texts = [text for text in lookups.texts(trace, name) if re.match(r"v=TLSRPTv1\s*(?:;|$)", text)]
    if not texts:
        is_needed = bool(_records(domain, lookups, trace))
        return [found(Code.WARNING_TLS_RPT_MISSING if is_needed else Code.TLS_RPT_UNUSED, proposed)]
    if len(texts) > 1:
        return [found(Code.ERROR_TLS_RPT_MULTIPLE, count=len(texts))]
    try:
        targets = [target.strip() for target in parse_tags(texts[0]).get("rua", "").split(",")]
        if not all(_REPORT_URI.fullmatch(target) for target in targets):
            raise BadRecord("rua= must hold mailto: or https: addresses")
    except BadRecord as error:
        return [found(Code.ERROR_TLS_RPT_SYNTAX, proposed, why=str(error))]
    return [found(Code.TLS_RPT_OK, targets=", ".join(target.removeprefix("mailto:") for target in targets))]
