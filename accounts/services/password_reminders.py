"""Telling people by mail that their password expires: once when that is near, and once on its last day.

Only where an option has passwords expire; a batch of people costs a query for their options, and only those whose turn
it is are asked whether their password is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.utils import timezone

from accounts import mails, options, password_age
from accounts.actors import Actor
from accounts.models import OptionValue, User
from accounts.permissions import Right
from config.kit import mailing

BATCH = 500
LAST = timedelta(days=1)


@dataclass(slots=True)
class Reminded:
    """Of how many it is near, who was told now, and whose mail failed (they are told by the next run)."""

    can_send: bool
    near: int = 0
    sent: int = 0
    failed: int = 0


def remind(actor: Actor, *, stop: Callable[[], bool] = lambda: False) -> Reminded:
    """Tell those whose turn it is. A second run tells nobody again. Raises: Forbidden."""
    actor.require_writing()
    actor.require(Right.MANAGE_SERVER)
    reminded, now = Reminded(mailing.is_configured()), timezone.now()
    for user, standing in _near(now):
        if stop():
            break
        reminded.near += 1
        if not reminded.can_send or not _is_turn(user, standing, now) or not password_age.is_kept_here(user):
            continue
        try:
            mails.send_expiry(user, standing)
        except mailing.NotSent:
            reminded.failed += 1
            continue
        User.objects.filter(pk=user.pk).update(password_told_at=now)
        reminded.sent += 1
    return reminded


def _near(now: datetime) -> Iterator[tuple[User, password_age.Standing]]:
    """Whose password expires soon, by flag and options alone."""
    set_ = OptionValue.objects.filter(name__in=password_age.NAMES)
    days = [int(row.value) for row in set_ if row.name == password_age.DAYS and row.value]
    if not days:
        return
    warn = [int(row.value) for row in set_ if row.name == password_age.WARN_DAYS]
    warn.append(int(options.get(password_age.WARN_DAYS).default))
    earliest = now - timedelta(days=min(days) - max(warn))
    people = User.objects.filter(is_active=True, password_wanted=False, password_changed_at__lte=earliest)
    people = people.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX).exclude(password="")
    rows = people.order_by("pk").iterator(chunk_size=BATCH)
    while some := list(islice(rows, BATCH)):
        for user, found in zip(some, options.resolve_many(password_age.NAMES, some), strict=True):
            standing = password_age.by_options(user, found)
            if standing.is_near:
                yield user, standing


def _is_turn(user: User, standing: password_age.Standing, now: datetime) -> bool:
    """Not told yet of this password, or told before its last day, which it is now."""
    assert standing.expires_at is not None
    last_day = standing.expires_at - LAST
    told = user.password_told_at
    return told is None or told < user.password_changed_at or (told < last_day <= now)
