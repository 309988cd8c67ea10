"""A person's own page: name, language, appearance, password."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import options, password_age, proving, services, sessions
from accounts.errors import BadPassword, TooManyAttempts, WrongPassword
from accounts.forms import AccountForm, ChangePasswordForm
from accounts.gates import while_setting_up
from accounts.permissions import EndUserRight
from accounts.requests import ActorRequest
from accounts.services.sign_in_links import is_suitable
from accounts.views.options import own_values
from accounts.wording import wait_text
from config.kit.pages import redirect_page, render_page, toast


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: ActorRequest) -> HttpResponse:
    user = request.actor.user
    assert user is not None
    initial = {"name": user.name, "language": user.language, "theme": user.theme}
    form = AccountForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        services.set_preferences(request.actor, **form.cleaned_data)
        toast(request, _("Saved."))
        return redirect_page(request, "accounts:account")
    context = {
        "form": form,
        "person": user,
        "values": own_values(request.actor),
        "support": options.value("SUPPORT_EMAIL", user),
        "may_edit": request.actor.may(EndUserRight.EDIT_PROFILE) or request.actor.administers,
        "may_change_password": request.actor.in_person,
        "may_send_link": request.actor.in_person and is_suitable(user),
    }
    return render_page(request, "accounts/account.html", context)


@sensitive_post_parameters("old", "password")
@while_setting_up
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: ActorRequest) -> HttpResponse:
    request.actor.require_in_person()
    assert request.actor.user is not None
    standing = password_age.standing_of(request.actor.user)
    if not standing.is_due:
        request.actor.require_own(EndUserRight.CHANGE_PASSWORD)
    if request.actor.user.second_factor_at is not None:
        proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    form = ChangePasswordForm(request.POST or None, about=request.actor.user)
    status = None
    if request.method == "POST" and form.is_valid():
        try:
            user = services.change_password(
                request.actor, old=form.cleaned_data["old"], new=form.cleaned_data["password"]
            )
            update_session_auth_hash(request, user)
            toast(request, _("Your password is changed. Everywhere else you are signed out."))
            if not sessions.is_asked_for_password(request):
                return redirect_page(request, "accounts:account")
            sessions.forget_password_asked(request)
            return redirect_page(request, resolve_url(settings.LOGIN_REDIRECT_URL))
        except WrongPassword:
            form.add_error("old", _("This is not your present password."))
        except BadPassword as error:
            form.add_error("password", error.messages)
        except TooManyAttempts as error:
            form.add_error("old", wait_text(error.retry_after_s))
            status = 429
    context = {"form": form, "standing": standing, "is_asked": sessions.is_asked_for_password(request)}
    return render_page(request, "accounts/change_password.html", context, status=status)
