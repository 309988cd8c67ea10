"""How kept checks are shown: a relay's tries and a domain's health, as much as the reader may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from domains.models import HealthCheck
from domains.relay_result import StepCode
from domains.services import checks

CHECK_STATES = [
    ("ok", _("Fine")),
    ("warning", _("With remarks")),
    ("error", _("Fails")),
    ("unknown", _("Couldn't be checked")),
    ("never", _("Never checked")),
]
TONES = {"ok": "good", "warning": "warn", "error": "bad", "unknown": "none", "never": "none"}


@dataclass(frozen=True)
class ShownCheck:
    """One check of a relay."""

    at: datetime
    severity: str
    label: Any
    tone: str
    parts: list[dict[str, Any]]
    transcript: str


def shown_check(actor: Actor, check: HealthCheck) -> ShownCheck:
    """A kept try of a relay, with words for its steps."""
    parts = []
    for entry in checks.entries_for(actor, check):
        steps = [
            {
                "state": step["state"],
                "tone": TONES.get(step["state"], "none"),
                "words": _words(step["code"]),
                "detail": step["detail"],
            }
            for step in entry["steps"]
        ]
        parts.append(
            {
                "type": entry["type"],
                "steps": steps,
                "facts": _facts(entry.get("facts")),
                "category": entry.get("category"),
            }
        )
    return ShownCheck(
        check.performed_at,
        check.severity,
        dict(CHECK_STATES).get(check.severity, check.severity),
        TONES.get(check.severity, "none"),
        parts,
        checks.transcript_for(actor, check),
    )


def _words(code: str) -> str:
    return str(StepCode(code).words) if code in list(StepCode) else code


def _facts(facts: dict[str, Any] | None) -> list[tuple[Any, Any]]:
    if not facts:
        return []
    certificate = facts.get("certificate") or {}
    rows = [
        (_("Address"), facts.get("address")),
        (_("Greeting"), facts.get("banner")),
        (_("Encryption"), " ".join(filter(None, [facts.get("tls_version"), facts.get("cipher")]))),
        (_("Certificate"), certificate.get("subject")),
        (_("Why it isn't trusted"), facts.get("trust_problem")),
        (_("Ways to sign in"), ", ".join(facts.get("auth") or [])),
        (_("Largest message"), facts.get("size_bytes")),
    ]
    return [(label, value) for label, value in rows if value]
