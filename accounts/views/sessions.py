"""Who is signed in: one's own sessions, those of people whose account one manages, and ending them."""

from __future__ import annotations

from functools import partial

from django.contrib.auth import logout
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors
from accounts.lists_sessions import SESSIONS, shown
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.selectors.sessions import get_session, list_own_sessions, list_sessions, list_sessions_of
from accounts.services.sessions import end_many, end_session, end_sessions, require_over_sessions
from accounts.signing_in import record_sign_out
from accounts.views.pages import person_page
from config.kit.bulk import BulkOrder, rows_of
from config.kit.bulk_pages import answer_bulk
from config.kit.pages import redirect_page, render_page, toast


@require_safe
def own_sessions(request: ActorRequest) -> HttpResponse:
    sessions = [shown(each, request.actor) for each in list_own_sessions(request.actor)]
    return render_page(request, "accounts/own_sessions.html", {"sessions": sessions, "own": True})


@require_POST
def session_end(request: ActorRequest, session_id: int) -> HttpResponse:
    """One's own or somebody's; ending the very one that asks is signing out."""
    session = get_session(request.actor, session_id)
    if session.pk == request.actor.session_id:
        record_sign_out(request.actor)
        logout(request)
        toast(request, _("You are signed out."))
        return redirect_page(request, "accounts:sign-in")
    end_session(request.actor, session)
    toast(request, _("That device is signed out."))
    if session.user is not None and not request.actor.owns(session.user):
        return redirect_page(request, "accounts:user-sessions", session.user.pk)
    return redirect_page(request, "accounts:own-sessions")


@require_POST
def own_sessions_end(request: ActorRequest) -> HttpResponse:
    """All but this one."""
    person = request.actor.user
    assert person is not None
    ended = end_sessions(request.actor, person, but_own=True)
    toast(request, _said(ended))
    return redirect_page(request, "accounts:own-sessions")


@require_safe
def user_sessions(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    context = {
        "object": person_page(request, person),
        "person": person,
        "sessions": [shown(each, request.actor) for each in list_sessions_of(request.actor, person)],
    }
    return render_page(request, "accounts/user_sessions.html", context)


@require_POST
def user_sessions_end(request: ActorRequest, user_id: int) -> HttpResponse:
    """All of a person's at once; one's own but the one that asks."""
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    require_over_sessions(request.actor, person)
    toast(request, _said(end_sessions(request.actor, person, but_own=True)))
    return redirect_page(request, "accounts:user-sessions", person.pk)


@require_safe
def session_list(request: ActorRequest) -> HttpResponseBase:
    rows = list_sessions(request.actor)
    return SESSIONS.answer(request, rows, "accounts/session_list.html", bulk_url=reverse("accounts:session-bulk"))


@require_http_methods(["GET", "HEAD", "POST"])
def session_bulk(request: ActorRequest) -> HttpResponse:
    return answer_bulk(
        request,
        SESSIONS.name,
        back="accounts:session-list",
        submit=partial(_end_many, request),
        list_label=SESSIONS.caption,
    )


def _end_many(request: ActorRequest, order: BulkOrder) -> str:
    """Also thousands end while the person waits: a person's are deleted together."""
    toast(request, _said(end_many(request.actor, rows_of(request.actor, order))))
    return reverse("accounts:session-list")


def _said(ended: int) -> str:
    return ngettext("%(count)d session ended.", "%(count)d sessions ended.", ended) % {"count": ended}
