"""Commands answered for somebody, without a connection: what a session would send and what it would be answered."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.models import User
from api.communigate import running
from api.communigate.format import write_value
from api.communigate.pwd.door import NOTHING, Reply


def caller(person: User) -> Actor:
    """As somebody who signed in with their password."""
    return Actor.for_user(person, address="127.0.0.1", via="communigate").restricted(None)


def reply(person: User, line: str) -> Reply:
    return running.answer(caller(person), line)


def ask(person: User, line: str) -> str:
    """The reply as it stands on the wire after INLINE."""
    found = reply(person, line)
    if found.data is NOTHING:
        return f"{found.code} {found.text}"
    return f"201 {write_value(found.data)}"  # type: ignore[arg-type]
