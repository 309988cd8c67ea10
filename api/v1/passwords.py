"""Passwords: how it stands with somebody's, new ones that are wanted, and lists of known ones nobody may choose."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts import places
from accounts.actors import Actor
from accounts.breach_list import lists
from accounts.breach_list.lists import Listed
from accounts.models import User
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.administrators import get_administrator
from accounts.selectors.passwords import get_password
from accounts.selectors.people import users_visible_to
from accounts.services.breach_lists import remove_upload, take_upload
from accounts.services.password_wishes import let_password_be, want_new_password, want_new_passwords
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from jobs import services
from jobs.breach_words import why
from jobs.commands import NoArguments
from jobs.password_commands import INDEX

MOST_CHARACTERS = 9_000_000
group = Group("Passwords", "Whose expire, whose must be chosen anew, and which are known to everybody.")


class PasswordAnswer(Answer):
    """How it stands with a password; never the password, nor its hash."""

    kept_here: Annotated[bool, Field(description="Whether one that is kept here counts for this person.")]
    changed_at: Annotated[Moment | None, Field(description="Since when it is this one.")]
    expires_at: Annotated[Moment | None, Field(description="When it expires; null: never.")]
    expired: bool
    change_required: Annotated[bool, Field(description="A new one is wanted at the next sign-in.")]


class ChangeWish(Body):
    """How a new password is wanted."""

    end_sessions: Annotated[bool, Field(description="Sign them out now.")] = False


class CrowdWish(ChangeWish):
    """Of whom a new password is wanted."""

    level: Annotated[Literal["server", "customer", "domain"], Field(description="Of everybody who belongs to it.")]
    object_id: Annotated[int, Field(ge=0, le=2**63 - 1, description="Of the customer or domain; 0 for the server.")] = 0


class CrowdAnswer(Answer):
    """Of how many it is wanted now."""

    people: int


class BreachListAnswer(Answer):
    """A list of known passwords, and how it stands with it."""

    place: Annotated[
        Literal["configured", "uploaded"], Field(description="configured: the file that POSTKEEP_BREACH_LIST names.")
    ]
    source: Annotated[str, Field(description="Its path, or the name of the file that was uploaded.")]
    entries: int
    estimated: Annotated[bool, Field(description="Searched as it is, so that its entries were not counted.")]
    since: Moment | None
    kind: Literal["hashes", "words", ""]
    problem: Annotated[
        Literal["", "missing", "unreadable", "waits", "stale"],
        Field(description="waits: it must be indexed first; stale: the file has changed since."),
    ]
    refused: Annotated[int, Field(description="Lines that were left out.")]
    first_refused: Annotated[list[str], Field(description="The first of them, and why.")]


class BreachListUpload(Body):
    """A list as text: SHA-1 hashes as of Have I Been Pwned (HASH:COUNT), or words, one a line."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["worst passwords of the year"])]
    text: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS, examples=["password123\nletmein\n"])]


def _person(actor: Actor, user_id: int) -> User:
    """Somebody whose password the caller may set: one of their people, or an administrator. Raises: Http404."""
    people: QuerySet[User] = users_visible_to(actor)
    found = people.filter(pk=user_id).first() or get_administrator(actor, user_id)
    actor.require_over(Right.SET_PASSWORDS, found)
    return found


def present(actor: Actor, user: User) -> PasswordAnswer:
    found = get_password(actor, user)
    return PasswordAnswer(
        kept_here=found.is_here,
        changed_at=found.since,
        expires_at=found.standing.expires_at,
        expired=found.standing.has_expired,
        change_required=found.standing.is_wanted,
    )


def present_list(listed: Listed) -> BreachListAnswer:
    return BreachListAnswer(
        place=listed.place,  # type: ignore[arg-type]
        source=listed.source,
        entries=listed.entries,
        estimated=listed.is_estimate,
        since=listed.since,
        kind=listed.kind,  # type: ignore[arg-type]
        problem=listed.problem,  # type: ignore[arg-type]
        refused=listed.refused,
        first_refused=[f"{line}: {why(code)}" for line, code in listed.garbage],
    )


@group.get("/users/{int:userId}/password", admit=_person)
def user_password(actor: Actor, user: User) -> PasswordAnswer:
    """Read how it stands with somebody's password.

    For who may set it; administrators without a mailbox are found here too.
    """
    return present(actor, user)


@group.post("/users/{int:userId}/password/wish", admit=_person, status=200)
def user_password_want(actor: Actor, user: User, body: ChangeWish) -> PasswordAnswer:
    """Have somebody choose a new password at their next sign-in.

    Until then no program gets in with the present one; access tokens and app passwords go on. Never of oneself; 422
    where the person has no password that is kept here.
    """
    want_new_password(actor, user, end_sessions=body.end_sessions)
    return present(actor, User.objects.get(pk=user.pk))


@group.delete("/users/{int:userId}/password/wish", admit=_person)
def user_password_let(actor: Actor, user: User) -> None:
    """Want no new password of somebody any more."""
    let_password_be(actor, user)


@group.post("/password-wishes", admit=subjects.somewhere(Right.SET_PASSWORDS), status=200)
def passwords_want(actor: Actor, body: CrowdWish) -> CrowdAnswer:
    """Have everybody of a domain, a customer or the server choose a new password at their next sign-in.

    Left out are the caller, who holds more than they, and who has no password here.
    """
    scope = SERVER if body.level == "server" else ScopeRef(Level(body.level), body.object_id)
    obj = subjects.named("objectId", lambda: places.get(actor, scope, Right.SET_PASSWORDS))
    return CrowdAnswer(people=want_new_passwords(actor, obj, end_sessions=body.end_sessions))


@group.get("/server/breach-list", admit=subjects.server(Right.MANAGE_SERVER))
def breach_list_detail(actor: Actor, server: subjects.Server) -> list[BreachListAnswer]:
    """Read which lists of known passwords there are."""
    return [present_list(each) for each in lists.there()]


@group.post("/server/breach-list", admit=subjects.server(Right.MANAGE_SERVER), status=202)
def breach_list_upload(actor: Actor, server: subjects.Server, body: BreachListUpload) -> Created[TaskAnswer]:
    """Upload a list of known passwords, which a task makes searchable.

    It takes the place of the one that was uploaded before. Larger files (up to 1 GiB) are sent at the page; still
    larger ones are named by POSTKEEP_BREACH_LIST.
    """
    take_upload(actor, [body.text.encode()], name=body.name)
    task = services.submit(actor, INDEX, NoArguments())
    return Created(present_task(task), f"/tasks/{task.pk}")


@group.delete("/server/breach-list", admit=subjects.server(Right.MANAGE_SERVER))
def breach_list_remove(actor: Actor, server: subjects.Server) -> None:
    """Remove the uploaded list of known passwords."""
    remove_upload(actor)
