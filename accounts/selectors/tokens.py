"""Reads of access tokens: one's own, and those of people whose account one manages."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.models import ApiToken, User
from accounts.services.tokens import require_over_tokens


def own_token(actor: Actor) -> ApiToken | None:
    """The token this actor came with."""
    return None if actor.token_id is None else ApiToken.objects.filter(pk=actor.token_id).first()


def list_tokens(actor: Actor, user: User | None = None) -> QuerySet[ApiToken]:
    """Somebody's tokens, the actor's own without a person; the newest first. Raises: Forbidden."""
    whose = user if user is not None else actor.user
    if whose is None or actor.acting is not None:
        return ApiToken.objects.none()
    if not actor.owns(whose):
        require_over_tokens(actor, whose)
    return ApiToken.objects.filter(user=whose)


def get_token(actor: Actor, user: User, token_id: int) -> ApiToken:
    """One of somebody's tokens. Raises: Http404, Forbidden."""
    found = list_tokens(actor, user).filter(pk=token_id).select_related("user").first()
    if found is None:
        raise Http404("no such token")
    return found
