"""The way to an identity provider and back, for whatever it is gone: what was asked is kept with the browser, counts
once, for ten minutes, and of somebody who is signed in for the very session that asked.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import open_questions
from accounts.models import Source
from accounts.requests import ActorRequest
from accounts.services.source_sign_in import provider_of
from accounts.sources.oidc import Claims, Question
from config.kit.pages import render_page

SIGN_IN, PROVE, LINK = "sign in", "prove", "link"  # for what somebody goes there


def send(
    request: ActorRequest, source: Source, question: Question, *, purpose: str, target: str, hint: str = ""
) -> HttpResponse:
    """Send the browser to the provider. target: the page of ours that it comes to in the end. Raises: SourceFailed."""
    response = HttpResponseRedirect(
        provider_of(source).address_to_ask(question, redirect_uri=back_address(request, source), hint=hint)
    )
    asked = {
        "kind": "provider",
        "source": source.pk,
        "nonce": question.nonce,
        "verifier": question.verifier,
        "since": question.since,
        "purpose": purpose,
        "session": request.actor.session_id,
        "next": target,
    }
    open_questions.keep(request, response, question.state, asked)
    return response


def take(request: ActorRequest, source: Source) -> dict[str, Any] | None:
    """The question that this browser's answer belongs to, which is used up by it; None where there is none.

    A question of somebody who is signed in is none of another session's, nor of a stranger's.
    """
    found = open_questions.take(request, request.GET.get("state", ""), kind="provider", source=source.pk)
    if found is None or (found["purpose"] != SIGN_IN and found["session"] != request.actor.session_id):
        return None
    return found


def claims_of(request: ActorRequest, source: Source, found: dict[str, Any]) -> Claims:
    """What the provider says to the question. Raises: Denied, SourceFailed."""
    question = Question(found["name"], found["nonce"], found["verifier"], found["since"])
    given = {name: request.GET.get(name, "") for name in ("state", "code", "error", "iss")}
    return provider_of(source).answer(question, given, redirect_uri=back_address(request, source))


def back_address(request: ActorRequest, source: Source) -> str:
    """An address of its own for each source, so that no provider's answer is taken for another's (RFC 9700 §4.4)."""
    return request.build_absolute_uri(reverse("accounts:provider-back", args=[source.pk]))


def failed(request: ActorRequest, text: Any, status: int) -> HttpResponse:
    return render_page(request, "accounts/sign_in_failed.html", {"problem": text}, status=status)
