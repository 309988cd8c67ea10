"""Mail in a store that is nobody's here: who would get it, then the task that gives it away."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import selectors, storefacts
from archive.errors import ArchiveClosed, StoreRefused
from archive.owners import is_nobodys
from archive.services import unclaimed
from archive.services.unclaimed import COMMAND, GiveArguments
from archive.store_forms import GiveForm
from archive.views.doors import archive_page
from archive.views.store_frames import store_page
from config.kit.pages import redirect_page, render_page
from domains.models import Mailbox
from jobs import two_people
from jobs.services import submit
from jobs.views.approvals import ask_and_answer

SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_give(request: ActorRequest, store_id: int, owner: int) -> HttpResponse:
    """GET asks to whom; a POST with `look` says who gets how much, one with `save` does it."""
    store = selectors.get_store(request.actor, store_id)
    if not is_nobodys(owner):
        raise Http404(owner)
    form = GiveForm(request.POST if request.method == "POST" else None)
    giving = None
    if form.is_bound and form.is_valid():
        name = form.cleaned_data["user_name"] or None
        arguments = GiveArguments(store.pk, owner, name)
        try:
            mailbox = _mailbox(name)
            if "save" in request.POST:
                answer = _begin(request, form, arguments)
                if answer is not None:
                    return answer
            else:
                giving = unclaimed.plan_giving(request.actor, store, owner, mailbox)
        except ArchiveClosed as error:
            form.add_error("user_name", str(error))
        except StoreRefused as error:
            form.add_error(None, str(error))
    context = {
        "object": store_page(request, store),
        "store": store,
        "owner": storefacts.owner_label(store, owner),
        "form": form,
        "giving": giving,
        "mailboxes": [] if giving is None else giving.mailboxes.most_common(SHOWN),
        "more": 0 if giving is None else max(len(giving.mailboxes) - SHOWN, 0),
        "waits": two_people.needed(request.actor, Right.MANAGE_STORES, None),
    }
    return render_page(request, "archive/store_give.html", context, status=422 if form.errors else 200)


def _mailbox(name: str | None) -> Mailbox | None:
    return None if name is None else selectors.get_mailbox(name)


def _begin(request: ActorRequest, form: GiveForm, arguments: GiveArguments) -> HttpResponse | None:
    if arguments.user_name is not None:
        return ask_and_answer(request, form, COMMAND, arguments)
    task = submit(request.actor, COMMAND, arguments)
    return redirect_page(request, "jobs:task-detail", task.pk)
