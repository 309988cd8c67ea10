"""What a session stands for: a person with their password, a temporary sign-in, or an administrator acting as somebody.

Marks are kept in the session; who may act is asked again with every request. Not for signing in (`signing_in`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import factors, options, program_sessions
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import Session, Source, User
from accounts.permissions import EndUserRight, Text
from accounts.services.acting import require_acting
from accounts.services.sign_in_links import HOURS_MAX
from accounts.sessionstore import ABOUT, AGENT_MAX, SessionStore

_TEMPORARY = "temporary_until"
_ACTING = "acting_as"
_PROVED = "proved_at"
_PASSWORD_DUE = "password_due"  # noqa: S105  (a mark)
_BACKEND = "django.contrib.auth.backends.ModelBackend"
UNATTENDED = "HTTP_X_UNATTENDED"  # what a page asks by itself, over and over, is no use of the session
WAYS: dict[str, Text] = {
    "password": _("Password"),
    "set_password": _("Link for a password"),
    "link": _("Temporary sign-in"),
    "directory": _("Directory"),
    "imap": _("Mail server"),
    "oidc": _("Single sign-on"),
    "passkey": _("Passkey"),
    program_sessions.IREDADMIN: _("Program: iRedAdmin’s interface"),
    program_sessions.PWD: _("Program: command line (PWD)"),
    program_sessions.JWT: _("Program: signed token (James)"),
}
SECOND_OF_PROVIDER = "provider"
SECONDS: dict[str, Text] = {
    "totp": _("one-time code"),
    "passkey": _("passkey"),
    "recovery": _("recovery code"),
    "trusted": _("trusted device"),
    SECOND_OF_PROVIDER: _("at the identity provider"),
}


def begin(
    request: HttpRequest, user: User, *, how: str = "password", second: str = "", source: Source | None = None,
    said: str = "",
) -> None:  # fmt: skip
    """A session with a new key, for as long as the option SESSION_HOURS says; the person's oldest may end for it.

    how: what proved who they are, a key of WAYS. second: the second factor they showed, a key of SECONDS. source, said:
    the identity provider, and how it says that they signed in there.
    """
    found = options.resolve_some(["SESSION_HOURS", "SESSIONS_MAX"], user)
    login(request, user, backend=_BACKEND)
    request.session.pop(_TEMPORARY, None)
    request.session.pop(_ACTING, None)
    request.session.pop(_PASSWORD_DUE, None)
    note_proof(request)
    _describe(request, how, second, source, said)
    request.session.set_expiry(timezone.now() + timedelta(hours=int(found["SESSION_HOURS"].value)))
    _keep_to(int(found["SESSIONS_MAX"].value), request, user)


def begin_temporary(request: HttpRequest, user: User) -> None:
    """A session of a few hours that holds no rights."""
    request.session.flush()
    login(request, user, backend=_BACKEND)
    until = timezone.now() + timedelta(hours=HOURS_MAX)
    request.session[_TEMPORARY] = until.timestamp()
    _describe(request, "link")
    request.session.set_expiry(until)


def note_proof(request: HttpRequest) -> None:
    """The person has just proved who they are (`accounts.proving`)."""
    request.session[_PROVED] = timezone.now().timestamp()


def note_said(request: HttpRequest, source: Source, said: str) -> None:
    """The person's identity provider said anew how they signed in there."""
    about = request.session.get(ABOUT)
    if isinstance(about, dict):
        second = SECOND_OF_PROVIDER if source.meets_demand(said) else about.get("second", "")
        request.session[ABOUT] = about | {"source": source.pk, "said": said, "second": second}


def forget_proof(request: HttpRequest) -> None:
    """Nothing was shown now that only the person has: what is dangerous asks for it."""
    request.session.pop(_PROVED, None)


def ask_for_password(request: HttpRequest) -> None:
    """This session's person signed in with a password that must be changed: nothing is open before they did."""
    request.session[_PASSWORD_DUE] = True


def is_asked_for_password(request: HttpRequest) -> bool:
    return bool(request.session.get(_PASSWORD_DUE))


def forget_password_asked(request: HttpRequest) -> None:
    """They did, or nobody wants it any more."""
    request.session.pop(_PASSWORD_DUE, None)


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
    row = row_of(request)
    actor = replace(actor, session_id=None if row is None else row.pk)
    if not may_enter(actor):
        return None
    temporary = _moment(request.session.get(_TEMPORARY))
    if temporary is not None and actor.user is not None and factors.has_second_factor(actor.user):
        return None  # it was set up since: no link goes past it
    actor = replace(actor, proved_at=None if temporary else _moment(request.session.get(_PROVED)))
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


def row_of(request: HttpRequest) -> Session | None:
    """This request's session as it was when the request began."""
    return request.session.row if isinstance(request.session, SessionStore) else None


def is_idle(request: HttpRequest, minutes: int) -> bool:
    """Whether nobody used the session for so long (0: however long)."""
    row = row_of(request)
    return bool(minutes and row is not None and row.last_used_at < timezone.now() - timedelta(minutes=minutes))


def note_use(request: HttpRequest) -> None:
    """Somebody uses the session now; not what a page asks by itself while nobody looks."""
    if isinstance(request.session, SessionStore) and UNATTENDED not in request.META:
        request.session.note_use(str(request.META.get("REMOTE_ADDR", "")))


def until_of(request: HttpRequest) -> datetime | None:
    """When a temporary sign-in or the acting ends, for the banner."""
    mark = request.session.get(_ACTING)
    return _moment(mark.get("until")) if isinstance(mark, dict) else _moment(request.session.get(_TEMPORARY))


def _describe(request: HttpRequest, how: str, second: str = "", source: Source | None = None, said: str = "") -> None:
    request.session[ABOUT] = {
        "how": how,
        "second": second,
        "source": source and source.pk,
        "said": said,
        "address": str(request.META.get("REMOTE_ADDR", "")),
        "agent": str(request.META.get("HTTP_USER_AGENT", ""))[:AGENT_MAX].replace("\0", ""),
        "since": timezone.now().timestamp(),
    }


def _keep_to(most: int, request: HttpRequest, user: User) -> None:
    """Keep the session and end those used longest ago beyond so many (0: any number); one sign-in at a time."""
    with transaction.atomic():
        list(User.objects.select_for_update(no_key=True).filter(pk=user.pk).values("pk"))
        request.session.save()
        if most:
            own = row_of(request)
            browsers = Session.objects.filter(user=user).exclude(how__in=program_sessions.PROGRAMS)
            others = browsers.exclude(pk=own.pk if own else 0)
            last_used = others.order_by("-last_used_at", "-pk").values_list("pk", flat=True)
            others.filter(pk__in=list(last_used[most - 1 :])).delete()


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
