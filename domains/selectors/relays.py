"""Reads of relays, DKIM keys and their checks."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import DkimKey, Domain, HealthCheck, Relay


def list_relays(actor: Actor) -> QuerySet[Relay]:
    """All relays of the domains this actor manages relays of, with their last check. Raises: Forbidden."""
    actor.require_somewhere(Right.MANAGE_RELAYS)
    return _with_last_check(Relay.objects.visible_to(actor, Right.MANAGE_RELAYS).select_related("domain"))


def list_relays_of(actor: Actor, domain: Domain) -> QuerySet[Relay]:
    """The relays of one domain. Raises: Forbidden."""
    actor.require(Right.MANAGE_RELAYS, domain)
    return _with_last_check(domain.relays.select_related("domain"))


def get_relay(actor: Actor, relay_id: int, *, need: Right = Right.MANAGE_RELAYS) -> Relay:
    """Raises: Http404 (of a domain the actor doesn't see), Forbidden."""
    seen = Relay.objects.visible_to(actor, Right.VIEW_DOMAINS).select_related("domain__customer")
    relay = seen.filter(pk=relay_id).first()
    if relay is None:
        raise Http404("no such relay")
    actor.require(need, relay)
    return relay


def get_dkim_key(actor: Actor, key_id: int, *, need: Right = Right.MANAGE_DKIM) -> DkimKey:
    """Raises: Http404 (of a domain the actor doesn't see), Forbidden."""
    seen = DkimKey.objects.visible_to(actor, Right.VIEW_DOMAINS).select_related("domain__customer")
    key = seen.filter(pk=key_id).first()
    if key is None:
        raise Http404("no such key")
    actor.require(need, key)
    return key


def last_check(relay: Relay) -> HealthCheck | None:
    """The newest try of a relay."""
    return relay.health_checks.filter(is_latest=True).first()


def list_checks(relay: Relay, *, limit: int = 10) -> list[HealthCheck]:
    """The newest tries of a relay, newest first."""
    return list(relay.health_checks.order_by("-performed_at", "-pk")[:limit])


def _with_last_check(relays: QuerySet[Relay]) -> QuerySet[Relay]:
    latest = HealthCheck.objects.filter(is_latest=True).only("severity", "performed_at", "relay_id")
    return relays.prefetch_related(Prefetch("health_checks", queryset=latest, to_attr="latest_checks"))
