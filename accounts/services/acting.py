"""Acting as somebody: an administrator in a person's place, to see what they see and set what they could set.

With a reason, for half an hour, never as somebody who administers anything. Rights are what both hold, and passwords,
tokens, second factors, rights and mail stay closed (`Actor.acting_as`). Every event names both, and the person sees it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, holdings, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden
from accounts.models import User
from accounts.permissions import Right

LASTS = timedelta(minutes=30)
REASON_LEAST, REASON_MOST = 5, 500


def start_acting(actor: Actor, user: User, *, reason: str) -> datetime:
    """Begin; until when it lasts. Raises: Forbidden, BadGrant (no reason)."""
    require_acting(actor, user)
    proving.require_recent(actor)
    reason = " ".join(reason.replace("\0", "").split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        raise BadGrant(_("Say why, in a few words; the person will read it."), field="reason")
    until = timezone.now() + LASTS
    audit.record(actor, "user.act_as", user, reason=reason, until=until.isoformat())
    return until


def stop_acting(actor: Actor) -> None:
    """End it before its time; `actor` is the one who acts."""
    if actor.acting is not None and actor.user is not None:
        audit.record(actor, "user.act_as_end", actor.user)


def may_act_as(actor: Actor, user: User) -> bool:
    """For what pages offer."""
    try:
        require_acting(actor, user)
    except Forbidden:
        return False
    return True


def require_acting(actor: Actor, user: User) -> None:
    """Whether the actor may act as this person now; asked again with every request. Raises: Forbidden."""
    actor.require_in_person()
    actor.require(Right.ACT_AS, user)
    if actor.owns(user) or not user.is_active:
        raise Forbidden("not as oneself, nor as somebody who may not sign in")
    if user.is_administrator or holdings.of(user):
        raise Forbidden(f"{user} administers something")
