"""What a session stands for: a person with their password, a temporary sign-in, or an administrator acting as somebody.

Marks are kept in the session; who may act is asked again with every request. Not for signing in (`signing_in`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest
from django.utils import timezone

from accounts import options
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.permissions import EndUserRight
from accounts.services.acting import require_acting
from accounts.services.sign_in_links import HOURS_MAX

_TEMPORARY = "temporary_until"
_ACTING = "acting_as"
_BACKEND = "django.contrib.auth.backends.ModelBackend"


def begin(request: HttpRequest, user: User) -> None:
    """A session with a new key, for as long as the option SESSION_HOURS says."""
    hours = int(options.value("SESSION_HOURS", user))
    login(request, user, backend=_BACKEND)
    request.session.pop(_TEMPORARY, None)
    request.session.pop(_ACTING, None)
    request.session.set_expiry(hours * 3600)


def begin_temporary(request: HttpRequest, user: User) -> None:
    """A session of a few hours that holds no rights."""
    request.session.flush()
    login(request, user, backend=_BACKEND)
    until = timezone.now() + timedelta(hours=HOURS_MAX)
    request.session[_TEMPORARY] = until.timestamp()
    request.session.set_expiry(HOURS_MAX * 3600)


def begin_acting(request: HttpRequest, user: User, reason: str, until: datetime) -> None:
    """From the next request on, this session's person acts as `user`."""
    request.session[_ACTING] = {"user": user.pk, "reason": reason, "until": until.timestamp()}


def end_acting(request: HttpRequest) -> None:
    request.session.pop(_ACTING, None)


def actor_of(request: HttpRequest) -> Actor | None:
    """Who this request's session stands for; None when what it stood for has ended, so that it must end too."""
    user = request.user
    actor = Actor.for_user(user, address=request.META.get("REMOTE_ADDR", ""), via="page")
    if actor.user is None:
        return actor
    if not may_enter(actor):
        return None
    temporary = _moment(request.session.get(_TEMPORARY))
    if temporary is not None:
        return actor.restricted([]) if temporary > timezone.now() else None
    mark = request.session.get(_ACTING)
    return _acting(request, actor, mark) if mark else actor


def may_enter(actor: Actor, door: str = "web") -> bool:
    """Whether a person may come in by a door ("web", "api"): it isn't shut to them, nor are they shut out.

    Who administers something comes in also where the domain lets its people not.
    """
    person = actor.user
    if person is not None and person.login_privileges is not None and door not in person.login_privileges:
        return False
    if person is not None and EndUserRight.SIGN_IN.value in person.denied_rights:
        return False
    return actor.may(EndUserRight.SIGN_IN) or actor.administers


def until_of(request: HttpRequest) -> datetime | None:
    """When a temporary sign-in or the acting ends, for the banner."""
    mark = request.session.get(_ACTING)
    return _moment(mark.get("until")) if isinstance(mark, dict) else _moment(request.session.get(_TEMPORARY))


def _acting(request: HttpRequest, actor: Actor, mark: dict[str, Any]) -> Actor:
    """The one who acts, or themselves again where the time is over or they may no longer."""
    until = _moment(mark.get("until"))
    person = User.objects.filter(pk=int(mark.get("user") or 0)).first()
    try:
        if until is None or until <= timezone.now() or person is None:
            raise Forbidden("the time is over")
        require_acting(actor, person)
    except Forbidden:
        end_acting(request)
        return actor
    return actor.acting_as(person, str(mark.get("reason", "")))


def _moment(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
