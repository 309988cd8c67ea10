"""The health of domains by DNS: checked now, kept as history, and everything that fails in somebody's part.

What is expected follows from what we know: our gateways' names, the domain's DKIM keys, its providers and subnets. A
check never changes the domain. The clock checks every enabled domain once a day, a few at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from domains.diagnosis import Diagnosis, Expectations, ExpectedKey, Resolver, Severity, diagnose
from domains.models import DkimKey, Domain, HealthCheck, Status
from domains.services.dkim import record_text

SILENT_ROUNDS = 3  # after so many domains without any answer, DNS itself is away
AGAIN_AFTER = timedelta(seconds=5)
EVERY = timedelta(hours=24)
KEPT = 60
TIMEOUT_S = 12.0


def check_domain(actor: Actor, domain: Domain, *, resolver: Resolver | None = None) -> HealthCheck:
    """Check a domain now and keep the result; within five seconds of the last check that one is answered.

    Raises: Forbidden.
    """
    actor.require(Right.VIEW_DOMAINS, domain)
    recent = _of(domain).filter(performed_at__gt=timezone.now() - AGAIN_AFTER).first()
    if recent is not None:
        return recent
    diagnosis = diagnose(domain.name, expectations_of(domain), resolver, timeout_s=TIMEOUT_S)
    return _keep(actor, domain, diagnosis)


def check_due_domains(
    actor: Actor,
    *,
    limit: int,
    resolver: Resolver | None = None,
    stop: Callable[[int], bool] = lambda _checked: False,
) -> int:
    """Check enabled domains whose last check is a day old; how many were checked.

    stop: asked before each with the number checked so far. Ends early when DNS itself doesn't answer.
    Raises: Forbidden.
    """
    actor.require(Right.MANAGE_SERVER)
    fresh = HealthCheck.objects.filter(
        domain=OuterRef("pk"), relay=None, is_latest=True, performed_at__gt=timezone.now() - EVERY
    )
    due = Domain.objects.filter(~Exists(fresh), status=Status.ENABLED).order_by("pk")
    checked = silent = 0
    for domain in due[:limit]:
        if stop(checked) or silent >= SILENT_ROUNDS:
            break
        diagnosis = diagnose(domain.name, expectations_of(domain), resolver, timeout_s=TIMEOUT_S)
        silent = silent + 1 if diagnosis.severity is Severity.UNKNOWN else 0
        _keep(actor, domain, diagnosis)
        checked += 1
    return checked


def expectations_of(domain: Domain) -> Expectations:
    """What DNS should say of a domain."""
    keys = domain.dkim_keys.exclude(state=DkimKey.State.RETIRED)
    providers = domain.outgoing_providers.filter(is_active=True)
    return Expectations(
        spf_includes=tuple(providers.values_list("spf_provider", flat=True)),
        spf_addresses=tuple(domain.outgoing_subnets),
        dkim=tuple(ExpectedKey(key.selector, record_text(key)) for key in keys),
    )


def latest(domain: Domain) -> HealthCheck | None:
    """The newest check of a domain. The caller asked whether the actor may see it."""
    return _of(domain).filter(is_latest=True).first()


def history(domain: Domain, *, limit: int = 20) -> list[HealthCheck]:
    """The newest checks of a domain, newest first."""
    return list(_of(domain).order_by("-performed_at", "-pk")[:limit])


def failures(actor: Actor) -> QuerySet[HealthCheck]:
    """The newest checks that failed, of domains and relays in the actor's part. Raises: Forbidden."""
    actor.require_somewhere(Right.VIEW_DOMAINS)
    found = HealthCheck.objects.visible_to(actor, Right.VIEW_DOMAINS).filter(is_latest=True, severity="error")
    return found.exclude(domain__status=Status.PURGED).select_related("domain", "relay")


def diagnosis_of(check: HealthCheck) -> Diagnosis:
    """A kept check of a domain, to be said in the reader's language."""
    return Diagnosis.from_dict(check.entries)


def _of(domain: Domain) -> QuerySet[HealthCheck]:
    return HealthCheck.objects.filter(domain=domain, relay=None)


def _keep(actor: Actor, domain: Domain, diagnosis: Diagnosis) -> HealthCheck:
    with transaction.atomic():
        _of(domain).filter(is_latest=True).update(is_latest=False)
        check = HealthCheck.objects.create(
            domain=domain,
            performed_at=diagnosis.performed_at,
            severity=str(diagnosis.severity),
            entries=diagnosis.as_dict(),
        )
        old = _of(domain).order_by("-performed_at", "-pk").values_list("pk", flat=True)[KEPT:]
        HealthCheck.objects.filter(pk__in=list(old)).delete()
        if actor.kind != "system":  # the clock's daily rounds are no deeds of anybody
            audit.record(actor, "domain.check_health", domain, severity=check.severity)
    return check
