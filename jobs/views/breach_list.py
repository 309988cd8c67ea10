"""Known passwords that nobody may choose: which lists there are, a file to upload, and the uploaded one removed."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import places
from accounts.breach_list import lists
from accounts.errors import BadBreachList
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.scopes import SERVER
from accounts.services.breach_lists import remove_upload, take_upload
from accounts.views.pages import scope_page
from config.kit.pages import redirect_page, render_page, toast
from jobs import services
from jobs.breach_words import problem_of, why
from jobs.commands import NoArguments
from jobs.forms.breach_list import BreachListForm
from jobs.password_commands import INDEX


@require_http_methods(["GET", "HEAD", "POST"])
def breach_list(request: ActorRequest) -> HttpResponse:
    """A file that is sent is kept, and made searchable by a task."""
    server = places.get(request.actor, SERVER, Right.MANAGE_SERVER)
    form = BreachListForm(request.POST, request.FILES) if request.method == "POST" else BreachListForm()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            take_upload(request.actor, file.chunks(), name=file.name or "")
        except BadBreachList as error:
            form.add_error("file", str(error))
        else:
            return _index(request)
    shown = [
        {"listed": each, "problem": problem_of(each), "garbage": [(line, why(code)) for line, code in each.garbage]}
        for each in lists.there()
    ]
    context = {
        "object": scope_page(request, SERVER, server),
        "form": form,
        "lists": shown,
        "may_index": any(each.problem in (lists.WAITS, lists.STALE) for each in lists.there()),
    }
    return render_page(request, "jobs/breach_list.html", context)


@require_POST
def breach_list_index(request: ActorRequest) -> HttpResponse:
    """Make searchable what waits."""
    request.actor.require(Right.MANAGE_SERVER)
    return _index(request)


@require_POST
def breach_list_remove(request: ActorRequest) -> HttpResponse:
    if remove_upload(request.actor):
        toast(request, _("The uploaded list is removed; nothing is looked up in it any more."))
    return redirect_page(request, "jobs:breach-list")


def _index(request: ActorRequest) -> HttpResponse:
    return redirect_page(request, "jobs:task-detail", services.submit(request.actor, INDEX, NoArguments()).pk)
