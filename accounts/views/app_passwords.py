"""App passwords: one's own, made and deleted, and those of people whose account one manages."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors
from accounts.errors import BadGrant, NameTaken
from accounts.forms.guarding import AppPasswordForm
from accounts.models import AppPassword, User
from accounts.permissions import EndUserRight, Right
from accounts.requests import ActorRequest
from accounts.services.app_passwords import (
    create_app_password,
    delete_all_app_passwords,
    delete_app_password,
    get_app_password,
    list_app_passwords,
    require_making,
)
from accounts.views.pages import person_page
from config.kit.pages import redirect_page, render_page, toast


def _oneself(request: ActorRequest) -> User:
    person = request.actor.user
    assert person is not None
    return person


@require_safe
def own_app_passwords(request: ActorRequest) -> HttpResponse:
    actor = request.actor
    rows = AppPassword.objects.none() if not actor.in_person else list_app_passwords(actor, _oneself(request))
    may_make = actor.in_person and (actor.administers or actor.may(EndUserRight.CREATE_TOKENS))
    context = {"rows": rows, "may_make": may_make, "own": True}
    return render_page(request, "accounts/own_app_passwords.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def app_password_create(request: ActorRequest) -> HttpResponse:
    """The value is shown on the answer to the POST, once."""
    person = _oneself(request)
    require_making(request.actor, person)
    form = AppPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_app_password(request.actor, person, **form.values())
        except BadGrant as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except NameTaken as error:
            form.add_error("name", str(error))
        else:
            context = {"row": made.row, "value": made.value, "person": person}
            return render_page(request, "accounts/app_password_made.html", context)
    return render_page(request, "accounts/app_password_create.html", {"form": form})


@require_POST
def app_password_delete(request: ActorRequest, row_id: int) -> HttpResponse:
    row = get_app_password(request.actor, _oneself(request), row_id)
    delete_app_password(request.actor, row)
    toast(request, _("“%(name)s” opens nothing any more.") % {"name": row.name})
    return redirect_page(request, "accounts:own-app-passwords")


@require_POST
def app_passwords_delete(request: ActorRequest) -> HttpResponse:
    toast(request, _said(delete_all_app_passwords(request.actor, _oneself(request))))
    return redirect_page(request, "accounts:own-app-passwords")


@require_safe
def user_app_passwords(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    rows = list_app_passwords(request.actor, person) if request.actor.dominates(person) else []
    context = {"object": person_page(request, person), "person": person, "rows": rows}
    return render_page(request, "accounts/user_app_passwords.html", context)


@require_POST
def user_app_password_delete(request: ActorRequest, user_id: int, row_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    row = get_app_password(request.actor, person, row_id)
    delete_app_password(request.actor, row)
    toast(request, _("“%(name)s” opens nothing any more.") % {"name": row.name})
    return redirect_page(request, "accounts:user-app-passwords", person.pk)


@require_POST
def user_app_passwords_delete(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    toast(request, _said(delete_all_app_passwords(request.actor, person)))
    return redirect_page(request, "accounts:user-app-passwords", person.pk)


def _said(count: int) -> str:
    return ngettext("%(count)d app password deleted.", "%(count)d app passwords deleted.", count) % {"count": count}
