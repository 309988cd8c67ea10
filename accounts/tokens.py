"""Who a program's token stands for. Making and revoking tokens is `services`; slowing down guesses is the door's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import ApiToken
from accounts.permissions import known_rights
from accounts.secrets import token_hash
from accounts.sessions import may_enter
from config.kit.fixed import Fixed

USED_NOTED_EVERY = timedelta(minutes=1)
_BY_HASH = Fixed(lambda digest: ApiToken.objects.select_related("user").filter(token_hash=digest), str)


def actor_for_token(value: str, *, address: str) -> Actor | None:
    """The actor behind a token's value; None when it opens nothing (unknown, expired, its person is shut out).

    When it was last used is noted at most once a minute, so that reading doesn't mean writing. `address` is where the
    request came from.
    """
    token = _BY_HASH.first(token_hash(value))
    if token is None or token.is_expired or not token.user.is_active:
        return None
    actor = Actor.for_user(token.user, address=address, via="api")
    if not may_enter(actor, "api"):
        return None
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - USED_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    rights = None if token.rights is None else known_rights(token.rights)
    return replace(actor.restricted(rights, read_only=token.read_only), token_id=token.pk)
