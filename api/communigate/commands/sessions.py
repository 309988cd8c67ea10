"""Sessions of people at the pages: which there are, what is known of one, ending them. An id is a session's number."""

from __future__ import annotations

from django.http import Http404

from accounts.models import Session, User
from accounts.selectors import sessions as selectors
from accounts.services import sessions
from api.communigate.context import Context, host_of
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import NO_ACCOUNT, Refused
from api.communigate.table import Command, command, done

WEB = ("webuser", "http", "")
NAMED = "name [ ADDRESS address [ FOR proxied ] ] [ PROTOCOL protocol ] [ TRANSPORT transport ] [ CLIENT client ]"


def _person(context: Context, arguments: Arguments) -> User:
    found = context.account(arguments["name"], own=True)
    if found.user is None:
        raise Refused(NO_ACCOUNT, "nobody signs in with this account")
    return found.user


def _ids(context: Context, arguments: Arguments) -> list[Value]:
    """All are of browsers; `address`: those that come from there."""
    rows = selectors.list_sessions_of(context.actor, _person(context, arguments)).order_by("pk")
    wanted = arguments.get("proxied") or arguments.get("address")
    if wanted:
        rows = rows.filter(address=host_of(wanted))
    kinds = (arguments.get("protocol", ""), arguments.get("transport", ""))
    return [str(row.pk) for row in rows] if all(kind.lower() in WEB for kind in kinds) else []


def list_ids(context: Context, arguments: Arguments) -> Data:
    return _ids(context, arguments)


def find(context: Context, arguments: Arguments) -> Data:
    found = _ids(context, arguments)
    if not found:
        raise Refused(501, "there is no such session")
    return found[0]


def _session(context: Context, arguments: Arguments) -> Session:
    text = arguments["id"]
    try:
        found = selectors.get_session(context.actor, int(text) if text.isdecimal() and len(text) < 19 else 0)
    except Http404 as error:
        raise Refused(501, "there is no such session") from error
    domain = context.domain(arguments["domain"]) if "domain" in arguments else None
    if domain is not None and found.user is not None and found.user.home_domain_id != domain.pk:
        raise Refused(501, "there is no such session")
    return found


def read(context: Context, arguments: Arguments) -> Data:
    found = _session(context, arguments)
    return {
        "ID": str(found.pk),
        "accountName": found.user.email if found.user is not None else "",
        "protocol": "WebUser",
        "ipAddress": found.address,
        "lastAddress": found.last_address or found.address,
        "started": found.started_at.replace(microsecond=0),
        "lastUsed": found.last_used_at.replace(microsecond=0),
        "client": found.agent,
    }


def kill(context: Context, arguments: Arguments) -> Data:
    sessions.end_session(context.actor, _session(context, arguments))
    return done()


def kill_all(context: Context, arguments: Arguments) -> Data:
    sessions.end_sessions(context.actor, _person(context, arguments))
    return done()


def list_lite(context: Context, arguments: Arguments) -> Data:
    """Nobody comes without signing in, so there are none of these."""
    selectors.list_sessions(context.actor)
    return []


COMMANDS: list[Command] = [
    command("LISTACCOUNTSESSIONS", NAMED, list_ids, "List somebody's sessions", reads=True),
    command("FINDACCOUNTSESSION", NAMED, find, "Find one of somebody's sessions", reads=True),
    command("LISTLITESESSIONS", "[ ADDRESS address [ FOR proxied ] ]", list_lite, "List unsigned sessions", reads=True),
    command("GETSESSION", "id [ DOMAIN domain ]", read, "Read what is known of a session", reads=True),
    command("KILLSESSION", "id [ DOMAIN domain ]", kill, "End a session"),
    command("KILLACCOUNTSESSIONS", "name", kill_all, "End all of somebody's sessions"),
]
