"""Ending sessions: one's own, and those of people whose account one manages. Beginning one is `accounts.sessions`.

A session that is ended is gone from its table, so that the next request with its cookie comes from nobody. What takes
something from a person (their password, a right, the account, the domain's leave to sign in) ends their sessions with
`drop_sessions`; its own event says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit, program_sessions
from accounts.actors import Actor
from accounts.devices import device_words
from accounts.errors import Forbidden
from accounts.models import ApiToken, Session, User
from accounts.permissions import Right


def end_session(actor: Actor, session: Session) -> None:
    """The browser is signed out with its next request. Raises: Forbidden."""
    person = session.user
    if person is None:
        raise Forbidden("nobody's session")
    require_over_sessions(actor, person)
    with transaction.atomic():
        deleted = program_sessions.delete(Session.objects.filter(pk=session.pk))
        if deleted:
            device = device_words(session.agent)
            audit.record(actor, "session.end", person, device=device, from_address=session.address)


def end_sessions(actor: Actor, user: User, *, but_own: bool = False) -> int:
    """All of somebody's at once; how many there were. but_own: the one that asks stays. Raises: Forbidden."""
    require_over_sessions(actor, user)
    with transaction.atomic():
        ended = drop_sessions([user.pk], keep=actor.session_id if but_own else None)
        if ended:
            audit.record(actor, "session.end_all", user, sessions=ended)
    return ended


def end_many(actor: Actor, sessions: QuerySet[Session]) -> int:
    """These of people whose account the actor manages, but never the one that asks; how many there were.

    One event for each person. Raises: Forbidden.
    """
    ended = 0
    with transaction.atomic():
        people: dict[int, list[Session]] = {}
        for session in sessions.exclude(pk=actor.session_id or 0).exclude(user=None).select_related("user"):
            people.setdefault(session.user_id or 0, []).append(session)
        for theirs in people.values():
            person = theirs[0].user
            assert person is not None
            require_over_sessions(actor, person)
            deleted = program_sessions.delete(Session.objects.filter(pk__in=[each.pk for each in theirs]))
            if deleted:
                audit.record(actor, "session.end_all", person, sessions=deleted)
            ended += deleted
    return ended


def drop_sessions(people: Iterable[int] | QuerySet[User], *, keep: int | None = None) -> int:
    """Delete these people's sessions, for services that asked the right; how many. keep: the id of one to spare.

    The tokens of some hours that programs have for a password are sessions too, and what programs began and we don't
    keep here (`User.sessions_ended_at`); both go uncounted.
    """
    people = people if isinstance(people, QuerySet) else list(people)
    ids = people.values_list("pk", flat=True) if isinstance(people, QuerySet) else people
    User.objects.filter(pk__in=ids).update(sessions_ended_at=timezone.now())
    return _drop(people, keep)


def _drop(people: list[int] | QuerySet[User], keep: int | None) -> int:
    end_short_tokens(people)
    return program_sessions.delete(Session.objects.filter(user__in=people).exclude(pk=keep or 0))


def end_short_tokens(people: Iterable[int] | QuerySet[User]) -> None:
    """Tokens that a password or an app password was changed into (`signing_in`) open nothing any more, nor what
    programs made with them.
    """
    ApiToken.objects.filter(user__in=people, is_short=True).delete()


def drop_sessions_shut_out(people: QuerySet[User]) -> int:
    """Delete the sessions of these people because their domain lets its people no longer sign in; how many.

    Who administers something still comes in, and stays (`accounts.sessions.may_enter`). What programs began is asked
    that with every call.
    """
    only_at_home = people.exclude(is_administrator=True).exclude(grants__isnull=False)
    return _drop(only_at_home, None)


def require_over_sessions(actor: Actor, user: User) -> None:
    """Who may see and end somebody's sessions: they themselves, and who manages their account. Raises: Forbidden."""
    actor.require_writing()
    if actor.acting is not None:
        raise Forbidden("no sessions are touched while acting as somebody")
    if not actor.owns(user):
        actor.require_over(Right.MANAGE_USERS, user)
    elif actor.allowed is not None and not actor.allowed:
        raise Forbidden("not through a temporary link")
