"""What the handlers of routes share: the request of a known actor, its body and query as James reads them.

Content types are not looked at: clients send JSON as text/plain, and a bare number as anything. Not for answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from accounts.actors import Actor
from api.dialects.call import Call
from api.james.answers import PAYLOAD, invalid

DEEPEST = 20
DEFAULT_DOMAIN = "defaultDomain"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: who, the path's values, and the call itself."""

    actor: Actor
    named: dict[str, str]
    call: Call

    @property
    def default_domain(self) -> str:
        """The domain of names without one; "" where there is none."""
        return self.call.settings.get(DEFAULT_DOMAIN, "")

    def shown(self, address: str) -> str:
        """An address as this dialect's clients call it."""
        return address.removesuffix(f"@{self.default_domain}") if self.default_domain else address

    def text(self) -> str:
        """The body as text. Raises: JamesError where it isn't UTF-8."""
        try:
            return self.call.body.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise invalid(PAYLOAD, "the body is not UTF-8") from error

    def json(self) -> Any:
        """The body as JSON. Raises: JamesError."""
        return parse_json(self.text())

    def has(self, name: str) -> bool:
        return name in self.call.query

    def query(self, name: str) -> str | None:
        """The first value of a query parameter; None without it."""
        values = self.call.query.getlist(name)
        return values[0] if values else None


def parse_json(text: str) -> Any:
    """Raises: JamesError, for what isn't JSON, is nested deeply, or has numbers that no machine holds."""
    if not text:
        raise invalid(PAYLOAD, "the body is empty")
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise invalid(PAYLOAD, "not JSON") from error
    if _depth(found) > DEEPEST:
        raise invalid(PAYLOAD, "nested too deeply")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _depth(value: Any) -> int:
    """How deep lists and objects are nested; stops counting beyond what is allowed."""
    level, inside = 0, [value]
    while inside and level <= DEEPEST:
        inside = [
            each
            for outer in inside
            if isinstance(outer, dict | list)
            for each in (outer.values() if isinstance(outer, dict) else outer)
        ]
        level += bool(inside)
    return level
