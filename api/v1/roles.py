"""Roles: bundles of rights. Some are always there; own ones are made for an object and what lies below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts import places
from accounts.actors import Actor
from accounts.models import Role
from accounts.permissions import BUILT_IN_ROLES, Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.administrators import get_role, roles_visible_to
from accounts.services.roles import change_role, create_role, delete_role
from api import filters
from api.listing import Listing
from api.operations import Created, Group, anyone
from api.schemas import Answer, Body, Id, Moment, left_out
from api.v1 import subjects
from api.v1.admins import Permissions

group = Group("Roles", "Bundles of rights: those that are always there, and own ones.", names={"rights": "permissions"})

Scope = Literal["server", "broker", "customer", "domain"]


class BuiltInRoleAnswer(Answer):
    """A role that is always there. `value` names it where a role is given."""

    value: str
    name: str
    description: str
    scopes: Annotated[list[str], Field(description="Where it can be given.")]
    permissions: list[Right]


class RoleAnswer(Answer):
    """A role that somebody made. `value` names it where a role is given."""

    id: int
    value: str
    name: str
    description: str
    scope: Scope
    object_id: int | None
    permissions: list[str]
    needs_second_factor: bool
    created_at: Moment


class RoleChange(Body):
    """Fields left out stay."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = left_out()
    description: Annotated[str, Field(max_length=500)] = left_out()
    permissions: Permissions = left_out()
    needs_second_factor: Annotated[bool, Field(description="Who holds it must have a second factor.")] = left_out()


class RoleAdd(RoleChange):
    """For which object, and what it gives."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Address keeper"])]
    permissions: Permissions
    scope: Scope
    object_id: Annotated[Id | None, Field(description="Not for the server.")] = None


def present(row: Role) -> RoleAnswer:
    scope: Any = row.level
    return RoleAnswer(
        id=row.pk,
        value=f"own:{row.pk}",
        name=row.name,
        description=row.description,
        scope=scope,
        object_id=row.object_id or None,
        permissions=sorted(row.rights),
        needs_second_factor=row.needs_second_factor,
        created_at=row.created_at,
    )


def _present_all(actor: Actor, rows: Sequence[Role]) -> list[RoleAnswer]:
    return [present(row) for row in rows]


ROLES = Listing(
    RoleAnswer,
    _present_all,
    sorts={"name": "name", "id": "pk"},
    default="name",
    filters={
        "name": filters.text("name", "The role's name."),
        "scope": filters.choice(
            "level", "What it is for.", {each: each for each in ("server", "broker", "customer", "domain")}
        ),
        "objectId": filters.number("object_id", "The object it is for."),
    },
)


@group.get("/roles/built-in", admit=anyone)
def role_built_in(actor: Actor) -> list[BuiltInRoleAnswer]:
    """List the roles that are always there."""
    return [
        BuiltInRoleAnswer(
            value=f"built-in:{role.key}",
            name=str(role.label),
            description=str(role.help),
            scopes=[level.value for level in Level if level in role.levels],
            permissions=[right for right in Right if right in role.rights],
        )
        for role in BUILT_IN_ROLES.values()
    ]


@group.list("/roles", ROLES)
def role_list(actor: Actor) -> QuerySet[Role]:
    """List own roles."""
    actor.require_somewhere(Right.VIEW_GRANTS)
    return roles_visible_to(actor)


@group.post("/roles", admit=subjects.somewhere(Right.MANAGE_ROLES))
def role_create(actor: Actor, body: RoleAdd) -> Created[RoleAnswer]:
    """Make a role.

    Nobody makes one that holds more than they do there.
    """
    scope = SERVER if body.scope == "server" else ScopeRef(Level(body.scope), body.object_id or 0)
    obj = subjects.named("objectId", lambda: places.get(actor, scope, Right.MANAGE_ROLES))
    more = {name: value for name, value in body.changes().items() if name in {"description", "needs_second_factor"}}
    made = create_role(actor, obj, name=body.name, rights=body.permissions, **more)
    return Created(present(made), f"/roles/{made.pk}")


def _seen(actor: Actor, role_id: int) -> Role:
    return get_role(actor, role_id)


def _managed(actor: Actor, role_id: int) -> Role:
    return get_role(actor, role_id, need=Right.MANAGE_ROLES)


@group.get("/roles/{int:roleId}", admit=_seen)
def role_detail(actor: Actor, role: Role) -> RoleAnswer:
    """Read a role."""
    return present(role)


@group.patch("/roles/{int:roleId}", admit=_managed)
def role_change(actor: Actor, role: Role, body: RoleChange) -> None:
    """Change a role.

    Its holders have what it says from then on.
    """
    names = {"permissions": "rights"}
    change_role(actor, role, {names.get(name, name): value for name, value in body.changes().items()})


@group.delete("/roles/{int:roleId}", admit=_managed)
def role_delete(actor: Actor, role: Role) -> None:
    """Delete a role that nobody holds.

    409 while somebody does.
    """
    delete_role(actor, role)
