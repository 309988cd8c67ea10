"""Access tokens: one's own, made and revoked, and those of people whose account one manages."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import proving, selectors
from accounts.errors import BadGrant, NameTaken
from accounts.forms import TokenForm
from accounts.permissions import EndUserRight, Right
from accounts.requests import ActorRequest
from accounts.services.tokens import create_token, revoke_token
from accounts.views.pages import person_page
from config.kit.pages import redirect_page, render_page, toast


@require_safe
def own_tokens(request: ActorRequest) -> HttpResponse:
    actor = request.actor
    may_make = actor.in_person and (actor.administers or actor.may(EndUserRight.CREATE_TOKENS))
    tokens = selectors.list_tokens(actor)
    return render_page(request, "accounts/own_tokens.html", {"tokens": tokens, "may_make": may_make})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_create(request: ActorRequest) -> HttpResponse:
    """The value is shown on the answer to the POST, once."""
    actor, person = request.actor, request.actor.user
    assert person is not None
    actor.require_in_person()
    form = TokenForm(request.POST or None, held=[right for right in Right if actor.has_somewhere(right)])
    if not actor.administers:
        actor.require_own(EndUserRight.CREATE_TOKENS)
    proving.require_recent(actor)  # before the form, so that nothing typed is lost
    if request.method == "POST" and form.is_valid():
        try:
            made = create_token(actor, person, **form.values())
        except BadGrant as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except NameTaken as error:
            form.add_error("name", str(error))
        else:
            return render_page(request, "accounts/token_made.html", {"token": made.token, "value": made.value})
    return render_page(request, "accounts/token_create.html", {"form": form})


@require_POST
def token_revoke(request: ActorRequest, token_id: int) -> HttpResponse:
    person = request.actor.user
    assert person is not None
    token = selectors.get_token(request.actor, person, token_id)
    revoke_token(request.actor, token)
    toast(request, _("“%(name)s” opens nothing any more.") % {"name": token.name})
    return redirect_page(request, "accounts:own-tokens")


@require_safe
def user_tokens(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    context: dict[str, Any] = {
        "object": person_page(request, person),
        "person": person,
        "tokens": selectors.list_tokens(request.actor, person),
    }
    return render_page(request, "accounts/user_tokens.html", context)


@require_POST
def user_token_revoke(request: ActorRequest, user_id: int, token_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    token = selectors.get_token(request.actor, person, token_id)
    revoke_token(request.actor, token)
    toast(request, _("“%(name)s” opens nothing any more.") % {"name": token.name})
    return redirect_page(request, "accounts:user-tokens", person.pk)
