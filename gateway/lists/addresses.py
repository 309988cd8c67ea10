"""The addresses of a list besides its own, and the proofs that stand in them.

    news-subscribe@, news-unsubscribe@, news-request@, news-owner@, news-bounces+PROOF@, news-confirm+PROOF@

A proof says that an address was made here for one subscriber and one purpose; it is no secret of a person.
"""

from __future__ import annotations

import hmac
import re

from django.utils.crypto import salted_hmac

COMMANDS = ("subscribe", "unsubscribe", "request", "owner", "bounces", "confirm")
_SUB = re.compile(r"(?P<base>.+)-(?P<command>" + "|".join(COMMANDS) + r")(?:\+(?P<argument>[A-Za-z0-9_-]{1,100}))?")
_PROOF = re.compile(r"(\d{1,12})-([0-9a-f]{16})")
BOUNCING = re.compile(r"[^@]+-bounces\+\d{1,12}-[0-9a-f]{16}@[^@]+")


def parts_of(local: str) -> tuple[str, str, str] | None:
    """(local part of the list, command, argument); None for an address that can't be one of a list's."""
    found = _SUB.fullmatch(local)
    return None if found is None else (found["base"], found["command"], found["argument"] or "")


def address(of_list: str, command: str, argument: str = "") -> str:
    """As in "news-bounces+17-0f…@example.org"."""
    local, _at, domain = of_list.rpartition("@")
    return f"{local}-{command}{'+' if argument else ''}{argument}@{domain}"


def proof(list_id: int, subscriber_id: int, purpose: str) -> str:
    return f"{subscriber_id}-{_mac(list_id, subscriber_id, purpose)}"


def request_of(confirm_hash: str) -> str:
    """The purpose of a proof that confirms a request; the next request has another."""
    return f"confirm.{confirm_hash}"


def number_in(text: str) -> int | None:
    """Whose proof a text says that it is."""
    found = _PROOF.fullmatch(text)
    return None if found is None else int(found[1])


def subscriber_of(list_id: int, text: str, purpose: str) -> int | None:
    """Whose proof this is; None for what wasn't made here."""
    found = _PROOF.fullmatch(text)
    if found is None or not hmac.compare_digest(found[2], _mac(list_id, int(found[1]), purpose)):
        return None
    return int(found[1])


def _mac(list_id: int, subscriber_id: int, purpose: str) -> str:
    return salted_hmac("gateway.lists", f"{list_id}.{subscriber_id}.{purpose}", algorithm="sha256").hexdigest()[:16]
