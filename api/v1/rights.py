"""What somebody may do and why: every right, and everything it comes from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from accounts.selectors.administrators import explain_rights
from api.operations import Group
from api.schemas import Answer, Moment
from api.v1.admins import get_administrator_by_id

group = Group("Rights", "What somebody may do, and where each right comes from.")


class RightSource(Answer):
    """Where a right comes from."""

    object_type: str
    object_name: str
    role: Annotated[str | None, Field(description="Null where it was given singly.")]
    expiration: Moment | None


class ExplainedRight(Answer):
    """A right somebody holds, and everything it comes from."""

    name: Right
    label: str
    sources: list[RightSource]


def _explained(actor: Actor, user: User) -> list[ExplainedRight]:
    return [
        ExplainedRight(
            name=each.right,
            label=str(each.label),
            sources=[
                RightSource(
                    object_type=source.level.upper(),
                    object_name=source.place,
                    role=str(source.role) or None,
                    expiration=source.expires_at,
                )
                for source in each.sources
            ],
        )
        for each in explain_rights(actor, user)
    ]


@group.get("/security/admins/{int:adminId}/rights", admit=get_administrator_by_id)
def admin_rights(actor: Actor, user: User) -> list[ExplainedRight]:
    """What may an administrator do, and where does each right come from?"""
    return _explained(actor, user)


def _oneself(actor: Actor) -> User:
    assert actor.user is not None
    return actor.user


@group.get("/me/rights", admit=_oneself)
def own_rights(actor: Actor, user: User) -> list[ExplainedRight]:
    """What may I do, and where does each right come from?

    All that the person holds, whatever the token lets through.
    """
    return _explained(actor, user)
