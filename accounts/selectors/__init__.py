"""Reads of people and their rights, one module a subject; what other apps call is gathered here."""

from accounts.selectors.people import (
    get_user,
    list_events_about,
    list_tokens,
    list_users,
    own_token,
    users_visible_to,
    users_within,
)

__all__ = [
    "get_user",
    "list_events_about",
    "list_tokens",
    "list_users",
    "own_token",
    "users_visible_to",
    "users_within",
]
