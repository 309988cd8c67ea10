"""Writes of own roles: bundles of rights that somebody made for a scope and what lies below it.

A role changes what its holders may do, so whoever makes, changes or deletes one must hold everything it has and had on
its scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit, places, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, NameTaken, RoleInUse
from accounts.models import Grant, GroupRole, Role
from accounts.permissions import BUILT_IN_ROLES, RIGHTS, Right, known_rights, rights_at
from accounts.scopes import ScopeRef
from accounts.services.grants import Bundle, require_holding
from accounts.services.sessions import drop_sessions
from config.kit.versions import change

HOLDERS_NAMED = 10


def create_role(
    actor: Actor,
    obj: object,
    *,
    name: str,
    rights: Iterable[str],
    description: str = "",
    needs_second_factor: bool = False,
) -> Role:
    """A new role for a scope's object. needs_second_factor: who holds it must have one (`accounts.enforcement`).

    Raises: Forbidden, ProofNeeded, BadGrant, NameTaken.
    """
    _require(actor, obj)
    scope = places.scope_of(obj)
    wanted = Bundle.of_rights(rights).rights
    require_holding(actor, wanted, obj)
    proving.require_recent(actor)
    name, description = _checked(name, description, wanted, scope)
    try:
        with transaction.atomic():
            role = Role.objects.create(
                name=name,
                description=description,
                rights=sorted(wanted),
                level=scope.level,
                object_id=scope.id,
                needs_second_factor=needs_second_factor,
            )
            audit.record(
                actor, "role.create", role, rights=sorted(wanted), needs_second_factor=needs_second_factor or None
            )
    except IntegrityError as error:
        raise _taken(name) from error
    return role


def change_role(actor: Actor, role: Role, changes: Mapping[str, Any], *, expected: int | None = None) -> Role:
    """Change name, description, rights, or whether who holds it needs a second factor, from then on.

    Raises: Forbidden, ProofNeeded, BadGrant, NameTaken, ChangedMeanwhile.
    """
    _require(actor, role.scope)
    require_holding(actor, known_rights(role.rights), role.scope)
    wanted = Bundle.of_rights(changes.get("rights", role.rights)).rights
    require_holding(actor, wanted, role.scope)
    proving.require_recent(actor)
    name, description = _checked(
        changes.get("name", role.name), changes.get("description", role.description), wanted, role.scope
    )
    values = {
        "name": name,
        "description": description,
        "rights": sorted(wanted),
        "needs_second_factor": bool(changes.get("needs_second_factor", role.needs_second_factor)),
    }
    try:
        with transaction.atomic():
            found = Role.objects.select_for_update().get(pk=role.pk)
            require_holding(actor, known_rights(found.rights), role.scope)
            done = change(role, values, expected=expected)
            if known_rights(found.rights) - wanted:
                holders = Grant.objects.filter(role=role).values_list("user", flat=True)
                drop_sessions(list(holders), keep=actor.session_id)
            if done:
                audit.record(actor, "role.change", role, changes=done)
    except IntegrityError as error:
        raise _taken(name) from error
    return role


def delete_role(actor: Actor, role: Role) -> None:
    """Delete a role nobody holds. Raises: RoleInUse, Forbidden, ProofNeeded."""
    _require(actor, role.scope)
    require_holding(actor, known_rights(role.rights), role.scope)
    proving.require_recent(actor)
    with transaction.atomic():
        Role.objects.select_for_update().get(pk=role.pk)
        held = Grant.objects.filter(role=role).select_related("user")
        holders = [grant.user.email for grant in held[:HOLDERS_NAMED]]
        if holders:
            text = _("People hold this role; give them another one first: %(people)s.")
            raise RoleInUse(text % {"people": ", ".join(holders)}, holders)
        groups = [str(row) for row in GroupRole.objects.filter(role=role)[:HOLDERS_NAMED]]
        if groups:
            raise RoleInUse(_("Groups of a source give it: %(groups)s.") % {"groups": ", ".join(groups)}, groups)
        audit.record(actor, "role.delete", role, rights=role.rights)
        role.delete()


def _require(actor: Actor, obj: object) -> None:
    actor.require_writing()
    if actor.acting is not None:
        raise Forbidden("no rights are changed while acting as somebody")
    actor.require(Right.MANAGE_ROLES, obj)


def _checked(name: str, description: str, rights: frozenset[Right], scope: ScopeRef) -> tuple[str, str]:
    """Raises: BadGrant."""
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > 100:
        raise BadGrant(_("A role has a name of at most 100 characters."), field="name")
    if name.casefold() in {str(role.label).casefold() for role in BUILT_IN_ROLES.values()}:
        raise BadGrant(_("A role that is always there has this name."), field="name")
    description = description.replace("\0", "").strip()
    if len(description) > 500:
        raise BadGrant(_("The description may have 500 characters at most."), field="description")
    lost = rights - rights_at(scope.level)
    if lost:
        names = ", ".join(str(RIGHTS[right].label) for right in sorted(lost))
        raise BadGrant(_("Can't be given here: %(rights)s.") % {"rights": names}, field="rights")
    if not rights:
        raise BadGrant(_("Choose at least one right."), field="rights")
    return name, description


def _taken(name: str) -> NameTaken:
    return NameTaken(_("There is a role “%(name)s” here already.") % {"name": name})
