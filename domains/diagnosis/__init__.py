"""The health of a domain, seen from DNS: what is wrong with it in plain words, and what to publish.

    diagnosis = diagnose("example.org", Expectations(mx=("mx1.example.net",), dkim=(ExpectedKey("s1", record),)))
    diagnosis.ok, [(check.type, check.result, check.words) for check in diagnosis.checks]

Needs no database; keeping results and telling people are for its callers (`Diagnosis.as_dict`). A resolver that doesn't
answer makes a check "couldn't be checked", never "missing".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from domains.diagnosis import dkim, dmarc, dnssec, mta_sts, mx, spf
from domains.diagnosis.checking import concluded, examine
from domains.diagnosis.expectations import Expectations, ExpectedKey
from domains.diagnosis.lookups import Lookups, Resolver, Trace
from domains.diagnosis.mta_sts import FetchPolicy, fetch_policy
from domains.diagnosis.results import CheckResult, CheckType, Diagnosis, DnsRecord, Finding, found
from domains.diagnosis.words import Code, Severity

__all__ = [
    "CheckResult",
    "CheckType",
    "Code",
    "Diagnosis",
    "DnsRecord",
    "Expectations",
    "ExpectedKey",
    "Finding",
    "Resolver",
    "Severity",
    "diagnose",
]

TIMEOUT_S = 20.0
_THREADS = 8
_GRACE_S = 0.5  # a lookup that was begun in time may still say that it got no answer


def diagnose(
    domain: str,
    expectations: Expectations | None = None,
    resolver: Resolver | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    fetch: FetchPolicy = fetch_policy,
) -> Diagnosis:
    """All checks of a domain (its ASCII name), at the same time, within `timeout_s`; what isn't ready then says so.

    resolver: the configured one without it. fetch: who reads MTA-STS policy files. Never raises for what DNS holds.
    """
    started, begun_at = time.monotonic(), datetime.now(UTC)
    until = started + timeout_s
    expected = expectations or Expectations()
    domain = domain.lower().rstrip(".")
    lookups = Lookups(resolver or Resolver.configured(), until=until)
    plans = _plans(domain, expected, lookups, fetch, until)
    executor = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="diagnosis")
    try:
        futures = [executor.submit(examine, kind, look, subject=subject) for kind, subject, look in plans]
        wait(futures, timeout=until - time.monotonic() + _GRACE_S)
        checks = tuple(_result(future, plan) for future, plan in zip(futures, plans, strict=True))
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return Diagnosis(domain, begun_at, round((time.monotonic() - started) * 1000), checks)


Plan = tuple[CheckType, str, Callable[[Trace], list[Finding]]]


def _plans(domain: str, expected: Expectations, lookups: Lookups, fetch: FetchPolicy, until: float) -> list[Plan]:
    """What will be looked at, in the order it is shown in."""
    plans: list[Plan] = [
        (CheckType.MX, "", lambda trace: mx.look(domain, expected, lookups, trace)),
        (CheckType.SPF, "", lambda trace: spf.look(domain, expected, lookups, trace)),
    ]
    for key in expected.dkim:
        plans.append((CheckType.DKIM, key.selector, _dkim_look(domain, key, lookups)))
    if not expected.dkim:
        plans.append((CheckType.DKIM, "", lambda trace: [found(Code.WARNING_DKIM_NO_KEY)]))
    plans += [
        (CheckType.DMARC, "", lambda trace: dmarc.look(domain, expected, lookups, trace)),
        (CheckType.MTA_STS, "", lambda trace: mta_sts.look(domain, lookups, trace, fetch=fetch, until=until)),
        (CheckType.TLS_RPT, "", lambda trace: mta_sts.look_at_reports(domain, expected, lookups, trace)),
        (CheckType.DNSSEC, "", lambda trace: dnssec.look(domain, lookups, trace)),
    ]
    return plans


def _dkim_look(domain: str, key: ExpectedKey, lookups: Lookups) -> Callable[[Trace], list[Finding]]:
    return lambda trace: dkim.look(domain, key, lookups, trace)


def _result(future: Future[CheckResult], plan: Plan) -> CheckResult:
    if future.done():
        return future.result()
    kind, subject, _ = plan
    return concluded(kind, [found(Code.NOT_CHECKED_IN_TIME)], Trace(), subject=subject)
