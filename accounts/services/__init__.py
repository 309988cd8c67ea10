"""Writes about people and their rights, one module a subject; what other apps call is gathered here.

Every function takes the actor first, checks the right, writes in one transaction and leaves an audit event. Signing
in is in `accounts.signing_in`; what a one-time link looks like is in `accounts.links`.
"""

from accounts.services.first_start import (
    accept_first_administrator_link,
    ensure_administrator,
    ensure_first_administrator,
    first_administrator_link,
)
from accounts.services.passwords import accept_link, change_password, invite, issue_reset_link, set_password
from accounts.services.people import create_user, disable_user, enable_user, find_user, set_preferences, settle
from accounts.services.tidying import forget_expired
from accounts.services.tokens import create_token, revoke_token

__all__ = [
    "accept_first_administrator_link",
    "accept_link",
    "change_password",
    "create_token",
    "create_user",
    "disable_user",
    "enable_user",
    "ensure_administrator",
    "ensure_first_administrator",
    "find_user",
    "first_administrator_link",
    "forget_expired",
    "invite",
    "issue_reset_link",
    "revoke_token",
    "set_password",
    "set_preferences",
    "settle",
]
