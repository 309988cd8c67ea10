"""The commands about sources of identity: which group gives which role, and whom a source lets go.

A source is named by its number, as pages and the API show it; a place as in the configuration file ("server",
"customer:Name", "domain:example.org"). Each is one service of `accounts`. Names are ours: no archive program has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import places, selectors
from accounts.actors import Actor
from accounts.models import GroupRole, Role, Source
from accounts.permissions import BUILT_IN_ROLES, SYSTEM_ADMINISTRATOR, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.sources import get_source
from accounts.services import find_user
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role, remove_group_role
from accounts.services.sources import release_identity
from jobs.commands import About, command
from jobs.configuration.parts import scope_keys, scope_of_key
from jobs.errors import BadArguments
from jobs.running import TaskRun

Result = dict[str, object]

_SOURCE = About(gettext_lazy("Source"), gettext_lazy("Its number."))


@dataclass(frozen=True, slots=True)
class SourceArguments:
    """Which source."""

    source: Annotated[int, _SOURCE]


@dataclass(frozen=True, slots=True)
class GroupRoleArguments:
    """A group of the source, the role it gives, and where. place: left out, the source's own."""

    source: Annotated[int, _SOURCE]
    group: Annotated[str, About(gettext_lazy("Group"))]
    role: Annotated[
        str,
        About(gettext_lazy("Role"), gettext_lazy("The key of a built-in one, or the name of one of your own there.")),
    ]
    place: Annotated[
        str, About(gettext_lazy("Where"), gettext_lazy("server, customer:Name or domain:example.org."))
    ] = ""


@dataclass(frozen=True, slots=True)
class ReleaseArguments:
    """Whom, from which source."""

    source: Annotated[int, _SOURCE]
    user_name: Annotated[str, About(gettext_lazy("User"), gettext_lazy("An address."))]


@command(
    "GetGroupRoles",
    needs=Right.MANAGE_SOURCES,
    arguments=SourceArguments,
    label=gettext_lazy("List of groups that give roles"),
)
def get_group_roles(actor: Actor, run: TaskRun, arguments: SourceArguments) -> Result:
    """List which groups of a source give which roles, and where."""
    rows = list(get_source(actor, arguments.source).group_roles.select_related("role"))
    keys = scope_keys({row.scope for row in rows})
    return {"groups": [_shown(row, keys) for row in rows]}


@command(
    "AddGroupRole",
    needs=Right.MANAGE_SOURCES,
    arguments=GroupRoleArguments,
    label=gettext_lazy("New group that gives a role"),
    needs_proof=True,
)
def add_role_of_group(actor: Actor, run: TaskRun, arguments: GroupRoleArguments) -> Result:
    """Let a group give a role from the next sign-in or synchronisation on; again changes nothing."""
    source = get_source(actor, arguments.source)
    scope, bundle = _given(actor, source, arguments)
    row = _found(source, arguments.group, scope, bundle)
    if row is None:
        obj = SERVER if scope == SERVER else places.get(actor, scope, Right.GRANT_RIGHTS)
        row = add_group_role(actor, source, group=arguments.group, bundle=bundle, obj=obj)
    return _shown(row, scope_keys({scope}))


@command(
    "RemoveGroupRole",
    needs=Right.MANAGE_SOURCES,
    arguments=GroupRoleArguments,
    label=gettext_lazy("Removal of a group that gives a role"),
    needs_proof=True,
)
def remove_role_of_group(actor: Actor, run: TaskRun, arguments: GroupRoleArguments) -> Result:
    """Let a group give a role no more: who has it by the group loses it at once."""
    source = get_source(actor, arguments.source)
    row = _found(source, arguments.group, *_given(actor, source, arguments))
    if row is not None:
        remove_group_role(actor, row)
    return {"removed": int(row is not None)}


@command(
    "ReleaseIdentity",
    needs=Right.SET_PASSWORDS,
    arguments=ReleaseArguments,
    label=gettext_lazy("Unbinding from a source"),
    needs_proof=True,
)
def release_identity_of_user(actor: Actor, run: TaskRun, arguments: ReleaseArguments) -> Result:
    """Unbind somebody from who they were at a source: whoever proves to have their address there may come in."""
    source = get_source(actor, arguments.source)
    user = selectors.get_user(actor, find_user(arguments.user_name).pk, need=Right.SET_PASSWORDS)
    return {"user": user.email, "released": int(release_identity(actor, source, user))}


def _given(actor: Actor, source: Source, arguments: GroupRoleArguments) -> tuple[ScopeRef, Bundle]:
    """Raises: BadArguments."""
    scope = scope_of_key(arguments.place) if arguments.place else source.scope
    if scope is None or not actor.has(Right.GRANT_RIGHTS, scope):
        raise BadArguments(_("There is nothing of this name where you may give rights."), field="place")
    if arguments.role in BUILT_IN_ROLES and arguments.role != SYSTEM_ADMINISTRATOR:
        return scope, Bundle(role_key=arguments.role)
    around = Q(pk__in=[])
    for each in places.chain(scope):
        around |= Q(level=each.level, object_id=each.id)
    own = list(Role.objects.filter(around, name=arguments.role)[:2])
    if len(own) != 1:
        said = ", ".join(sorted(set(BUILT_IN_ROLES) - {SYSTEM_ADMINISTRATOR}))
        text = _("There is no such role there. Built in are: %(roles)s.")
        raise BadArguments(text % {"roles": said}, field="role")
    return scope, Bundle(role=own[0])


def _found(source: Source, group: str, scope: ScopeRef, bundle: Bundle) -> GroupRole | None:
    rows = source.group_roles.filter(group=group.strip(), level=scope.level, object_id=scope.id)
    return rows.filter(role_key=bundle.role_key, role=bundle.role).select_related("source", "role").first()


def _shown(row: GroupRole, keys: dict[ScopeRef, str]) -> Result:
    return {"group": row.group, "role": row.role_key or str(row.role), "place": keys.get(row.scope, row.object_label)}
