"""The audit trail's command: verifying its chain takes time, so it is a task."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.services.chain_check import verify_chain
from jobs.commands import NoArguments, command
from jobs.running import TaskRun

NAMED = 100


@command("VerifyAuditTrail", needs=Right.VIEW_AUDIT, arguments=NoArguments, label=_("Verification of the audit trail"))
def verify_audit_trail(actor: Actor, run: TaskRun, arguments: NoArguments) -> dict[str, object]:
    """Compare every event with its seal, and tell what was changed, removed or put in beside the door."""
    report = verify_chain(
        actor,
        progress=lambda done, total: run.progress(done=done, total=total, unit="events"),
        stop=run.stopping,
    )
    for finding in report.findings[:NAMED]:
        run.log(finding.text, level="error")
    audit.record(actor, "audit.verify", None, checked=report.checked, findings=report.total, head=report.head)
    return {
        "checked": report.checked,
        "waiting": report.waiting,
        "head": report.head,
        "sound": report.is_sound,
        "findings": [
            {"kind": each.kind.value, "text": each.text, "event": each.event_id, "sequence": each.sequence}
            for each in report.findings[:NAMED]
        ],
        "total": report.total,
    }
