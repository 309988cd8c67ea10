"""How the tests of the diagnosis ask: the server of the test, short waits, no policy files unless given."""

from __future__ import annotations

from typing import Any

from domains.diagnosis import CheckResult, CheckType, Code, Diagnosis, Expectations, Resolver, diagnose
from tests.dns_server import DnsServer


def resolver_of(*servers: DnsServer) -> Resolver:
    return Resolver([server.endpoint for server in servers], attempt_s=0.3)


def look(server: DnsServer, domain: str = "example.org", *, timeout_s: float = 10.0, **expected: Any) -> Diagnosis:
    """A diagnosis that expects only what the test names."""
    return diagnose(domain, Expectations(**{"mx": (), **expected}), resolver_of(server), timeout_s=timeout_s)


def check(kind: CheckType, server: DnsServer, domain: str = "example.org", **expected: Any) -> CheckResult:
    """One check of it."""
    return look(server, domain, **expected).of(kind)


def codes(result: CheckResult) -> list[Code]:
    return [finding.code for finding in result.findings]
