"""Coming in and leaving: sign-in, sign-out, one-time links. The only pages of this app that strangers reach."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import links, options, services, sessions, signing_in, throttle
from accounts.errors import BadAddress, BadLink, BadPassword, TooManyAttempts, WrongPassword
from accounts.forms import FirstAdministratorForm, NewPasswordForm, SignInForm
from accounts.gates import while_setting_up
from accounts.models import OneTimeLink
from accounts.requests import ActorRequest
from accounts.selectors.sources import buttons, has_providers
from accounts.services import passkeys
from accounts.services.sign_in_links import accept_sign_in_link
from accounts.sources.errors import SourceUnavailable
from accounts.views.entering import DEVICE_COOKIE, let_in
from accounts.wording import wait_text
from config.kit.pages import own_page, redirect_page, render_page, toast

AWAY = gettext_lazy(
    "The place where passwords of this domain are checked doesn’t answer now. Try again in a while; your "
    "administrators see it too."
)


@sensitive_post_parameters("password")
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: ActorRequest) -> HttpResponse:
    target = safe_target(request)
    if request.method != "POST" and request.actor.user is not None:
        return redirect_page(request, target)
    form = SignInForm(request.POST or None)
    problem, status = "", None
    if request.method == "POST" and form.is_valid():
        try:
            device = request.COOKIES.get(DEVICE_COOKIE)
            proved = signing_in.sign_in(request, **form.cleaned_data, device=device)
            return let_in(request, proved.user, target, how=proved.how, word=proved.word)
        except WrongPassword:
            problem, status = _("Address and password don't belong together."), 422
        except TooManyAttempts as error:
            problem, status = wait_text(error.retry_after_s), 429
        except SourceUnavailable:
            problem, status = str(AWAY), 503
    said = options.resolve_some(["SIGN_IN_TEXT", "SUPPORT_EMAIL"])
    context = {
        "form": form,
        "buttons": buttons(),
        "has_providers": has_providers(),
        "problem": problem,
        "is_throttled": status == 429,
        "next": target,
        "text": said["SIGN_IN_TEXT"].value,
        "support": said["SUPPORT_EMAIL"].value,
        "passkeys": passkeys.is_possible(),
    }
    return render_page(request, "accounts/sign_in.html", context, status=status)


@while_setting_up
@require_POST
def sign_out(request: ActorRequest) -> HttpResponse:
    signing_in.record_sign_out(request.actor)
    logout(request)
    toast(request, _("You are signed out."))
    return redirect_page(request, settings.LOGOUT_REDIRECT_URL)


@sensitive_post_parameters("password")
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: ActorRequest, token: str) -> HttpResponse:
    """A one-time link. Following it changes nothing; the button does."""
    try:
        found = links.find(token)
        if found.kind == OneTimeLink.Kind.FIRST_ADMINISTRATOR:
            return _first_administrator(request, found)
        if found.kind == OneTimeLink.Kind.SIGN_IN:
            return _temporary(request, found)
        return _new_password(request, found)
    except BadLink:
        return render_page(request, "accounts/link_bad.html", status=404)


def _new_password(request: ActorRequest, found: OneTimeLink) -> HttpResponse:
    form = NewPasswordForm(request.POST or None, about=found.user)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.accept_link(found, password=form.cleaned_data["password"])
            throttle.forgive_account(user)
            toast(request, _("Your password is set."))
            if not signing_in.may_begin(user):  # another place says who they are
                return redirect_page(request, "accounts:sign-in")
            return let_in(request, user, resolve_url(settings.LOGIN_REDIRECT_URL), how="set_password")
        except BadPassword as error:
            form.add_error("password", error.messages)
        except TooManyAttempts as error:
            form.add_error("password", wait_text(error.retry_after_s))
    return render_page(request, "accounts/link.html", {"form": form, "link": found})


def _temporary(request: ActorRequest, found: OneTimeLink) -> HttpResponse:
    """The button signs in; whoever was signed in here before is not any more."""
    if request.method != "POST":
        return render_page(request, "accounts/link_sign_in.html", {"link": found})
    user = accept_sign_in_link(found, address=request.META.get("REMOTE_ADDR", ""))
    sessions.begin_temporary(request, user)
    return redirect_page(request, settings.LOGIN_REDIRECT_URL)


def _first_administrator(request: ActorRequest, found: OneTimeLink) -> HttpResponse:
    form = FirstAdministratorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.accept_first_administrator_link(found, **form.cleaned_data)
            toast(request, _("Welcome. You are the first administrator."))
            return let_in(request, user, resolve_url(settings.LOGIN_REDIRECT_URL), how="set_password")
        except BadAddress as error:
            form.add_error("email", str(error))
        except BadPassword as error:
            form.add_error("password", error.messages)
    return render_page(request, "accounts/first_administrator.html", {"form": form, "link": found})


def safe_target(request: ActorRequest) -> str:
    """Where to go afterwards: a page of ours, or the start page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return own_page(request, wanted, resolve_url(settings.LOGIN_REDIRECT_URL))
