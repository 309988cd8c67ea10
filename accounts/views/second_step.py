"""Signing in beyond the password: the second step, and passkeys that need no password. Strangers reach these pages.

Who is half way in has no session yet (`accounts.half_way`); here the session begins.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import half_way, open_questions, second_step, signing_in
from accounts.errors import TooManyAttempts, WrongCode
from accounts.forms.factors import CodeForm, RecoveryForm
from accounts.requests import ActorRequest
from accounts.services import passkeys, trusted_devices
from accounts.views.entering import DEVICE_COOKIE, let_in, trust_browser
from accounts.wording import wait_text
from config.kit.pages import own_page, redirect_page, render_page, toast

FORMS = {second_step.TOTP: CodeForm, second_step.RECOVERY: RecoveryForm}


@sensitive_post_parameters("code", "answer")
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def second_step_page(request: ActorRequest) -> HttpResponse:
    half = half_way.of(request)
    if half is None:
        return redirect_page(request, settings.LOGIN_URL)
    methods = second_step.methods_of(half.user)
    wanted = request.POST.get("method") or request.GET.get("method") or methods[0]
    method = wanted if wanted in methods else methods[0]
    problem, status = "", None
    form = FORMS[method](request.POST or None) if method in FORMS else None
    if request.method == "POST":
        try:
            return _passed(request, half, method)
        except WrongCode:
            half_way.note_wrong(request)
            if half_way.of(request) is None:
                half_way.end(request)
                toast(request, _("Too many wrong codes. Sign in again."), "error")
                return redirect_page(request, settings.LOGIN_URL)
            problem, status = _wrong(method), 422
        except TooManyAttempts as error:
            problem, status = wait_text(error.retry_after_s), 429
    context = {
        "form": form,
        "method": method,
        "others": [each for each in methods if each != method],
        "problem": problem,
        "person": half.user,
        "trust_days": trusted_devices.days_for(half.user),
        "question": _question(request, half, method),
    }
    return render_page(request, "accounts/second_step.html", context, status=status)


@require_POST
@never_cache
@login_not_required
def passkey_question(request: ActorRequest) -> HttpResponse:
    """What the browser asks any passkey; the same for everybody. Kept for one answer."""
    question = passkeys.ask()
    response = JsonResponse({"options": question.options})
    open_questions.keep(request, response, question.challenge.hex(), {"kind": "passkey"})
    return response


@sensitive_post_parameters("answer")
@require_POST
@never_cache
@login_not_required
def passkey_sign_in(request: ActorRequest) -> HttpResponse:
    """The answer of a passkey: it signs in, or says no more than that it didn't."""
    target = own_page(request, request.POST.get("next", ""), resolve_url(settings.LOGIN_REDIRECT_URL))
    asked = open_questions.take(request, open_questions.last_name(request, "passkey"))
    challenge = b"" if asked is None else bytes.fromhex(asked["name"])
    try:
        user = signing_in.sign_in_by_passkey(request, answer=request.POST.get("answer", ""), challenge=challenge)
    except WrongCode:
        toast(request, _("This passkey opens nothing here. Sign in with your password."), "error")
        return redirect_page(request, settings.LOGIN_URL)
    except TooManyAttempts as error:
        toast(request, wait_text(error.retry_after_s), "error")
        return redirect_page(request, settings.LOGIN_URL)
    return let_in(request, user, target, how="passkey", second="passkey")


def _passed(request: ActorRequest, half: half_way.HalfWay, method: str) -> HttpResponse:
    """Try what was sent; where it is right, they are in. Raises: WrongCode, TooManyAttempts."""
    second_step.pass_second_step(
        request.actor,
        half.user,
        method=method,
        value=str(request.POST.get("answer" if method == second_step.PASSKEY else "code", "")),
        challenge=half_way.take_challenge(request),
        device=request.COOKIES.get(DEVICE_COOKIE),
    )
    response = let_in(request, half.user, half.target, how=half.how, second=method, word=half.word)
    if request.user.is_authenticated and request.POST.get("trust"):  # a source may say otherwise by now
        trust_browser(request, half.user, response)
    return response


def _question(request: ActorRequest, half: half_way.HalfWay, method: str) -> str:
    """For the page's script, where a passkey is asked for."""
    if method != second_step.PASSKEY:
        return ""
    question = passkeys.ask(half.user)
    half_way.keep_challenge(request, question.challenge)
    return question.options


def _wrong(method: str) -> str:
    if method == second_step.RECOVERY:
        return _("This is none of your recovery codes, or it was used before.")
    if method == second_step.PASSKEY:
        return _("The passkey didn't answer. Try again, or choose another way.")
    return _("The code isn't right, or it was used before. Wait for the next one.")
