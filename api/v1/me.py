"""Who a token stands for."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Group, anyone
from api.schemas import Answer

group = Group("Me", "Who the token stands for, and what it may do.")


class Me(Answer):
    """The person and the token that ask."""

    id: int
    email: str
    display_name: str
    is_administrator: bool
    rights: list[str]


@group.get("/me", admit=anyone)
def me(actor: Actor) -> Me:
    """Who am I?

    The person behind the token, their rights, and what the token itself narrows.
    """
    assert actor.user is not None
    return Me(
        id=actor.user.pk,
        email=actor.user.email,
        display_name=actor.user.display_name,
        is_administrator=actor.is_administrator,
        rights=[right.value for right in Right if actor.has(right)],
    )
