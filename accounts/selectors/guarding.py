"""Reads of what guards the doors: attempts in vain, waits, blocked networks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts import throttle
from accounts.actors import Actor
from accounts.models import FailedSignIn, SignInBlock, SignInThrottle
from accounts.permissions import Right
from accounts.selectors.people import users_visible_to

WAITS_MAX = 200


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody who waits after wrong guesses. who: what is known of them.

    kind: account (all strangers at it), at (one network at an account), network, device or own.
    """

    row: SignInThrottle
    kind: str
    who: str
    until: datetime | None


def list_failed_sign_ins(actor: Actor) -> QuerySet[FailedSignIn]:
    """All for who runs the server; else those at the accounts of people the actor manages. Raises: Forbidden."""
    actor.require_somewhere(Right.MANAGE_USERS)
    rows = FailedSignIn.objects.all()
    if actor.reach(Right.MANAGE_USERS).everything:
        return rows
    return rows.filter(user__in=users_visible_to(actor, Right.MANAGE_USERS))


def list_blocks(actor: Actor) -> QuerySet[SignInBlock]:
    """The networks that are shut out now. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    return SignInBlock.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


def list_waits(actor: Actor) -> list[Wait]:
    """Who waits now, the longest first. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    rows = list(SignInThrottle.objects.filter(blocked_until__gt=timezone.now()).order_by("-blocked_until")[:WAITS_MAX])
    names = _accounts(row.key for row in rows)
    return [_shown(row, names) for row in rows]


def get_wait(actor: Actor, wait_id: int) -> SignInThrottle:
    """Raises: Http404, Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    found = SignInThrottle.objects.filter(pk=wait_id).first()
    if found is None:
        raise Http404("nobody waits there")
    return found


def _shown(row: SignInThrottle, names: dict[str, str]) -> Wait:
    kind, _colon, rest = row.key.partition(":")
    who = rest if kind == "network" else names.get(throttle.account_of(row.key), "")
    return Wait(row, kind, who, row.blocked_until)


def _accounts(keys: Iterable[str]) -> dict[str, str]:
    """The counters know accounts by a hash only: which of those tried of late they are."""
    wanted = {throttle.account_of(key) for key in keys} - {""}
    if not wanted:
        return {}
    since = timezone.now() - throttle.FORGOTTEN_AFTER
    tried = FailedSignIn.objects.filter(last_at__gte=since).exclude(tried="").values_list("tried", flat=True)
    found = {throttle.account_key(email): email for email in tried.distinct()[:20_000]}
    return {key: found[key] for key in wanted if key in found}
