"""Reads of people and their rights, one module a subject; what other apps call is gathered here."""

from accounts.selectors.events import list_events_about
from accounts.selectors.people import (
    get_user,
    list_users,
    users_visible_to,
    users_within,
)
from accounts.selectors.tokens import get_token, list_tokens, own_token

__all__ = [
    "get_token",
    "get_user",
    "list_events_about",
    "list_tokens",
    "list_users",
    "own_token",
    "users_visible_to",
    "users_within",
]
