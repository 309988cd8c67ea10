"""Sessions of browsers: one's own, and those of people whose account one manages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from django.db.models import QuerySet
from pydantic import Field

from accounts import selectors
from accounts.actors import Actor
from accounts.devices import device_words
from accounts.models import Session, User
from accounts.permissions import Right
from accounts.selectors.sessions import get_session, list_own_sessions, list_sessions, list_sessions_of
from accounts.services.sessions import end_session, end_sessions, require_over_sessions
from accounts.sessions import WAYS
from api import filters
from api.listing import Listing
from api.operations import Group
from api.schemas import Answer, Moment

group = Group("Sessions", "Browsers in which people are signed in. One that is ended asks for a sign-in at once.")


class SessionAnswer(Answer):
    """A browser in which somebody is signed in, or a program. The key that opens it is kept nowhere."""

    id: int
    user_id: int
    user_name: str
    device: Annotated[str, Field(description="What the browser says it is, in words.")]
    user_agent: str | None
    signed_in_by: Annotated[str | None, Field(description="What proved who it is.", examples=list(WAYS))]
    second_factor: str | None
    said: Annotated[
        str | None,
        Field(
            description="How an identity provider says that they signed in there: its amr and acr.",
            examples=["pwd mfa"],
        ),
    ]
    address: Annotated[str | None, Field(description="Where it began.")]
    last_address: Annotated[str | None, Field(description="Where it was used last.")]
    since: Moment
    last_used: Annotated[Moment, Field(description="Noted once a minute at most.")]
    ends: Moment


def present(row: Session) -> SessionAnswer:
    assert row.user is not None
    return SessionAnswer(
        id=row.pk,
        user_id=row.user.pk,
        user_name=row.user.email,
        device=device_words(row.agent),
        user_agent=row.agent or None,
        signed_in_by=row.how or None,
        second_factor=row.second or None,
        said=row.said or None,
        address=row.address or None,
        last_address=row.last_address or row.address or None,
        since=row.started_at,
        last_used=row.last_used_at,
        ends=row.expires_at,
    )


def _present_all(actor: Actor, rows: Sequence[Session]) -> list[SessionAnswer]:
    return [present(row) for row in rows]


SESSIONS = Listing(
    SessionAnswer,
    _present_all,
    sorts={"id": "pk", "lastUsed": "last_used_at"},
    default="-lastUsed",
    filters={
        "userId": filters.number("user_id", "Whose."),
        "userName": filters.text("user__email", "Whose, by their address.", canonical=True),
        "address": filters.exact("last_address", "Where it was used last."),
        "signedInBy": filters.choice("how", "What proved who it is.", {each: each for each in WAYS}),
        "usedSince": filters.since("last_used_at", "Used at this moment or later."),
        "usedBefore": filters.until("last_used_at", "Not used since."),
    },
)


@group.list("/sessions", SESSIONS)
def session_list(actor: Actor) -> QuerySet[Session]:
    """List who is signed in, the last used first.

    Those of the people whose account the caller manages, and the caller's own.
    """
    return list_sessions(actor)


def _session(actor: Actor, session_id: int) -> Session:
    return get_session(actor, session_id)


def _ending(actor: Actor, session_id: int) -> Session:
    found = get_session(actor, session_id)
    assert found.user is not None
    require_over_sessions(actor, found.user)
    return found


@group.get("/sessions/{int:sessionId}", admit=_session)
def session_detail(actor: Actor, session: Session) -> SessionAnswer:
    """Read one session."""
    return present(session)


@group.delete("/sessions/{int:sessionId}", admit=_ending)
def session_end(actor: Actor, session: Session) -> None:
    """End one session.

    One's own, or of somebody whose account one manages; the browser is signed out with its next request.
    """
    end_session(actor, session)


def _oneself(actor: Actor) -> User:
    assert actor.user is not None
    require_over_sessions(actor, actor.user)
    return actor.user


@group.list("/me/sessions", SESSIONS)
def own_sessions(actor: Actor) -> QuerySet[Session]:
    """List one's own sessions."""
    return list_own_sessions(actor)


@group.delete("/me/sessions", admit=_oneself)
def own_sessions_end(actor: Actor, user: User) -> None:
    """End all of one's own sessions."""
    end_sessions(actor, user)


def _person(actor: Actor, admin_id: int) -> User:
    """Oneself, or somebody whose account one manages. Raises: Http404, Forbidden."""
    if actor.user is not None and actor.user.pk == admin_id:
        return _oneself(actor)
    found = selectors.get_user(actor, admin_id, need=Right.MANAGE_USERS)
    require_over_sessions(actor, found)
    return found


@group.list("/admins/{int:adminId}/sessions", SESSIONS)
def admin_sessions(actor: Actor, admin_id: int) -> QuerySet[Session]:
    """List somebody's sessions.

    One's own, or those of a person whose account one manages, administrator or not.
    """
    if actor.user is not None and actor.user.pk == admin_id:
        return list_own_sessions(actor)
    return list_sessions_of(actor, selectors.get_user(actor, admin_id, need=Right.MANAGE_USERS))


@group.delete("/admins/{int:adminId}/sessions", admit=_person)
def admin_sessions_end(actor: Actor, user: User) -> None:
    """End all sessions of somebody at once."""
    end_sessions(actor, user)
