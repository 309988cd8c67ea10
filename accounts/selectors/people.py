"""Reads of people: administrators see all, everybody sees themselves."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from accounts.scopes import Reach


def users_within(reach: Reach) -> Q:
    """The people that lie in these scopes."""
    within = Q(home_domain_id__in=reach.domains) | Q(home_customer_id__in=reach.customers)
    return within | Q(pk__in=reach.users) if reach.users else within


def users_visible_to(actor: Actor, right: Right = Right.VIEW_USERS) -> QuerySet[User]:
    """The people on whom this actor holds the right, and themselves; fails closed."""
    reach = actor.reach(right)
    if reach.everything:
        return User.objects.all()
    own = Q(pk=actor.user.pk) if actor.user is not None and actor.acting is None else Q(pk__in=[])
    return User.objects.filter(users_within(reach) | own)


def list_users(actor: Actor) -> QuerySet[User]:
    """For the list of people; whoever may not manage them gets 403, not an empty list. Raises: Forbidden."""
    actor.require_somewhere(Right.VIEW_USERS)
    return users_visible_to(actor)


def get_user(actor: Actor, user_id: int, *, need: Right) -> User:
    """One person. Raises: Http404 (unknown, or somebody else's business), Forbidden (themselves, without the right)."""
    user = users_visible_to(actor).filter(pk=user_id).first()
    if user is None:
        raise Http404("no such person")
    actor.require(need, user)
    return user
