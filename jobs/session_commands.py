"""The commands about sessions and app passwords: who is signed in with what, and ending it.

Names: MailStore's (GetActiveSessions, DeleteAppPasswords), and CommuniGate Pro's in our writing (LISTACCOUNTSESSIONS →
ListAccountSessions), with their arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.actors import Actor
from accounts.devices import device_words
from accounts.models import Session, User
from accounts.permissions import Right
from accounts.program_sessions import PROGRAMS
from accounts.selectors.sessions import get_session, list_sessions, list_sessions_of
from accounts.services import find_user
from accounts.services.sessions import end_session, end_sessions
from jobs.commands import NoArguments, command
from jobs.errors import BadArguments
from jobs.running import TaskRun

Result = dict[str, object]
LISTED_MAX = 10_000  # a result stays readable; the API's list goes on


@dataclass(frozen=True, slots=True)
class AccountSessionsArguments:
    """Whose, and which of them: those from an address, by a protocol (`WebUser` are browsers, `PWD` command lines)."""

    account_name: str
    address: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class AccountArguments:
    """Whose."""

    account_name: str


@dataclass(frozen=True, slots=True)
class SessionArguments:
    """Which."""

    session_id: str


def present(session: Session) -> Result:
    """A session as commands show it; the key that opens it stands nowhere."""
    assert session.user is not None
    return {
        "id": session.pk,
        "userName": session.user.email,
        "address": session.last_address or session.address,
        "device": device_words(session.agent),
        "signedInBy": session.how,
        "secondFactor": session.second,
        "since": session.started_at.isoformat(),
        "lastUsed": session.last_used_at.isoformat(),
        "ends": session.expires_at.isoformat(),
    }


@command("GetActiveSessions", needs=Right.MANAGE_USERS, arguments=NoArguments, label=_("List of sessions"))
def get_active_sessions(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """List who is signed in now, the last used first."""
    rows = list_sessions(actor)
    return {"sessions": [present(each) for each in islice(rows.iterator(), LISTED_MAX)], "count": rows.count()}


@command(
    "ListAccountSessions",
    needs=Right.MANAGE_USERS,
    arguments=AccountSessionsArguments,
    label=_("Sessions of a person"),
)
def list_account_sessions(actor: Actor, run: TaskRun, arguments: AccountSessionsArguments) -> Result:
    """List the ids of somebody's sessions."""
    return {"sessions": [str(each.pk) for each in _of(actor, arguments)]}


@command(
    "FindAccountSession",
    needs=Right.MANAGE_USERS,
    arguments=AccountSessionsArguments,
    label=_("Session of a person"),
)
def find_account_session(actor: Actor, run: TaskRun, arguments: AccountSessionsArguments) -> Result:
    """Find the id of one of somebody's sessions, the last used."""
    found = _of(actor, arguments).first()
    return {"session": None if found is None else str(found.pk)}


@command("GetSession", needs=Right.MANAGE_USERS, arguments=SessionArguments, label=_("Facts of a session"))
def get_session_facts(actor: Actor, run: TaskRun, arguments: SessionArguments) -> Result:
    """Read whose a session is, since when, from where and with what."""
    return {"session": present(get_session(actor, _number(arguments.session_id)))}


@command("KillSession", needs=Right.MANAGE_USERS, arguments=SessionArguments, label=_("End of a session"))
def kill_session(actor: Actor, run: TaskRun, arguments: SessionArguments) -> Result:
    """End a session; its browser is signed out with its next request."""
    session = get_session(actor, _number(arguments.session_id))
    end_session(actor, session)
    return {"ended": 1}


@command(
    "KillAccountSessions", needs=Right.MANAGE_USERS, arguments=AccountArguments, label=_("End of a person's sessions")
)
def kill_account_sessions(actor: Actor, run: TaskRun, arguments: AccountArguments) -> Result:
    """End all sessions of somebody at once."""
    return {"ended": end_sessions(actor, _person(actor, arguments.account_name))}


def _person(actor: Actor, address: str) -> User:
    """Raises: BadAddress, UnknownUser, Http404, Forbidden."""
    return selectors.get_user(actor, find_user(address).pk, need=Right.MANAGE_USERS)


def _of(actor: Actor, arguments: AccountSessionsArguments) -> QuerySet[Session]:
    rows = list_sessions_of(actor, _person(actor, arguments.account_name))
    protocol = arguments.protocol.lower()
    if protocol == "webuser":
        rows = rows.exclude(how__in=PROGRAMS)
    elif protocol:
        rows = rows.filter(how=protocol if protocol in PROGRAMS else "none")
    if arguments.address:
        rows = rows.filter(address=arguments.address) | rows.filter(last_address=arguments.address)
    return rows


def _number(text: str) -> int:
    """Raises: BadArguments."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadArguments(str(_("This is no session's id.")), field="session_id")
    return int(text)
