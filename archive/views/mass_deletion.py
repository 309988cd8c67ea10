"""Deleting the messages of a search: what would go, in numbers, then asked for."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive.errors import ArchiveError
from archive.keeping_forms import DeleteManyForm
from archive.services import mass_deletion
from archive.services.mass_deletion import DeleteMessagesArguments
from archive.views.doors import sent
from config.kit.pages import render_page
from jobs import two_people
from jobs.dry_runs import Plan
from jobs.views.approvals import ask_and_answer


@require_http_methods(["GET", "HEAD", "POST"])
def messages_delete(request: ActorRequest) -> HttpResponse:
    """GET shows the form; POST says how many match, and asks for it (`ask`)."""
    request.actor.require(Right.DELETE_MAIL)
    form = DeleteManyForm(sent(request))
    plan: Plan | None = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        arguments = DeleteMessagesArguments(
            values["query"], values["reason"], values["user_name"].strip() or None, values["at_most"]
        )
        try:
            plan = mass_deletion.plan(request.actor, arguments)
        except ArchiveError as error:
            form.add_error(None, str(error))
        if plan is not None and "ask" in request.POST:
            answer = ask_and_answer(request, form, mass_deletion.COMMAND, arguments)
            if answer is not None:
                return answer
    waits = two_people.needed(request.actor, Right.DELETE_MAIL, None)
    return render_page(request, "archive/messages_delete.html", {"form": form, "plan": plan, "waits": waits})
