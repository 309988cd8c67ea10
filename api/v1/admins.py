"""Administrators, what they hold and where, own roles, and what the caller could grant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from django.db import transaction
from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field

from accounts import factors, places
from accounts.actors import Actor
from accounts.errors import BadGrant
from accounts.models import Grant, User
from accounts.permissions import BUILT_IN_ROLES, Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors import users_visible_to
from accounts.selectors.administrators import (
    get_administrator,
    get_grant,
    get_role,
    grants_visible_to,
    list_administrators,
    list_grantable,
    list_role_choices,
    role_label,
    sees_system_administrators,
)
from accounts.services.administrators import (
    NewPerson,
    create_administrator,
    delete_administrator,
    revoke_administrator,
    update_administrator,
)
from accounts.services.grants import Bundle, change_grant
from accounts.services.second_factors import remove_second_factors
from api import filters
from api.errors import Fault, Invalid, NotFound
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Address, Answer, Body, Id, Moment, left_out
from api.v1 import subjects
from api.v1.wording import LANGUAGES, AnyCaseLanguage

NAMES = {"name": "displayName", "is_active": "enabled", "rights": "permissions", "expires_at": "expiration"}
group = Group("Administrators", "Who administers what, and what they may do there.", names=NAMES)

Permissions = Annotated[list[Right], Field(max_length=len(Right), examples=[["view_domains", "manage_users"]])]
RoleValue = Annotated[
    str,
    Field(max_length=60, description="A role, as GET /roles names them.", examples=["built-in:domain_administrator"]),
]
Password = Annotated[str, Field(min_length=1, max_length=500, description="In clear text; never answered.")]
DisplayName = Annotated[str, Field(max_length=200)]


class Authority(Answer):
    """What somebody holds on one object."""

    id: Annotated[int, Field(description="The grant's id.")]
    object_type: Literal["SERVER", "BROKER", "CUSTOMER", "DOMAIN", "USER"]
    object_id: int
    object_name: str
    role: Annotated[str | None, Field(description="The role that gives them, besides single ones.")]
    permissions: list[str]
    expiration: Moment | None


class Admin(Answer):
    """An administrator; `id` is the person's. Of their authorities those that the caller may see."""

    id: int
    login: str
    display_name: str
    email: str
    enabled: bool
    language: str | None
    totp: bool
    sys_admin: bool
    authorities: list[Authority]
    authorities_count: int
    last_connection_date: Moment | None
    created_at: Moment


class AdminUpdate(Body):
    """Fields left out stay."""

    email: Address = left_out()
    display_name: DisplayName = left_out()
    password: Password = left_out()
    enabled: bool = left_out()
    totp: Annotated[
        Literal[False], Field(description="Switches second factors off, of somebody else; on needs the person.")
    ] = left_out()
    language: AnyCaseLanguage | None = None


class AdminAdd(Body):
    """Somebody who is here by `id`; else a new account with `email` (or `login`, which is the same)."""

    id: Id | None = None
    login: Address | None = None
    email: Annotated[Address | None, Field(examples=["ada@example.org"])] = None
    display_name: DisplayName | None = None
    password: Password | None = None
    enabled: bool = True
    language: AnyCaseLanguage | None = None
    permissions: Permissions
    role: RoleValue | None = None
    expiration: Moment | None = None


class PermissionAnswer(Answer):
    """A permission that the caller holds there; `editable`: and could grant."""

    name: Right
    label: str
    group: str
    editable: bool


class PermissionQuery(BaseModel):
    """Of which object."""

    model_config = ConfigDict(extra="forbid")

    scope: Annotated[Literal["server", "broker", "customer", "domain", "user"], Field(description="Its kind.")]
    id: Annotated[filters.QueryId, Field(description="Its id; not for the server.")] = None


def present(actor: Actor, rows: Sequence[User]) -> list[Admin]:
    """Administrators as this actor may see them; a few queries, however many."""
    held: dict[int, list[Grant]] = {}
    for grant in grants_visible_to(actor).filter(user__in=[row.pk for row in rows]).order_by("pk"):
        held.setdefault(grant.user_id, []).append(grant)
    names = places.labels(grant.scope for grants in held.values() for grant in grants)
    return [_present(actor, row, [_authority(grant, names) for grant in held.get(row.pk, [])]) for row in rows]


def _present(actor: Actor, row: User, authorities: list[Authority]) -> Admin:
    return Admin(
        id=row.pk,
        login=row.email,
        display_name=row.display_name,
        email=row.email,
        enabled=row.is_active,
        language=row.language.upper() or None,
        totp=factors.has_second_factor(row),
        sys_admin=row.is_administrator and (actor.owns(row) or sees_system_administrators(actor)),
        authorities=authorities,
        authorities_count=len(authorities),
        last_connection_date=row.last_login,
        created_at=row.created_at,
    )


def _authority(grant: Grant, names: dict[ScopeRef, str]) -> Authority:
    kind: Any = grant.level.upper()
    return Authority(
        id=grant.pk,
        object_type=kind,
        object_id=grant.object_id,
        object_name=names.get(grant.scope, grant.object_label),
        role=str(role_label(grant)) or None,
        permissions=sorted(grant.all_rights()),
        expiration=grant.expires_at,
    )


def _search(rows: filters.Rows, value: str) -> filters.Rows:
    for word in value.split()[:10]:
        named = filters.wildcard("email", f"*{word}*", canonical=True) | filters.wildcard(
            "name", f"*{word}*", canonical=False
        )
        rows = rows.filter(named)
    return rows


ADMINS = Listing(
    Admin,
    present,
    sorts={"login": "email", "id": "pk"},
    default="login",
    filters={
        "search": filters.text_by(_search, "Words in login and display name."),
        "enabled": filters.flag("is_active", "May sign in."),
    },
)


def get_administrator_by_id(actor: Actor, admin_id: int) -> User:
    """`admit` of what is about one administrator."""
    return get_administrator(actor, admin_id)


# --- everywhere -------------------------------------------------------------------------------------------------------


@group.list("/security/admins", ADMINS)
def admin_list(actor: Actor) -> QuerySet[User]:
    """List the administrators one may see.

    Those who hold something where the caller may see rights.
    """
    return list_administrators(actor)


@group.get("/security/admins/{int:adminId}", admit=get_administrator_by_id)
def admin_detail(actor: Actor, user: User) -> Admin:
    """Read an administrator with what they hold."""
    return present(actor, [user])[0]


def _managed(actor: Actor, admin_id: int) -> User:
    found = get_administrator(actor, admin_id)
    actor.require_over(Right.MANAGE_USERS, found)
    return found


@group.patch("/security/admins/{int:adminId}", admit=_managed)
def admin_change(actor: Actor, user: User, body: AdminUpdate) -> None:
    """Change an administrator's account."""
    names = {"display_name": "name", "enabled": "is_active"}
    given = {names.get(name, name): value for name, value in body.changes().items() if name != "totp"}
    if "language" in given:
        given["language"] = LANGUAGES.get(body.language or "", "")
    with transaction.atomic():
        update_administrator(actor, user, given)
        if "totp" in body.model_fields_set:
            remove_second_factors(actor, user)


@group.delete("/security/admins/{int:adminId}", admit=get_administrator_by_id)
def admin_delete(actor: Actor, user: User) -> None:
    """Delete an administrator account and all its accesses.

    The account stays where something else ties it to this server, such as a mailbox.
    """
    delete_administrator(actor, user)


@group.get("/security/permissions", admit=subjects.somewhere(Right.VIEW_GRANTS))
def permission_list(actor: Actor, query: PermissionQuery) -> list[PermissionAnswer]:
    """List the permissions that can be given on an object.

    Limited to what the caller holds there.
    """
    return [
        PermissionAnswer(name=each.right, label=str(each.label), group=str(each.group), editable=each.editable)
        for each in list_grantable(actor, _object(actor, query))
    ]


_SEEN = {
    Level.SERVER: Right.VIEW_GRANTS,
    Level.BROKER: Right.VIEW_GRANTS,
    Level.CUSTOMER: Right.VIEW_CUSTOMERS,
    Level.DOMAIN: Right.VIEW_DOMAINS,
}


def _object(actor: Actor, query: PermissionQuery) -> object:
    """The object that the query names. Raises: Http404, Forbidden, Invalid."""
    if query.scope == "server":
        return places.get(actor, SERVER, Right.VIEW_GRANTS)
    if query.id is None:
        text = "Say which one."
        raise Invalid(f"id: {text}", faults=[Fault("id", text)])
    if query.scope == "user":
        person = subjects.mailbox()(actor, query.id).user
        if person is None:
            raise NotFound()
        return person
    level = Level(query.scope)
    return places.get(actor, ScopeRef(level, query.id), _SEEN[level])


# --- of one domain or customer ----------------------------------------------------------------------------------------


def _bundle(actor: Actor, obj: object, permissions: list[Right], role: str | None) -> Bundle:
    """What is given. Raises: BadGrant (a role that isn't one of those for this object)."""
    rights = frozenset(permissions)
    if role is None:
        return Bundle(rights=rights)
    if role not in {choice.value for choice in list_role_choices(actor, obj)}:
        raise BadGrant("There is no such role here.", field="role")
    kind, _colon, key = role.partition(":")
    if kind == "built-in":
        return Bundle(role_key=BUILT_IN_ROLES[key].key, rights=rights)
    return Bundle(role=get_role(actor, int(key)), rights=rights)


def _person(actor: Actor, key: int) -> User:
    """Somebody who is here: one of the caller's people, or an administrator they see. Raises: Http404."""
    found = users_visible_to(actor).filter(pk=key).first()
    return get_administrator(actor, key) if found is None else found


def _who(actor: Actor, body: AdminAdd) -> User | NewPerson:
    if body.id is not None:
        key = body.id
        return subjects.named("id", lambda: _person(actor, key))
    email = body.email or body.login
    if email is None or (body.email and body.login and body.email.lower() != body.login.lower()):
        text = "Needed, and the same as the login where both are given: people sign in with their address."
        raise Invalid(f"email: {text}", faults=[Fault("email", text)])
    language = LANGUAGES.get(body.language or "", "")
    return NewPerson(email, body.display_name or "", language, body.password, body.enabled)


def _declare(what: str, path: str, level: Level, admit: Callable[[Right], Callable[..., Any]]) -> None:
    """The administrators of one kind of object."""
    key = f"{what}_id"

    def seen(actor: Actor, admin_id: int, **named: int) -> tuple[Any, User]:
        obj = admit(Right.VIEW_GRANTS)(actor, named[key])
        return obj, get_administrator(actor, admin_id, scope=ScopeRef(level, obj.pk))

    def granting(actor: Actor, admin_id: int, **named: int) -> tuple[Any, User]:
        found = seen(actor, admin_id, **named)
        if not actor.owns(found[1]):
            actor.require(Right.GRANT_RIGHTS, found[0])
        return found

    def listed(actor: Actor, **named: int) -> QuerySet[User]:
        obj = admit(Right.VIEW_GRANTS)(actor, named[key])
        return list_administrators(actor, scope=ScopeRef(level, obj.pk))

    def added(actor: Actor, obj: Any, body: AdminAdd) -> Created[Admin]:
        bundle = _bundle(actor, obj, body.permissions, body.role)
        grant = create_administrator(actor, obj, _who(actor, body), bundle, expires_at=body.expiration)
        return Created(present(actor, [grant.user])[0], f"/{what}s/{obj.pk}/admins/{grant.user_id}")

    def detail(actor: Actor, found: tuple[Any, User]) -> Admin:
        return present(actor, [found[1]])[0]

    def authorised(actor: Actor, found: tuple[Any, User], body: Permissions) -> Admin:
        obj, user = found
        grant = get_grant(actor, Grant.objects.get(user=user, level=level, object_id=obj.pk).pk)
        change_grant(actor, grant, Bundle(rights=frozenset(body)), expires_at=grant.expires_at)
        return present(actor, [user])[0]

    def revoked(actor: Actor, found: tuple[Any, User]) -> None:
        revoke_administrator(actor, found[1], found[0])

    listed.__doc__ = f"List the administrators of a {what}."
    added.__doc__ = (
        f"Let somebody administer a {what}.\n\nFor an existing account give its `id`; else a new account is made, or "
        "the one of that address taken as it is. Nobody gives what they don't hold there themselves."
    )
    detail.__doc__ = f"Read an administrator of a {what}."
    authorised.__doc__ = f"Set an administrator's permissions on a {what}.\n\nExactly these, in the place of a role."
    revoked.__doc__ = (
        f"Revoke an administrator's access to a {what}.\n\n"
        "An account that is left without any access, and has no mailbox, is deleted."
    )
    for function, verb in (
        (listed, "admins"), (added, "admin_add"), (detail, "admin_detail"), (authorised, "admin_authorities"),
        (revoked, "admin_revoke"),
    ):  # fmt: skip
        function.__name__ = f"{what}_{verb}"
    everything, one = f"{path}/admins", f"{path}/admins/{{int:adminId}}"
    group.list(everything, ADMINS)(listed)
    group.post(everything, admit=admit(Right.GRANT_RIGHTS))(added)
    group.get(one, admit=seen)(detail)
    group.put(f"{one}/authorities", admit=granting)(authorised)
    group.delete(one, admit=granting)(revoked)


_declare("domain", "/domains/{int:domainId}", Level.DOMAIN, subjects.domain)
_declare("customer", "/customers/{int:customerId}", Level.CUSTOMER, subjects.customer)
