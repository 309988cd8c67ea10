"""The health of domains (by DNS) and of platforms (by connecting), checked now or last time, and all that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.errors import Fault, Invalid, NotFound
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Id, Moment
from api.v1 import subjects
from api.v1.platforms import NAMES, PlatformChange, platform, values_of
from domains.diagnosis import CheckResult
from domains.models import Domain, HealthCheck, Relay
from domains.relay_result import StepCode
from domains.services import checks, health

group = Group("Health", "What is wrong with domains in DNS and with platforms, in plain words.", names=NAMES)

Severity = Literal["ok", "unknown", "warning", "error"]


class Record(Answer):
    """A DNS record to publish."""

    name: str
    type: str
    value: str
    zone: Annotated[str, Field(description="A line for a zone file.")]


class HealthResult(Answer):
    """One test."""

    type: Annotated[str, Field(examples=["MX"], description="MX, SPF, DKIM, DMARC, MTA_STS, TLS_RPT, DNSSEC, SMTP.")]
    ref: Annotated[int | None, Field(description="The platform's id.")]
    subject: Annotated[str, Field(description="What it is about, where there are several: a DKIM selector, a server.")]
    result: Annotated[str, Field(examples=["ERROR_MX_MISSING_ENTRY"], description="OK, or what is gravest.")]
    severity: Severity
    words: Annotated[str, Field(description="In plain words.")]
    output: Annotated[list[str], Field(description="What was looked up, and what came.")]
    publish: Annotated[list[Record], Field(description="What would set it right.")]


class HealthRecord(Answer):
    """The tests that were done."""

    status: Annotated[bool, Field(description="No error was found.")]
    severity: Severity
    entries: list[HealthResult]


class EntityHealth(Answer):
    """A check and when it was made."""

    performed_at: Moment
    report: HealthRecord


class DiagnosticEntry(Answer):
    """What fails, and how."""

    id: int
    name: str
    type: Literal["DOMAIN", "PLATFORM"]
    health: EntityHealth


class RelayTry(PlatformChange):
    """A platform to try, saved (`id`) or not (then `domainId` says for which domain)."""

    id: Id | None = None
    domain_id: Id | None = None


def present(actor: Actor, check: HealthCheck) -> EntityHealth:
    """A kept check as this actor may see it."""
    if check.relay_id is not None:
        entries = [_of_relay(check.relay_id, each) for each in checks.entries_for(actor, check)]
    else:
        entries = [_of_dns(each) for each in health.diagnosis_of(check).checks]
    return _report(check.performed_at, entries)


def _report(performed_at: Any, entries: list[HealthResult]) -> EntityHealth:
    order: tuple[Severity, ...] = ("ok", "unknown", "warning", "error")
    worst: Severity = max((entry.severity for entry in entries), key=order.index, default=order[0])
    record = HealthRecord(status=worst != "error", severity=worst, entries=entries)
    return EntityHealth(performed_at=performed_at, report=record)


def _of_dns(check: CheckResult) -> HealthResult:
    severity: Any = str(check.severity)
    return HealthResult(
        type=str(check.type),
        ref=None,
        subject=check.subject,
        result=check.result,
        severity=severity,
        words=check.words,
        output=list(check.output),
        publish=[
            Record(name=each.name, type=each.type, value=each.value, zone=each.zone_line()) for each in check.publish
        ],
    )


def _of_relay(relay_id: int | None, entry: Mapping[str, Any]) -> HealthResult:
    """One target of a relay: its steps as sentences, with details for who may read them."""
    steps = [(StepCode(each["code"]), str(each["detail"])) for each in entry["steps"]]
    states = {str(code.state) for code, _detail in steps}
    severity: Severity = "error" if not entry["ok"] else "warning" if "warning" in states else "ok"
    said = [str(code.words) for code, _detail in steps if str(code.state) != "ok"] or [str(steps[-1][0].words)]
    return HealthResult(
        type="SMTP",
        ref=relay_id,
        subject=str(entry["type"]),
        result="OK" if entry["ok"] else f"ERROR_{str(entry['category'] or 'failed').upper()}",
        severity=severity,
        words=" ".join(said),
        output=[f"{code.words} {detail}".strip() for code, detail in steps],
        publish=[],
    )


def _diagnostics(actor: Actor, rows: Sequence[HealthCheck]) -> list[DiagnosticEntry]:
    return [
        DiagnosticEntry(
            id=row.relay_id or row.domain_id,
            name=row.relay.name if row.relay is not None else row.domain.name,
            type="PLATFORM" if row.relay_id else "DOMAIN",
            health=present(actor, row),
        )
        for row in rows
    ]


FAILURES = Listing(
    DiagnosticEntry, _diagnostics, sorts={"id": "pk", "performedAt": "performed_at"}, default="-performedAt"
)


@group.list("/health", FAILURES)
def health_failures(actor: Actor) -> QuerySet[HealthCheck]:
    """List every failure in one's environment.

    The last checks of domains and platforms that found errors.
    """
    return health.failures(actor)


@group.post("/domains/{int:domainId}/health", admit=subjects.domain())
def domain_health_check(actor: Actor, domain: Domain) -> Created[EntityHealth]:
    """Check a domain now.

    MX, SPF, DKIM, DMARC, MTA-STS, TLS-RPT and DNSSEC, within 12 seconds. Within five seconds of the last check that one
    is answered.
    """
    return Created(present(actor, health.check_domain(actor, domain)), f"/domains/{domain.pk}/health")


@group.get("/domains/{int:domainId}/health", admit=subjects.domain())
def domain_health(actor: Actor, domain: Domain) -> EntityHealth:
    """Read the last check of a domain.

    404 where none has been made.
    """
    check = health.latest(domain)
    if check is None:
        raise NotFound("The domain has not been checked yet.")
    return present(actor, check)


@group.post("/platforms/{int:platformId}/health", admit=platform)
def platform_health_check(actor: Actor, relay: Relay) -> Created[EntityHealth]:
    """Try a platform now.

    Connects, encrypts and signs in, at the main server and the fallback.
    """
    return Created(present(actor, checks.try_relay(actor, relay)), f"/platforms/{relay.pk}/health")


@group.get("/platforms/{int:platformId}/health", admit=platform)
def platform_health(actor: Actor, relay: Relay) -> EntityHealth:
    """Read the last try of a platform.

    404 where it has not been tried.
    """
    check = relay.health_checks.filter(is_latest=True).first()
    if check is None:
        raise NotFound("The platform has not been tried yet.")
    return present(actor, check)


@group.post("/health/try-relay", admit=subjects.somewhere(Right.MANAGE_RELAYS), status=200)
def health_try_relay(actor: Actor, body: RelayTry) -> EntityHealth:
    """Try a platform without saving it.

    With `id` the saved one fills in what the body leaves out, but for its password, which must be given again.
    """
    relay = None
    if body.id is not None:
        key = body.id
        relay = subjects.named("id", lambda: platform(actor, key))
    domain = relay.domain if relay is not None else _domain_of(actor, body)
    values = values_of(body)
    for name in ("id", "domain_id"):
        values.pop(name, None)
    results = checks.try_values(actor, domain, {**_saved(relay), **values})
    entries = [_of_relay(body.id, {"type": name} | result.as_dict()) for name, result in results.items()]
    return _report(timezone.now(), entries)


_SAVED = (
    "transport_dest", "transport_type", "transport_port", "fallback_dest", "fallback_type", "fallback_port", "username",
)  # fmt: skip


def _saved(relay: Relay | None) -> dict[str, Any]:
    return {} if relay is None else {name: getattr(relay, name) for name in _SAVED}


def _domain_of(actor: Actor, body: RelayTry) -> Domain:
    if body.domain_id is None:
        text = _("Say which platform (id), or for which domain (domainId).")
        raise Invalid(text, faults=[Fault("domainId", text)])
    key = body.domain_id
    return subjects.named("domainId", lambda: subjects.domain(Right.MANAGE_RELAYS)(actor, key))
