"""What a diagnosis says: checks with findings, each with words, a severity, what to publish and what was looked up.

Findings hold codes and parameters, so that a kept diagnosis can be shown in any language; `Diagnosis.as_dict` and
`from_dict` are how it is kept. The looking is in the other modules; words and severities are in `words`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from domains.diagnosis.words import CODES, Code, Severity
from domains.dkim_keys import zone_line

Params = dict[str, str | int]


class CheckType(StrEnum):
    """What is checked."""

    MX = "MX"
    SPF = "SPF"
    DKIM = "DKIM"
    DMARC = "DMARC"
    MTA_STS = "MTA_STS"
    TLS_RPT = "TLS_RPT"
    DNSSEC = "DNSSEC"


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A record to publish, the name absolute without its final dot. A TXT value is its text, unquoted."""

    name: str
    type: str
    value: str

    def zone_line(self) -> str:
        """As a zone file has it."""
        return zone_line(self.name, self.value) if self.type == "TXT" else f"{self.name}. IN {self.type} {self.value}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found; `publish` is what would set it right, `line` what the output says (English, for programs)."""

    code: Code
    params: Params
    publish: tuple[DnsRecord, ...] = ()
    line: str = ""

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    @property
    def words(self) -> str:
        """A sentence in the language of the reader."""
        return str(CODES[self.code].words) % self.params


def found(code: Code, *publish: DnsRecord, line: str = "", **params: str | int) -> Finding:
    """A finding, written shortly."""
    return Finding(code, params, publish, line)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of a domain. subject: what it was about where there are several (a DKIM selector)."""

    type: CheckType
    findings: tuple[Finding, ...]
    output: tuple[str, ...]
    subject: str = ""

    @property
    def severity(self) -> Severity:
        return max((finding.severity for finding in self.findings), default=Severity.OK, key=_ORDER.index)

    @property
    def result(self) -> str:
        """The code of the gravest finding as API v1 says it; OK where nothing is wrong."""
        worst = self.severity
        if worst is Severity.OK:
            return "OK"
        return next(CODES[each.code].result or str(each.code) for each in self.findings if each.severity is worst)

    @property
    def publish(self) -> tuple[DnsRecord, ...]:
        """All records that would set it right."""
        return tuple(dict.fromkeys(record for finding in self.findings for record in finding.publish))

    @property
    def words(self) -> str:
        """All findings in sentences."""
        return " ".join(finding.words for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks of a domain at one time."""

    domain: str
    performed_at: datetime
    duration_ms: int
    checks: tuple[CheckResult, ...]

    @property
    def ok(self) -> bool:
        """No check found an error. What couldn't be checked is no error."""
        return self.severity is not Severity.ERROR

    @property
    def severity(self) -> Severity:
        return max((check.severity for check in self.checks), default=Severity.OK, key=_ORDER.index)

    def of(self, kind: CheckType, subject: str = "") -> CheckResult:
        """One check. Raises: KeyError when it was not made."""
        for check in self.checks:
            if (check.type, check.subject) == (kind, subject or check.subject):
                return check
        raise KeyError(kind)

    def as_dict(self) -> dict[str, Any]:
        """JSON's own types; `from_dict` reads it back."""
        return {
            "domain": self.domain,
            "performed_at": self.performed_at.isoformat(),
            "duration_ms": self.duration_ms,
            "checks": [_check_as_dict(check) for check in self.checks],
        }

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Diagnosis:
        """What `as_dict` wrote, also by an earlier version: findings whose code is gone are left out."""
        checks = tuple(_check_from_dict(each) for each in kept["checks"])
        return cls(kept["domain"], datetime.fromisoformat(kept["performed_at"]), kept["duration_ms"], checks)


_KNOWN = frozenset(map(str, Code))
_ORDER = (Severity.OK, Severity.UNKNOWN, Severity.WARNING, Severity.ERROR)


def _check_as_dict(check: CheckResult) -> dict[str, Any]:
    findings = [
        {
            "code": str(finding.code),
            "params": finding.params,
            "publish": [[record.name, record.type, record.value] for record in finding.publish],
        }
        for finding in check.findings
    ]
    return {
        "type": str(check.type),
        "subject": check.subject,
        "severity": str(check.severity),
        "result": check.result,
        "findings": findings,
        "output": list(check.output),
    }


def _check_from_dict(kept: dict[str, Any]) -> CheckResult:
    return CheckResult(
        CheckType(kept["type"]), tuple(_findings(kept["findings"])), tuple(kept["output"]), kept["subject"]
    )


def _findings(kept: Iterable[dict[str, Any]]) -> Iterable[Finding]:
    for each in kept:
        if each["code"] in _KNOWN:
            yield Finding(Code(each["code"]), each["params"], tuple(DnsRecord(*record) for record in each["publish"]))
