"""Writes of access tokens: what programs sign in with in a person's place."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.models import ApiToken, User
from accounts.permissions import Right
from accounts.secrets import new_token, token_hash


def create_token(actor: Actor, user: User, *, name: str) -> str:
    """A token for a program that acts as `user`; the value is returned here and never again.

    Everybody may make their own. Raises: Forbidden.
    """
    actor.require_in_person()
    if not actor.owns(user):
        actor.require_over(Right.MANAGE_USERS, user)
    value = "pk_" + new_token()
    with transaction.atomic():
        ApiToken.objects.create(user=user, name=name[:100], token_hash=token_hash(value))
        audit.record(actor, "token.create", user, name=name)
    return value
