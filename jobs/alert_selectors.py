"""Reads of alerts: who sees which, and which stand above their pages."""

from __future__ import annotations

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import Reach
from jobs.models import Alert, AlertSeen

Audience, Severity = Alert.Audience, Alert.Severity


def alerts_visible_to(actor: Actor) -> QuerySet[Alert]:
    """Those of the scopes this actor watches over, and those for everybody where they live; fails closed."""
    reach = actor.reach(Right.MANAGE_ALERTS)
    if reach.everything:
        return Alert.objects.all()
    return Alert.objects.filter(_watched(reach) | _at_home(actor))


def list_alerts(actor: Actor) -> QuerySet[Alert]:
    """The same, the newest first, each with `still_open`."""
    is_open = ExpressionWrapper(Q(acknowledged_at=None), BooleanField())
    return alerts_visible_to(actor).annotate(still_open=is_open).order_by("-pk")


def list_alerts_of(actor: Actor, level: Level, object_id: int = 0) -> QuerySet[Alert]:
    """The open ones of one scope."""
    return list_alerts(actor).filter(level=level, object_id=object_id, acknowledged_at=None)


def get_alert(actor: Actor, alert_id: int) -> Alert:
    """Raises: Http404, also for those of others."""
    found = alerts_visible_to(actor).filter(pk=alert_id).first()
    if found is None:
        raise Http404("no such alert")
    return found


def list_pressing(actor: Actor) -> QuerySet[Alert]:
    """What stands above this actor's pages: open, theirs to know, and not put away by them.

    Who watches over the whole server has the server's there; those of domains are on the page of alerts.
    """
    reach = actor.reach(Right.MANAGE_ALERTS)
    watched = Q(level=Level.SERVER) if reach.everything else _watched(reach)
    concerns = (watched & Q(audience=Audience.ADMINISTRATORS)) | _at_home(actor)
    rows = Alert.objects.filter(concerns, acknowledged_at=None)
    if actor.user is not None:
        rows = rows.exclude(Exists(AlertSeen.objects.filter(alert=OuterRef("pk"), user=actor.user)))
    return rows.order_by("-pk")


def _watched(reach: Reach) -> Q:
    """On what lies in a reach; fails closed."""
    found = Q(pk__in=[])
    if reach.customers:
        found |= Q(customer_id__in=reach.customers) | Q(level=Level.CUSTOMER, object_id__in=reach.customers)
    if reach.domains:
        found |= Q(domain_id__in=reach.domains)
    if reach.users:
        found |= Q(level=Level.USER, object_id__in=reach.users)
    return found


def _at_home(actor: Actor) -> Q:
    """What is for everybody where somebody lives, and what is for them alone."""
    user = actor.user
    if user is None:
        return Q(pk__in=[])
    places = {
        Level.SERVER: 0,
        Level.CUSTOMER: user.home_customer_id,
        Level.DOMAIN: user.home_domain_id,
        Level.USER: user.pk,
    }
    found = Q(pk__in=[])
    for level, place in places.items():
        if place is not None:
            found |= Q(level=level, object_id=place)
    return found & Q(audience=Audience.EVERYBODY)
