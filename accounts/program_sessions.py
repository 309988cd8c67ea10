"""Sessions that programs begin at the doors of other products' clients, listed and ended beside those of browsers.

Each is a row of `accounts.Session` whose key no cookie can have; `how` says by which door (`PROGRAMS`). The door asks
`lasts` with its calls, so that deleting the row ends the session within a second. A token that somebody else signed
(JWT) would come again: its row is kept as ended until the token's own end. Not for who may come in (`signing_in`).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Session, User
from accounts.sessionstore import AGENT_MAX, USED_NOTED_EVERY

IREDADMIN, PWD, JWT = "iredadmin", "pwd", "jwt"
PROGRAMS = (IREDADMIN, PWD, JWT)
SHORTEST_JWT = timedelta(minutes=5)  # of less nobody would end one in time, and some make one for each call


def begin(user: User, *, how: str, address: str, agent: str, idle: timedelta) -> int:
    """A session that ends so long after its last use; its id."""
    key = f"{how}:{secrets.token_hex(24)}"
    row = Session.objects.create(
        user=user,
        how=how,
        key_hash=key,
        address=address[:45],
        last_address=address[:45],
        agent=_agent(agent),
        expires_at=timezone.now() + idle,
    )
    return row.pk


def lasts(session_id: int, user_id: int, idle: timedelta) -> bool:
    """Whether nobody ended it; notes that it is used, once a minute."""
    now = timezone.now()
    rows = Session.objects.filter(pk=session_id, user=user_id, how__in=PROGRAMS, expires_at__gt=now)
    last_used = rows.values_list("last_used_at", flat=True).first()
    if last_used is not None and last_used < now - USED_NOTED_EVERY:
        rows.update(last_used_at=now, expires_at=now + idle)
    return last_used is not None


def end(session_id: int) -> None:
    """The program went away by itself."""
    Session.objects.filter(pk=session_id, how__in=PROGRAMS).delete()


def token_counts(value: str, user: User, *, address: str, agent: str, ends_at: datetime) -> bool:
    """Whether nobody ended the use of a signed token; listed from its first use on, unless it ends in a moment."""
    now = timezone.now()
    key = f"{JWT}:{hashlib.sha256(value.encode()).hexdigest()[:56]}"
    found = Session.objects.filter(key_hash=key).first()
    if found is None:
        if ends_at - now >= SHORTEST_JWT:
            said = {"user": user, "how": JWT, "address": address[:45], "agent": _agent(agent), "expires_at": ends_at}
            Session.objects.get_or_create(key_hash=key, defaults=said | {"last_address": address[:45]})
        return True
    if found.user_id == user.pk and found.last_used_at < now - USED_NOTED_EVERY:
        Session.objects.filter(pk=found.pk).update(last_used_at=now, last_address=address[:45])
    return found.user_id == user.pk


def delete(sessions: QuerySet[Session]) -> int:
    """End these sessions, of browsers or programs; how many."""
    ended = sessions.filter(how=JWT).update(user=None, address="", last_address="", agent="")
    deleted, _rows = sessions.exclude(how=JWT).delete()
    return ended + deleted


def _agent(text: str) -> str:
    return text[:AGENT_MAX].replace("\0", "")
