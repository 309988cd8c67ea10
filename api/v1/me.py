"""Who a token stands for."""

from __future__ import annotations

from accounts import holdings
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.selectors import own_token
from api.operations import Group, anyone
from api.schemas import Answer, Moment

group = Group("Me", "Who the token stands for, and what it may do.")


class Holding(Answer):
    """Rights on one scope."""

    scope: str
    id: int
    rights: list[str]


class TokenFacts(Answer):
    """The token itself, and what it narrows."""

    id: int
    name: str
    read_only: bool
    rights: list[str] | None
    created_at: Moment
    expiration: Moment | None


class Me(Answer):
    """The person and the token that ask."""

    id: int
    email: str
    display_name: str
    sys_admin: bool
    rights: list[str]
    holdings: list[Holding]
    token: TokenFacts | None


@group.get("/me", admit=anyone)
def me(actor: Actor) -> Me:
    """Who am I?

    The person behind the token, the rights they hold on at least one object as far as the token lets them, on which
    scopes (a system administrator: the server), and the token itself with its expiry. `rights` of the token is null
    where it may do all that its person may.
    """
    assert actor.user is not None
    user, token = actor.user, own_token(actor)
    held = holdings.of(user)
    return Me(
        id=user.pk,
        email=user.email,
        display_name=user.display_name,
        sys_admin=user.is_administrator,
        rights=sorted(right.value for right in Right if actor.has_somewhere(right)),
        holdings=[Holding(scope=each.scope.level.value, id=each.scope.id, rights=sorted(each.rights)) for each in held],
        token=None
        if token is None
        else TokenFacts(
            id=token.pk,
            name=token.name,
            read_only=token.read_only,
            rights=None if token.rights is None else sorted(token.rights),
            created_at=token.created_at,
            expiration=token.expires_at,
        ),
    )
