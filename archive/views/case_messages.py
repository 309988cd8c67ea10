"""What is in an e-discovery case: searching its custodians' mail, its messages with tags and notes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import ActorRequest
from archive import case_selectors as selectors
from archive.case_forms import NoteForm, SaveSearchForm
from archive.errors import BadCase
from archive.models import Case, CaseMessage
from archive.query.errors import MESSAGES, QueryError
from archive.services import case_messages, cases
from archive.views.cases import frame, refusing
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from config.kit.paging import cursor_pager, keyset

PER_PAGE = 50


@require_safe
@archive_page
def case_search(request: ActorRequest, case_id: int) -> HttpResponse:
    """Search in the archives that are open; `search` names a kept one."""
    case = selectors.get_case(request.actor, case_id)
    opened, closed = selectors.open_archives(request.actor, case)
    kept = None
    if request.GET.get("search", "").isdigit():
        kept = selectors.get_search(request.actor, case, int(request.GET["search"][:9]))
    query = request.GET.get("q", kept.query if kept else "").strip()
    context: dict[str, Any] = {
        **frame(request, case), "query": query, "kept": kept, "opened": opened, "closed": closed,
        "tags": list(selectors.list_tags(request.actor, case)), "most": case_messages.MOST,
        "save_form": SaveSearchForm(initial={"query": query, "name": kept.name if kept else ""}),
    }  # fmt: skip
    if opened and case.is_open and (query or "q" in request.GET):
        before, after = request.GET.get("before", ""), request.GET.get("after", "")
        try:
            found = selectors.search(
                case, opened, query, limit=PER_PAGE, before=before, after="" if before else after,
                zone=timezone.get_current_timezone(),
            )  # fmt: skip
        except QueryError as error:
            context["problem"] = _(MESSAGES[error.code]) % error.params
            return render_page(request, "archive/case_search.html", context, status=422)
        if not before and not after:
            cases.note_search(request.actor, case, opened, query)
            if kept is not None and kept.query == query and not closed:
                cases.note_found(kept, found.total)
        context |= {
            "found": found,
            "known": selectors.known_numbers(case, found),
            "pager": cursor_pager(
                request, newer=found.newer, older=found.older, total=found.total, is_first=not found.newer
            ),
        }
    return render_page(request, "archive/case_search.html", context)


@require_POST
@archive_page
def case_add(request: ActorRequest, case_id: int) -> HttpResponse:
    """Put chosen results, or all of a search, into the case."""
    case = selectors.get_case(request.actor, case_id)
    selectors.require_reading(request.actor, case)
    query, tag = request.POST.get("q", ""), request.POST.get("tag", "")
    try:
        if "all" in request.POST:
            added = case_messages.add_matching(request.actor, case, query, tag=tag)
        else:
            added = case_messages.add_messages(request.actor, case, request.POST.getlist("message"), tag=tag)
        said = ngettext("%(count)d message is new in the case.", "%(count)d messages are new in the case.", added)
        toast(request, said % {"count": added})
    except BadCase as error:
        toast(request, str(error), "warning")
    return redirect_page(request, f"{reverse('archive:case-search', args=[case.pk])}?{urlencode({'q': query})}")


@require_POST
@archive_page
def case_save_search(request: ActorRequest, case_id: int) -> HttpResponse:
    case = selectors.get_case(request.actor, case_id)
    form = SaveSearchForm(request.POST)
    query = request.POST.get("query", "")
    if form.is_valid():
        with refusing(form):
            cases.save_search(request.actor, case, **form.cleaned_data)
    if form.errors:
        toast(request, " ".join(str(error) for errors in form.errors.values() for error in errors), "warning")
    else:
        toast(request, _("The search is kept with the case."))
    return redirect_page(request, f"{reverse('archive:case-search', args=[case.pk])}?{urlencode({'q': query})}")


@require_POST
def case_remove_search(request: ActorRequest, case_id: int, search_id: int) -> HttpResponse:
    case = selectors.get_case(request.actor, case_id)
    search = selectors.get_search(request.actor, case, search_id)
    try:
        cases.remove_search(request.actor, search)
        toast(request, _("The search is no longer kept; that it was stays on record."))
    except BadCase as error:
        toast(request, str(error), "warning")
    return redirect_page(request, "archive:case-detail", case.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def case_messages_page(request: ActorRequest, case_id: int) -> HttpResponse:
    """Its messages, all or those of a tag; POST tags, untags or takes out what was chosen."""
    case = selectors.get_case(request.actor, case_id)
    selectors.require_reading(request.actor, case)
    tag = request.GET.get("tag", "")
    if request.method == "POST":
        _change(request, case)
        return redirect_page(request, request.get_full_path())
    rows = selectors.list_messages(request.actor, case, tag=tag).prefetch_related("tags", "notes")
    page = keyset(request, rows, order="-date", per_page=PER_PAGE)
    context = {
        **frame(request, case),
        "messages_shown": page.rows,
        "pager": page.pager,
        "total": page.total,
        "tag": tag,
        "tags": list(selectors.list_tags(request.actor, case)),
    }
    return render_page(request, "archive/case_messages.html", context)


def _change(request: ActorRequest, case: Case) -> None:
    chosen = [int(each) for each in request.POST.getlist("message") if each.isdigit() and len(each) < 18]
    word = request.POST.get("word", "")
    try:
        if "untag" in request.POST:
            count = case_messages.untag_messages(request.actor, case, chosen, word)
        elif "remove" in request.POST:
            count = case_messages.remove_messages(request.actor, case, chosen)
        else:
            count = case_messages.tag_messages(request.actor, case, chosen, word)
        toast(request, ngettext("%(count)d message changed.", "%(count)d messages changed.", count) % {"count": count})
    except BadCase as error:
        toast(request, str(error), "warning")


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def case_message(request: ActorRequest, case_id: int, message_id: int) -> HttpResponse:
    """One message of a case: its tags, and what was written about it; POST adds a note."""
    case = selectors.get_case(request.actor, case_id)
    found = selectors.get_message(request.actor, case, message_id)
    form = NoteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            case_messages.add_note(request.actor, case, form.cleaned_data["text"], message=found)
            return redirect_page(request, "archive:case-message", case.pk, found.pk)
    return render_page(request, "archive/case_message.html", _one(request, case, found) | {"form": form})


def _one(request: ActorRequest, case: Case, found: CaseMessage) -> dict[str, Any]:
    opened, _closed = selectors.open_archives(request.actor, case)
    return {
        **frame(request, case),
        "message": found,
        "message_tags": list(found.tags.all()),
        "notes": list(selectors.list_notes(request.actor, case, found)),
        "is_open": bool(opened),
    }
