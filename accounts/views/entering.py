"""The last step of every way in: a second step where somebody has a factor, then the session and its cookies.

Every page that proves who somebody is (password, link, provider, passkey) ends in `let_in`, so that none goes past the
second step.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

from accounts import factors, half_way, password_age, second_step, sessions, signing_in, throttle
from accounts.actors import Actor
from accounts.models import Source, User
from accounts.requests import ActorRequest
from accounts.services import trusted_devices
from accounts.services.source_sign_in import Word
from config.kit.pages import redirect_page, toast

_PREFIX = "__Host-postkeep" if settings.SESSION_COOKIE_SECURE else "postkeep"
DEVICE_COOKIE = f"{_PREFIX}-device"
TRUSTED_COOKIE = f"{_PREFIX}-trusted"
TRUSTED_MAX = 4  # people who share a browser


def let_in(
    request: ActorRequest,
    user: User,
    target: str,
    *,
    how: str = "password",
    second: str = "",
    word: Word | None = None,
    source: Source | None = None,
    said: str = "",
) -> HttpResponse:
    """Begin a session (with a new key) and go to `target`, or ask for the second factor first.

    how: what was shown; second: the factor that was shown with it, where it was ("passkey" alone is both). word: what a
    source said of them and what counts once they are in. source, said: an identity provider, and how it says that they
    signed in there.
    """
    if not second and factors.has_second_factor(user):
        if trusted_devices.is_trusted(user, trusted_values(request)):
            second = second_step.TRUSTED
        else:
            half_way.begin(request, user, how=how, target=target, word=word)
            return redirect_page(request, "accounts:second-step")
    half_way.end(request)
    if word is not None and not signing_in.take_word(request, user, word):
        toast(request, _("You could not be signed in. Ask your administrator if you should be."), "error")
        return redirect_page(request, settings.LOGIN_URL)
    sessions.begin(request, user, how=how, second=second, source=source, said=said)
    if second == second_step.TRUSTED:
        sessions.forget_proof(request)
    if how == "password" and password_age.standing_of(user).is_due:
        sessions.ask_for_password(request)
        target = resolve_url("accounts:change-password")
    if how == "oidc" and signing_in.lacks_groups(user):
        toast(request, _("Your provider doesn't say all of your groups, so your roles here stay as they were."), "info")
    signing_in.record_sign_in(request, user, how=how, second=second)
    response = redirect_page(request, target)
    _set(response, DEVICE_COOKIE, throttle.device_cookie(user), throttle.DEVICE_AGE_S)
    return response


def trust_browser(request: ActorRequest, user: User, response: HttpResponse) -> None:
    """Don't ask here again for some days, where the option lets it; others who share the browser keep theirs."""
    actor = Actor.for_user(user, address=request.META.get("REMOTE_ADDR", ""), via="page")
    made = trusted_devices.trust(actor, user, agent=request.META.get("HTTP_USER_AGENT", ""))
    if made is not None:
        value, age_s = made
        kept = [value, *trusted_values(request)][:TRUSTED_MAX]
        _set(response, TRUSTED_COOKIE, ".".join(kept), age_s)


def trusted_values(request: ActorRequest) -> list[str]:
    """What this browser's cookie holds; worth something only for its own person."""
    return [each for each in request.COOKIES.get(TRUSTED_COOKIE, "")[:500].split(".") if each][:TRUSTED_MAX]


def _set(response: HttpResponse, name: str, value: str, age_s: int) -> None:
    response.set_cookie(
        name, value, max_age=age_s, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )
