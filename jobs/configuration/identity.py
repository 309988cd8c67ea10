"""The parts of the configuration that are of sources of identity: themselves, what places chose, what groups give.

Whoever imports one configures it: with their fresh proof, their rights and their name, as if they had typed it. Its
secret is sealed or left out like every other. Whom a source knows, and who is bound to it, are people: not in the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import places
from accounts.actors import Actor
from accounts.models import GroupRole, Role, Source, SourceChoice
from accounts.permissions import Right
from accounts.scopes import SERVER, ScopeRef
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role, remove_group_role
from accounts.services.sources import SWITCHES, choose_source, create_source, delete_source, update_source
from jobs.configuration.parts import (
    Need,
    Objects,
    Part,
    Values,
    needed_place,
    needed_place_of,
    register,
    scope_keys,
    scope_of_key,
    secret,
    split_key,
)
from jobs.errors import BadValue

SOURCES, ROLES = "sources", "roles"


def register_parts() -> None:
    register(
        Part(SOURCES, gettext_lazy("Sign-in sources"), 44, _sources, _save_source, _remove_source, needs=_place_of),
        Part("source_groups", gettext_lazy("Groups that give roles"), 45, _groups, _save_groups, _remove_groups,
             needs=_needs_of_groups),
        Part("source_choices", gettext_lazy("Chosen sign-in sources"), 46, _choices, _save_choice, _remove_choice,
             needs=_needs_of_choice),
    )  # fmt: skip


# --- sources ---------------------------------------------------------------------------------------------------------


def _keys() -> dict[int, str]:
    """What each source is called in the file, by its number; of places that are there."""
    rows = list(Source.objects.all())
    keys = scope_keys({row.scope for row in rows})
    return {row.pk: f"{keys[row.scope]}/{row.name}" for row in rows if row.scope in keys}


def _sources() -> Objects:
    keys = _keys()
    return {keys[row.pk]: _source_values(row) for row in Source.objects.filter(pk__in=keys)}


def _source_values(row: Source) -> Values:
    values: Values = {"kind": row.kind, "settings": dict(row.settings)}
    values |= {name: getattr(row, name) for name in SWITCHES}
    if kept := secret(row.secret):
        values["secret"] = kept
    return values


def _source(key: str) -> Source | None:
    scope, name = split_key(key)
    return Source.objects.filter(level=scope.level, object_id=scope.id, name=name).first()


def _that_source(key: str) -> Source:
    """Raises: BadValue."""
    found = _source(key)
    if found is None:
        raise BadValue(_("There is no source “%(name)s” here.") % {"name": key[:200]}, field="configuration")
    return found


def _save_source(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    scope, name = split_key(key)
    kind = values.get("kind")
    given = {field: value for field, value in values.items() if field != "kind"}
    row = _source(key)
    if row is None:
        settings = given.pop("settings", {})
        create_source(actor, _object(actor, scope), kind=str(kind), name=name, settings=settings, **given)
    elif kind not in (None, row.kind):
        raise BadValue(_("It is of another kind here; delete it first."), field="configuration")
    else:
        update_source(actor, row, given)


def _remove_source(actor: Actor, key: str) -> None:
    delete_source(actor, _that_source(key))


def _place_of(key: str, values: Values) -> Iterable[Need]:
    return needed_place_of(key)


def _object(actor: Actor, scope: ScopeRef, right: Right = Right.MANAGE_SOURCES) -> Any:
    return SERVER if scope == SERVER else places.get(actor, scope, right)


# --- what groups give: one object for each source --------------------------------------------------------------------


def _groups() -> Objects:
    rows = list(GroupRole.objects.select_related("role", "source"))
    sources = _keys()
    keys = scope_keys({row.scope for row in rows} | {row.role.scope for row in rows if row.role})
    found: Objects = {}
    for row in rows:
        if row.source_id in sources and row.scope in keys and (row.role is None or row.role.scope in keys):
            line = {"group": row.group, "role": _role_key(row, keys), "place": keys[row.scope]}
            found.setdefault(sources[row.source_id], {"groups": []})["groups"].append(line)
    for values in found.values():
        values["groups"].sort(key=_in_order)
    return found


def _role_key(row: GroupRole, keys: dict[ScopeRef, str]) -> str:
    """A built-in role by its name, one of one's own as the part of roles calls it: with a slash in it."""
    return row.role_key if row.role is None else f"{keys[row.role.scope]}/{row.role.name}"


def _in_order(line: dict[str, str]) -> tuple[str, str, str]:
    return line["group"], line["place"], line["role"]


def _save_groups(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    source = _that_source(key)
    wanted = {(str(each["group"]), str(each["role"]), str(each["place"])) for each in values["groups"]}
    now = {(each["group"], each["role"], each["place"]) for each in (present or {"groups": []})["groups"]}
    for group, role, place in sorted(now - wanted):
        remove_group_role(actor, _row(source, group, role, place))
    for group, role, place in sorted(wanted - now):
        scope = _scope(place)
        obj = _object(actor, scope, Right.GRANT_RIGHTS)
        add_group_role(actor, source, group=group, bundle=_bundle(role), obj=obj)


def _remove_groups(actor: Actor, key: str) -> None:
    for row in _that_source(key).group_roles.select_related("source", "role"):
        remove_group_role(actor, row)


def _row(source: Source, group: str, role: str, place: str) -> GroupRole:
    scope, bundle = _scope(place), _bundle(role)
    rows = source.group_roles.filter(group=group, level=scope.level, object_id=scope.id)
    return rows.select_related("source", "role").get(role_key=bundle.role_key, role=bundle.role)


def _bundle(key: str) -> Bundle:
    """Raises: BadValue."""
    if "/" not in key:
        return Bundle(role_key=key)
    scope, name = split_key(key)
    role = Role.objects.filter(level=scope.level, object_id=scope.id, name=name).first()
    if role is None:
        raise BadValue(_("There is no role “%(name)s” here.") % {"name": key[:200]}, field="configuration")
    return Bundle(role=role)


def _scope(place: str) -> ScopeRef:
    """Raises: BadValue."""
    found = scope_of_key(place)
    if found is None:
        raise BadValue(_("“%(name)s” isn't here.") % {"name": place[:200]}, field="configuration")
    return found


def _needs_of_groups(key: str, values: Values) -> Iterable[Need]:
    yield Need(SOURCES, key)
    for each in values.get("groups", ()):
        yield from needed_place(str(each.get("place", "")))
        if "/" in str(each.get("role", "")):
            yield Need(ROLES, str(each["role"]))


# --- what places chose -----------------------------------------------------------------------------------------------


def _choices() -> Objects:
    rows = list(SourceChoice.objects.all())
    sources, keys = _keys(), scope_keys({row.scope for row in rows})
    return {
        keys[row.scope]: {"source": None if row.source_id is None else sources[row.source_id]}
        for row in rows
        if row.scope in keys and (row.source_id is None or row.source_id in sources)
    }


def _save_choice(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    wanted = values["source"]
    source = None if wanted is None else _that_source(str(wanted))
    choose_source(actor, _object(actor, _scope(key)), source)


def _remove_choice(actor: Actor, key: str) -> None:
    choose_source(actor, _object(actor, _scope(key)), None, inherit=True)


def _needs_of_choice(key: str, values: Values) -> Iterable[Need]:
    yield from needed_place(key)
    if values.get("source") is not None:
        yield Need(SOURCES, str(values["source"]))
