"""What groups of a source give, and whom a source is no longer bound to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import Http404
from django.utils.translation import gettext as _
from pydantic import Field

from accounts import places
from accounts.actors import Actor
from accounts.errors import BadGrant
from accounts.models import GroupRole, Identity, Role, Source, User
from accounts.permissions import BUILT_IN_ROLES, Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.sources import get_source, identities_of
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role, remove_group_role
from accounts.services.sources import release_identity, require_managing
from api.operations import Created
from api.schemas import Answer, Body, Id, Moment
from api.v1 import subjects
from api.v1.sources import group as group  # these are more of its operations

RoleName: Any = Literal.__getitem__(tuple(BUILT_IN_ROLES))


class GroupAnswer(Answer):
    """Whoever is in this group holds this role on this place. role: a built-in one, else roleId says which."""

    id: int
    group: str
    role: str | None
    role_id: int | None
    scope: str
    object_id: int | None
    place: str


class SourceIdentityAnswer(Answer):
    """Who somebody is at a source. groupsUnknown: why it didn't say all their groups when they signed in last, so that
    their roles stay as they were: "too many", "elsewhere", "away".
    """

    source_id: int
    source: str
    since: Moment
    last_used: Moment | None
    groups_unknown: str | None


class GroupAdd(Body):
    """A built-in role or one of your own, on a place that lies in the source's."""

    group: Annotated[str, Field(min_length=1, max_length=500, examples=["cn=helpers,ou=groups,dc=example,dc=org"])]
    role: RoleName | None = None
    role_id: Id | None = None
    scope: Literal["server", "customer", "domain"]
    object_id: Annotated[Id | None, Field(description="Not for the server.")] = None


def present(row: GroupRole) -> GroupAnswer:
    return GroupAnswer(
        id=row.pk,
        group=row.group,
        role=row.role_key or None,
        role_id=row.role_id,
        scope=row.level,
        object_id=row.object_id or None,
        place=row.object_label,
    )


def _seen(actor: Actor, source_id: int) -> Source:
    return get_source(actor, source_id)


def _managed(actor: Actor, source_id: int) -> Source:
    source = get_source(actor, source_id)
    require_managing(actor, source)
    return source


def _row(actor: Actor, source_id: int, row_id: int) -> GroupRole:
    row = _managed(actor, source_id).group_roles.filter(pk=row_id).select_related("source", "role").first()
    if row is None:
        raise Http404("no such group")
    return row


def _person(actor: Actor, user_id: int) -> User:
    mailbox = subjects.mailbox(Right.SET_PASSWORDS)(actor, user_id)
    assert mailbox.user is not None
    actor.require_over(Right.SET_PASSWORDS, mailbox.user)
    return mailbox.user


def _bound(actor: Actor, user_id: int, source_id: int) -> Identity:
    mailbox = subjects.mailbox(Right.SET_PASSWORDS)(actor, user_id)
    source = _managed(actor, source_id)
    row = Identity.objects.filter(source=source, user=mailbox.user).select_related("source", "user").first()
    if row is None:
        raise Http404("not bound to this source")
    return row


@group.get("/sources/{int:sourceId}/groups", admit=_seen)
def source_groups(actor: Actor, source: Source) -> list[GroupAnswer]:
    """List which groups give which roles."""
    return [present(row) for row in source.group_roles.select_related("role")]


@group.post("/sources/{int:sourceId}/groups", admit=_managed)
def source_group_add(actor: Actor, source: Source, body: GroupAdd) -> Created[GroupAnswer]:
    """Let a group give a role.

    From the next sign-in or synchronisation on; nothing beyond what you hold yourself.
    """
    if (body.role is None) == (body.role_id is None):
        raise BadGrant(_("A group gets a role."), field="role")
    own = None if body.role_id is None else Role.objects.filter(pk=body.role_id).first()
    if body.role_id is not None and own is None:
        raise BadGrant(_("There is no such role."), field="role")
    scope = SERVER if body.scope == "server" else ScopeRef(Level(body.scope), body.object_id or 0)
    obj = subjects.named("objectId", lambda: places.get(actor, scope, Right.GRANT_RIGHTS))
    row = add_group_role(actor, source, group=body.group, bundle=Bundle(body.role or "", own), obj=obj)
    return Created(present(row), f"/sources/{source.pk}/groups")


@group.delete("/sources/{int:sourceId}/groups/{int:rowId}", admit=_row)
def source_group_remove(actor: Actor, row: GroupRole) -> None:
    """Let a group give a role no more.

    Who has it by the group loses it at once.
    """
    remove_group_role(actor, row)


@group.get("/users/{int:userId}/identities", admit=_person)
def identity_list(actor: Actor, person: User) -> list[SourceIdentityAnswer]:
    """List by which sources somebody comes in."""
    return [
        SourceIdentityAnswer(
            source_id=row.source_id,
            source=row.source.name,
            since=row.created_at,
            last_used=row.used_at,
            groups_unknown=row.groups_lack or None,
        )
        for row in identities_of(actor, person)
    ]


@group.delete("/users/{int:userId}/identities/{int:sourceId}", admit=_bound)
def identity_release(actor: Actor, bound: Identity) -> None:
    """Release somebody from who they were at a source.

    Whoever proves there to have their address may come in as them; whoever is in by it is signed out.
    """
    release_identity(actor, bound.source, bound.user)
