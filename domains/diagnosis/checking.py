"""The frame around each check: its trace, its end, and what an unanswered question makes of it."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import translation

from domains.diagnosis.lookups import Trace, Unanswered
from domains.diagnosis.results import CheckResult, CheckType, Finding, found
from domains.diagnosis.words import Code, Severity

_STARTS = {
    Severity.OK: "",
    Severity.UNKNOWN: "Not checked: ",
    Severity.WARNING: "Warning: ",
    Severity.ERROR: "Fail: ",
}


def examine(kind: CheckType, look: Callable[[Trace], list[Finding]], *, subject: str = "") -> CheckResult:
    """Make one check. A question that nobody answered makes it "not checked", never "missing"."""
    trace = Trace()
    try:
        findings = look(trace)
    except Unanswered as error:
        findings = [found(Code.NOT_CHECKED, name=error.answer.name)]
    return concluded(kind, findings, trace, subject=subject)


def concluded(kind: CheckType, findings: list[Finding], trace: Trace, *, subject: str = "") -> CheckResult:
    """The result with its last lines: what was found, or that it passed. They are English whoever reads them."""
    with translation.override("en"):
        for finding in findings:
            trace.say(finding.line or _STARTS[finding.severity] + finding.words)
    if all(finding.severity is Severity.OK for finding in findings):
        trace.say("Passed")
    return CheckResult(kind, tuple(findings), tuple(trace.lines), subject)
