"""Checks that reach out: a relay's connectivity, kept as history. A domain's DNS is `services.health`.

Delegated administrators are told what was tried and the kind of failure; what a private host answered is only for who
may read transcripts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.net import Gate
from domains.models import Domain, HealthCheck, Relay
from domains.relay_check import Credentials, TransportType, check_relay
from domains.relay_result import RelayCheck
from domains.services.relays import check_values

TRY_S = 12.0
AGAIN_AFTER = timedelta(seconds=5)
KEPT = 50


def try_relay(actor: Actor, relay: Relay, *, recipient: str = "", gate: Gate | None = None) -> HealthCheck:
    """Try a relay and its fallback now; within five seconds of the last try that one is answered.

    Raises: Forbidden, BadAddress.
    """
    actor.require(Right.MANAGE_RELAYS, relay)
    actor.require_writing()
    recent = relay.health_checks.filter(performed_at__gt=timezone.now() - AGAIN_AFTER).first()
    if recent is not None:
        return recent
    results = {"relay": _try(actor, _target(relay), relay.password.reveal() if relay.password else "", recipient, gate)}
    if relay.fallback_dest:
        results["fallback"] = _try(actor, _target(relay, fallback=True), "", "", gate)
    return _keep(actor, relay, results)


def try_values(
    actor: Actor, domain: Domain, values: Mapping[str, Any], *, gate: Gate | None = None
) -> dict[str, RelayCheck]:
    """Try a relay that isn't saved; nothing is kept. Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_RELAYS, domain)
    actor.require_writing()
    relay = check_values(domain, values)
    audit.record(actor, "relay.try", domain, server=f"{relay.transport_dest}:{relay.transport_port}")
    results = {"relay": _try(actor, _target(relay), str(values.get("password") or ""), "", gate)}
    if relay.fallback_dest:
        results["fallback"] = _try(actor, _target(relay, fallback=True), "", "", gate)
    return {name: shown_to(actor, result) for name, result in results.items()}


def shown_to(actor: Actor, result: RelayCheck) -> RelayCheck:
    """As much of a result as this actor may see."""
    return result if actor.has(Right.VIEW_RELAY_TRANSCRIPTS) else result.without_details()


def entries_for(actor: Actor, check: HealthCheck) -> list[dict[str, Any]]:
    """The entries of a kept check as this actor may see them."""
    if check.relay_id is None or actor.has(Right.VIEW_RELAY_TRANSCRIPTS):
        return list(check.entries)
    return [
        entry | {"facts": None, "steps": [step | {"detail": ""} for step in entry["steps"]]} for entry in check.entries
    ]


def transcript_for(actor: Actor, check: HealthCheck) -> str:
    """The conversation, for who may read it; else nothing."""
    return check.transcript if actor.has(Right.VIEW_RELAY_TRANSCRIPTS) else ""


def _target(relay: Relay, *, fallback: bool = False) -> tuple[str, int, TransportType, str]:
    if fallback:
        kind = TransportType(relay.fallback_type or relay.transport_type)
        return relay.fallback_dest, relay.fallback_port or 25, kind, ""
    return relay.transport_dest, relay.transport_port, TransportType(relay.transport_type), relay.username


def _try(
    actor: Actor, target: tuple[str, int, TransportType, str], password: str, recipient: str, gate: Gate | None
) -> RelayCheck:
    host, port, kind, username = target
    credentials = Credentials(username, password) if username and password else None
    return check_relay(
        host, port, kind, credentials=credentials, recipient=recipient, timeout_s=TRY_S, gate=gate, who=actor.label
    )


def _keep(actor: Actor, relay: Relay, results: Mapping[str, RelayCheck]) -> HealthCheck:
    entries = [{"type": name} | result.as_dict() for name, result in results.items()]
    for entry in entries:
        entry.pop("transcript")
    text = "\n\n".join("\n".join(result.transcript) for result in results.values())
    failed = [result for result in results.values() if not result.ok]
    severity = "error" if not results["relay"].ok else "warning" if failed or _warns(results) else "ok"
    with transaction.atomic():
        relay.health_checks.filter(is_latest=True).update(is_latest=False)
        check = HealthCheck.objects.create(
            domain_id=relay.domain_id, relay=relay, severity=severity, entries=entries, transcript=text[:200_000]
        )
        old = relay.health_checks.order_by("-performed_at", "-pk").values_list("pk", flat=True)[KEPT:]
        HealthCheck.objects.filter(pk__in=list(old)).delete()
        audit.record(actor, "relay.try", relay, ok=not failed)
    return check


def _warns(results: Mapping[str, RelayCheck]) -> bool:
    return any(step.state == "warning" for result in results.values() for step in result.steps)
