"""Throttles of the server, a domain or a user, coming in and going out. The gateway enforces them.

0 is no limit, as in iRedAdmin-Pro. One without any limit still counts instead of the level above, so that somebody can
be let off: it is kept with a number of messages that nobody reaches.
"""

from __future__ import annotations

from typing import Any

from accounts.permissions import Right
from api.iredadmin import domains, users
from api.iredadmin.answers import BAD_VALUE, Failure
from api.iredadmin.asking import Asked
from domains.models import Domain, Mailbox
from domains.services import throttles
from domains.services.throttles import LARGEST

FIELDS = {"msg_size": "max_message_bytes", "max_msgs": "max_messages", "max_quota": "max_bytes"}
INBOUND, OUTBOUND = "inbound", "outbound"
Level = Domain | Mailbox | None


def detail(asked: Asked, level: Level, direction: str) -> dict[str, Any]:
    """What is set on exactly this level."""
    found = throttles.get_throttle(level, direction)
    if found is None:
        return {}
    values = {name: getattr(found, ours) for name, ours in FIELDS.items()}
    account = level.address if isinstance(level, Mailbox) else f"@{level.name}" if level is not None else "@."
    shown = {name: 0 if value in (None, LARGEST) else value for name, value in values.items()}
    return {"account": account, "kind": direction, "period": found.period_s, **shown}


def put(asked: Asked, level: Level, direction: str) -> None:
    period = _number(asked, "period")
    if period is None:
        raise Failure(BAD_VALUE, "period is missing.")
    limits = {ours: _number(asked, name) or None for name, ours in FIELDS.items()}
    if all(value is None for value in limits.values()):
        limits["max_messages"] = LARGEST
    throttles.set_throttle(asked.actor, level, direction=direction, period_s=period, limits=limits)


def of_server(asked: Asked) -> Level:
    asked.actor.require(Right.MANAGE_THROTTLES)
    return None


def of_domain(asked: Asked) -> Level:
    return domains.find(asked.actor, asked.named["domain"])


def of_user(asked: Asked) -> Level:
    return users.find(asked.actor, asked.named["mail"])


def _number(asked: Asked, name: str) -> int | None:
    """Raises: Failure."""
    text = asked.given(name) or ""
    if not text:
        return None
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 18:
        raise Failure(BAD_VALUE, f"{name} is a whole number.")
    return max(int(text), 0)  # -1 is how some write "no limit"
