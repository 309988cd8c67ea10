"""Reads of sessions: one's own, and those of people whose account one manages. Only of who is signed in."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Session, User
from accounts.permissions import Right
from accounts.selectors.people import users_visible_to


def list_sessions(actor: Actor) -> QuerySet[Session]:
    """Those of the people whose account the actor manages, and the actor's own; the last used first.

    Raises: Forbidden for who manages nobody.
    """
    actor.require_somewhere(Right.MANAGE_USERS)
    rows = _live()
    if actor.reach(Right.MANAGE_USERS).everything:
        return rows
    return rows.filter(user__in=users_visible_to(actor, Right.MANAGE_USERS))


def list_own_sessions(actor: Actor) -> QuerySet[Session]:
    """The actor's own; none while acting as somebody or through a link."""
    if actor.user is None or actor.acting is not None:
        return Session.objects.none()
    return _live().filter(user=actor.user)


def list_sessions_of(actor: Actor, user: User) -> QuerySet[Session]:
    """Somebody's. Raises: Forbidden."""
    if actor.owns(user):
        return list_own_sessions(actor)
    actor.require(Right.MANAGE_USERS, user)
    return _live().filter(user=user)


def get_session(actor: Actor, session_id: int) -> Session:
    """One that the actor may see. Raises: Http404."""
    seen = Q(pk__in=[])
    if actor.user is not None and actor.acting is None:
        seen |= Q(user=actor.user)
    reach = actor.reach(Right.MANAGE_USERS)
    if reach.everything:
        seen |= Q()
        rows = _live()
    else:
        rows = _live().filter(seen | Q(user__in=users_visible_to(actor, Right.MANAGE_USERS)))
    found = rows.filter(pk=session_id).first()
    if found is None:
        raise Http404("no such session")
    return found


def count_sessions(actor: Actor) -> int:
    """How many `list_sessions` gives."""
    return list_sessions(actor).count()


def _live() -> QuerySet[Session]:
    return Session.objects.filter(user__isnull=False, expires_at__gt=timezone.now()).select_related("user")
