"""Proving once more who it is, before what is dangerous; and back to where one was. What asks is `accounts.proving`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import half_way, second_step, sessions
from accounts.errors import TooManyAttempts, WrongCode, WrongPassword
from accounts.forms.factors import CodeForm, PresentPasswordForm, RecoveryForm
from accounts.gates import while_setting_up
from accounts.models import User
from accounts.requests import ActorRequest
from accounts.services import passkeys
from accounts.wording import wait_text
from config.kit.pages import own_page, redirect_page, render_page, toast

FORMS = {
    second_step.TOTP: CodeForm,
    second_step.RECOVERY: RecoveryForm,
    second_step.PASSWORD: PresentPasswordForm,
}


@sensitive_post_parameters("code", "answer")
@never_cache
@while_setting_up
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: ActorRequest) -> HttpResponse:
    actor = request.actor.acting or request.actor
    person = actor.user
    assert person is not None
    actor.require_in_person()
    target = target_of(request)
    methods = second_step.ways_to_prove(person)
    asked = request.POST.get("method") or request.GET.get("method") or methods[0]
    method = asked if asked in methods else methods[0]
    form = FORMS[method](request.POST or None) if method in FORMS else None
    problem, status = "", None
    if request.method == "POST" and method != second_step.PROVIDER:
        value = str(request.POST.get("answer" if method == second_step.PASSKEY else "code", ""))
        try:
            second_step.prove(actor, method=method, value=value, challenge=half_way.take_challenge(request))
        except WrongPassword:
            problem, status = _("This is not your present password."), 422
        except WrongCode:
            problem, status = _("This proves nothing now. Try again, or choose another way."), 422
        except TooManyAttempts as error:
            problem, status = wait_text(error.retry_after_s), 429
        else:
            return proved(request, target)
    return ask(request, person, method, form=form, target=target, problem=problem, status=status)


def target_of(request: HttpRequest) -> str:
    """The page of ours that proving leads back to."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return own_page(request, wanted, resolve_url(settings.LOGIN_REDIRECT_URL))


def proved(request: HttpRequest, target: str) -> HttpResponse:
    """They did."""
    sessions.note_proof(request)
    toast(request, _("Thank you. Go on within ten minutes."))
    return redirect_page(request, target)


def ask(
    request: HttpRequest, person: User, method: str, *, target: str, form: Any = None, problem: str = "",
    status: int | None = None,
) -> HttpResponse:  # fmt: skip
    """The page that asks, by one of `second_step.ways_to_prove`. problem: why the last try didn't count."""
    context = {
        "form": form,
        "method": method,
        "others": [each for each in second_step.ways_to_prove(person) if each != method],
        "problem": problem,
        "next": target,
        "question": "",
        "can_prove": method != second_step.PASSWORD or second_step.has_password(person),
        "provider": second_step.proves_at(person) if method == second_step.PROVIDER else None,
    }
    if method == second_step.PASSKEY:
        question = passkeys.ask(person)
        half_way.keep_challenge(request, question.challenge)
        context["question"] = question.options
    return render_page(request, "accounts/prove.html", context, status=status)


def ask_for_proof(request: HttpRequest) -> HttpResponse:
    """The answer to `ProofNeeded`, whichever page raised it: prove it, and come back to that page.

    After a form was sent it is the page that the form stood on: what was typed is gone, nothing was done.
    """
    page = request.get_full_path() if request.method in {"GET", "HEAD"} else _page_before(request)
    if request.method not in {"GET", "HEAD"}:
        toast(request, _("Nothing was done yet: first prove that it is you."), "info")
    return redirect_page(request, f"{reverse('accounts:prove')}?{urlencode({'next': page})}")


def _page_before(request: HttpRequest) -> str:
    parts = urlsplit(request.META.get("HTTP_REFERER", ""))
    before = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return before if parts.netloc == request.get_host() and before else request.path
