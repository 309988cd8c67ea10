"""Privileges: what somebody may do with their own things, by which doors they come in, what their password is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db import transaction
from pydantic import Field

from accounts import holdings, privileges
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import EndUserRight, Right
from accounts.selectors import get_user
from accounts.services import privileges as services
from api.operations import Group
from api.schemas import Answer, Body, left_out

group = Group(
    "Privileges",
    "What a person may do with their own things, and by which doors they come in.",
    names={"privileges": "privileges", "doors": "loginPrivileges"},
)

UserPrivilege: Any = Literal.__getitem__(tuple(privileges.USER_PRIVILEGES))
LoginPrivilege: Any = Literal.__getitem__(tuple(privileges.LOGIN_PRIVILEGES))
Authentication: Any = Literal.__getitem__(tuple(privileges.AUTHENTICATION))


class Privileges(Answer):
    """What was set for a person, and what it comes to with what their domain lets its people."""

    privileges: Annotated[list[str], Field(description="As they were set; empty where nobody set any.")]
    login_privileges: Annotated[list[str] | None, Field(description="Null: by every door.")]
    authentication: str
    distinguished_name: str | None
    permissions: Annotated[list[EndUserRight], Field(description="What the person may do with their own things.")]


class PrivilegesChange(Body):
    """Fields left out stay."""

    privileges: Annotated[
        list[UserPrivilege],
        Field(max_length=20, description="Exactly these. `admin` stands alone, and needs the person in person."),
    ] = left_out()
    login_privileges: Annotated[
        list[LoginPrivilege] | None, Field(max_length=20, description="Exactly these; null: by every door.")
    ] = None
    authentication: Authentication = left_out()
    distinguished_name: Annotated[str, Field(max_length=500)] | None = None


def _seen(actor: Actor, user_id: int) -> User:
    return get_user(actor, user_id, need=Right.VIEW_USERS)


def _changing(actor: Actor, user_id: int) -> User:
    person = get_user(actor, user_id, need=Right.MANAGE_USERS)
    services.require_setting(actor, person)
    return person


def present(person: User) -> Privileges:
    allowed = holdings.end_user_rights(person)
    return Privileges(
        privileges=["admin"] if person.is_administrator else person.privileges,
        login_privileges=person.login_privileges,
        authentication=person.authentication,
        distinguished_name=person.distinguished_name or None,
        permissions=[right for right in EndUserRight if right in allowed],
    )


@group.get("/users/{int:userId}/privileges", admit=_seen)
def privileges_detail(actor: Actor, person: User) -> Privileges:
    """Read a person's privileges."""
    return present(person)


@group.patch("/users/{int:userId}/privileges", admit=_changing)
def privileges_change(actor: Actor, person: User, body: PrivilegesChange) -> None:
    """Change a person's privileges.

    By who manages them and holds all that they hold, never one's own. Imap and the desktop doors are kept as data.
    """
    given = body.changes()
    with transaction.atomic():
        if "privileges" in given:
            services.set_privileges(actor, person, given["privileges"] or [privileges.NONE])
        if "login_privileges" in given and given["login_privileges"] is None:
            services.reset_login_privileges(actor, person)
        elif "login_privileges" in given:
            services.set_login_privileges(actor, person, given["login_privileges"] or [privileges.NONE])
        if "authentication" in given:
            services.set_authentication(actor, person, given["authentication"])
        if "distinguished_name" in given:
            services.set_distinguished_name(actor, person, given["distinguished_name"] or "")
