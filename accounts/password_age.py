"""How it stands with somebody's password: whether it has expired or a new one is wanted, and when it expires.

It expires so many days after it was chosen as PASSWORD_DAYS says where its person belongs; an administrator may want a
new one of somebody, or have wanted one of everybody whose password administrators set. Who then signs in at the pages
chooses one before anything else; at every other door the password opens nothing (`signing_in`). Access tokens, app
passwords, passkeys and providers are proofs of their own and go on. People whose password another place keeps have
none that could expire here.

Not for changing anything (`services.password_keeping`, `services.password_wishes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts import options, responsible
from accounts.models import User
from accounts.options import Resolved

DAYS, WARN_DAYS, AFTER_RESET = "PASSWORD_DAYS", "PASSWORD_WARN_DAYS", "PASSWORD_CHANGE_AFTER_RESET"
NAMES = [DAYS, WARN_DAYS]


@dataclass(frozen=True, slots=True)
class Standing:
    """is_wanted: somebody wants a new one. expires_at: None: never. warns_at: when people are first told."""

    is_wanted: bool = False
    expires_at: datetime | None = None
    warns_at: datetime | None = None

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_due(self) -> bool:
        """Whether a new one must be chosen before anything else."""
        return self.is_wanted or self.has_expired

    @property
    def is_near(self) -> bool:
        """Whether it expires soon, and still opens everything."""
        return self.warns_at is not None and self.warns_at <= timezone.now() and not self.is_due

    @property
    def days_left(self) -> int:
        """Whole days until it expires, at least 0."""
        left = timedelta() if self.expires_at is None else self.expires_at - timezone.now()
        return max(0, left.days)


NONE = Standing()


def standing_of(user: User, found: Mapping[str, Resolved] | None = None) -> Standing:
    """How it stands with somebody now. found: the options NAMES of theirs, where they are known already.

    Where nothing is due or near it asks nothing more; else whether their password is kept here.
    """
    standing = by_options(user, found if found is not None else options.resolve_some(NAMES, user))
    if (standing.is_due or standing.is_near) and not is_kept_here(user):
        return NONE
    return standing


def by_options(user: User, found: Mapping[str, Resolved]) -> Standing:
    """What flag and options say, wherever the password is kept."""
    days = int(found[DAYS].value)
    if not days:
        return Standing(user.password_wanted)
    expires = user.password_changed_at + timedelta(days=days)
    return Standing(user.password_wanted, expires, expires - timedelta(days=int(found[WARN_DAYS].value)))


def is_kept_here(user: User) -> bool:
    """Whether somebody has a password, and it is this one that counts."""
    return user.has_usable_password() and responsible.takes_password_here(responsible.source_for(user.email), user)
