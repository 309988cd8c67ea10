"""Reads of the audit trail: what lies in one's reach, what happened to one object, what was done to oneself."""

from __future__ import annotations

from django.db.models import Model, Q, QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.models import AuditEvent, AuditSeal, User
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, Reach, ScopeRef

COLUMNS = {Level.CUSTOMER: "customer_id", Level.DOMAIN: "domain_id", Level.USER: "about_user_id"}


def events_within(reach: Reach) -> Q:
    """The events whose object lay in these scopes when they happened; fails closed."""
    if reach.everything:
        return Q()
    column = scope_column(reach)
    if column:
        (key,) = reach.customers or reach.domains
        return _only(column, key)
    return Q(domain_id__in=reach.domains) | Q(customer_id__in=reach.customers)


def readable_by(actor: Actor) -> Q:
    """Those that the actor may read. What is about a person may lie elsewhere: what they were given there."""
    return events_within(actor.reach(Right.VIEW_AUDIT))


def scope_column(reach: Reach) -> str:
    """The column of the events within, where one scope is all there is; else ""."""
    if reach.everything or len(reach.customers) + len(reach.domains) != 1:
        return ""
    return "customer_id" if reach.customers else "domain_id"


def _only(column: str, key: int) -> Q:
    """One value, said as a range: a list then walks the index (column, -id), and not all events backwards."""
    return Q(**{f"{column}__gte": key, f"{column}__lte": key})


def list_events(actor: Actor) -> QuerySet[AuditEvent]:
    """The audit trail as far as it is the actor's to read. Raises: Forbidden."""
    actor.require_somewhere(Right.VIEW_AUDIT)
    return AuditEvent.objects.filter(readable_by(actor))


def get_event(actor: Actor, event_id: int) -> AuditEvent:
    """One event, also one about oneself. Raises: Http404."""
    found = AuditEvent.objects.filter(pk=event_id)
    event = found.filter(readable_by(actor)).first() or found.filter(_about(actor)).first()
    if event is None:
        raise Http404("no such event")
    return event


def seal_of(event: AuditEvent) -> AuditSeal | None:
    """The event's place in the chain; None while it waits."""
    return AuditSeal.objects.filter(event_id=event.pk).first()


def list_events_in(actor: Actor, scope: ScopeRef, obj: object) -> QuerySet[AuditEvent]:
    """Everything that happened in a scope, for its history, as far as it is the actor's to read. Raises: Forbidden."""
    actor.require(Right.VIEW_AUDIT, obj)
    if scope == SERVER:
        return AuditEvent.objects.all()
    column = COLUMNS.get(scope.level)
    if column is None:  # a broker: what happened to the row itself
        return list_events_of(actor, obj) if isinstance(obj, Model) else AuditEvent.objects.none()
    return AuditEvent.objects.filter(readable_by(actor), **{column: scope.id})


def list_events_of(actor: Actor, obj: Model) -> QuerySet[AuditEvent]:
    """What was done to one object. Raises: Forbidden."""
    actor.require(Right.VIEW_AUDIT, obj)
    return AuditEvent.objects.filter(object_type=obj._meta.label_lower, object_id=str(obj.pk))


def list_events_about(actor: Actor, user: User, *, limit: int = 20) -> list[AuditEvent]:
    """The newest things done to a person, for their page; nothing for who may not read the audit trail about them."""
    if not actor.has(Right.VIEW_AUDIT, user):
        return []
    return list(AuditEvent.objects.filter(readable_by(actor), about_user_id=user.pk).order_by("-pk")[:limit])


def list_own_events(actor: Actor) -> QuerySet[AuditEvent]:
    """What was done to the actor's own account and mailbox, by whomever."""
    return AuditEvent.objects.filter(_about(actor))


def _about(actor: Actor) -> Q:
    if actor.user is None or actor.acting is not None:
        return Q(pk__in=[])
    return _only("about_user_id", actor.user.pk)
