"""Reads of people: administrators see all, everybody sees themselves."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.models import ApiToken, AuditEvent, User
from accounts.permissions import Right


def users_visible_to(actor: Actor) -> QuerySet[User]:
    """The people this actor may see; fails closed."""
    if actor.has(Right.MANAGE_USERS):
        return User.objects.all()
    if actor.user is None:
        return User.objects.none()
    return User.objects.filter(pk=actor.user.pk)


def list_users(actor: Actor, *, search: str = "") -> QuerySet[User]:
    """For the list of people; whoever may not manage them gets 403, not an empty list. Raises: Forbidden."""
    actor.require(Right.MANAGE_USERS)
    found = users_visible_to(actor)
    for word in search.replace("\0", " ").split()[:10]:  # PostgreSQL takes no NUL in text
        found = found.filter(Q(email__icontains=word) | Q(name__icontains=word))
    return found


def get_user(actor: Actor, user_id: int, *, need: Right) -> User:
    """One person. Raises: Http404 (unknown, or somebody else's business), Forbidden (themselves, without the right)."""
    user = users_visible_to(actor).filter(pk=user_id).first()
    if user is None:
        raise Http404("no such person")
    actor.require(need, user)
    return user


def list_events_about(actor: Actor, user: User, *, limit: int = 20) -> list[AuditEvent]:
    """The newest things done to a person, for their page. Raises: Forbidden."""
    actor.require(Right.MANAGE_USERS, user)
    about = AuditEvent.objects.filter(object_type=user._meta.label_lower, object_id=str(user.pk))
    return list(about.order_by("-pk")[:limit])


def list_tokens(actor: Actor) -> list[ApiToken]:
    """The actor's own tokens."""
    return [] if actor.user is None else list(ApiToken.objects.filter(user=actor.user)[:100])
