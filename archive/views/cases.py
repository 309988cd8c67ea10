"""E-discovery cases: the list, one with all it owns, making, changing, closing, exporting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Count
from django.forms import Form
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import case_selectors as selectors
from archive.case_forms import CaseDelayForm, CaseExportForm, CaseForm, CloseCaseForm, NoteForm, OpenCaseForm
from archive.case_tables import CASES
from archive.errors import ArchiveClosed, BadArguments, BadCase
from archive.models import ACCESS_MINUTES, Case
from archive.services import cases, notices
from archive.services.access import offered_minutes
from archive.services.case_messages import add_note
from archive.services.notices import DelayArguments
from archive.views.doors import archive_page, sent
from config.kit.objects import ObjectPage
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs import two_people
from jobs.views.approvals import ask_and_answer

NOTES_SHOWN = 20


@require_safe
def case_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_cases(request.actor).annotate(
        custodian_count=Count("mailboxes", distinct=True), message_count=Count("messages", distinct=True)
    )
    return CASES.answer(request, rows, "archive/case_list.html")


@require_http_methods(["GET", "HEAD", "POST"])
def case_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_HOLDS)
    form = CaseForm(sent(request))
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            case = cases.create_case(request.actor, form.terms())
            toast(request, _("The case is made. Nobody's archive is open by that yet."))
            return redirect_page(request, "archive:case-detail", case.pk)
    return render_page(request, "archive/case_create.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def case_edit(request: ActorRequest, case_id: int) -> HttpResponse:
    case = selectors.get_case(request.actor, case_id)
    form = CaseForm(sent(request), initial=CaseForm.initial_of(case))
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            cases.change_case(request.actor, case, form.terms(), expected=form.cleaned_data["seen"])
            toast(request, _("Saved."))
            return redirect_page(request, "archive:case-detail", case.pk)
    return render_page(request, "archive/case_edit.html", {"case": case, "form": form})


@require_safe
def case_detail(request: ActorRequest, case_id: int) -> HttpResponse:
    """Whose mail, what was searched, found and written, and the holds, packages and delays made for it."""
    case = selectors.get_case(request.actor, case_id)
    return render_page(request, "archive/case_detail.html", _detail(request, case))


def _detail(request: ActorRequest, case: Case) -> dict[str, Any]:
    may_read = selectors.may_read(request.actor, case)
    opened, closed = selectors.open_archives(request.actor, case) if may_read else ([], [])
    boxes = selectors.custodians(case)
    count = cases.count_messages(case)
    return {
        **frame(request, case),
        "custodians": boxes,
        "may_read": may_read,
        "opened": opened,
        "closed": closed,
        "open_form": OpenCaseForm(minutes=offered_minutes(), chosen=ACCESS_MINUTES),
        "searches": list(selectors.list_searches(request.actor, case)),
        "tags": list(selectors.list_tags(request.actor, case)),
        "count": count,
        "owned": selectors.owned(request.actor, case),
        "notes": list(selectors.list_notes(request.actor, case)[:NOTES_SHOWN]) if may_read else [],
        "note_form": NoteForm(),
        "close_form": CloseCaseForm(),
    }


def frame(request: ActorRequest, case: Case) -> dict[str, Any]:
    """The head that all pages of a case have."""
    custodians = case.mailboxes.count()
    facts = [ngettext("%(count)d custodian", "%(count)d custodians", custodians) % {"count": custodians}]
    page = ObjectPage.of(
        request,
        "case",
        case,
        name=case.name,
        state=case.state,
        state_label=case.get_state_display(),
        tone="busy" if case.is_open else "none",
        facts=facts,
        crumbs=[(_("Cases"), reverse("archive:case-list"))],
        edit_url=reverse("archive:case-edit", args=[case.pk]) if case.is_open else "",
    )
    return {"object": page, "case": case}


@require_POST
@archive_page
def case_open(request: ActorRequest, case_id: int) -> HttpResponse:
    """Open its custodians' archives, which each of them sees."""
    case = selectors.get_case(request.actor, case_id)
    form = OpenCaseForm(request.POST, minutes=offered_minutes(), chosen=ACCESS_MINUTES)
    selectors.require_reading(request.actor, case)
    try:
        minutes = form.cleaned_data["minutes"] if form.is_valid() else ACCESS_MINUTES
        count = cases.open_case(request.actor, case, minutes=minutes)
        said = ngettext("%(count)d archive is open to you.", "%(count)d archives are open to you.", count)
        toast(request, said % {"count": count})
    except (BadCase, BadArguments) as error:
        toast(request, str(error), "warning")
    return redirect_page(request, "archive:case-detail", case.pk)


@require_POST
def case_close(request: ActorRequest, case_id: int) -> HttpResponse:
    """Close it, or open a closed one again."""
    case = selectors.get_case(request.actor, case_id)
    try:
        if case.is_open:
            cases.close_case(request.actor, case, reason=request.POST.get("reason", ""))
            toast(request, _("The case is closed; all of it stays here to be read."))
        else:
            cases.reopen_case(request.actor, case)
            toast(request, _("The case is open again."))
    except BadCase as error:
        toast(request, str(error), "warning")
    return redirect_page(request, "archive:case-detail", case.pk)


@require_POST
def case_note(request: ActorRequest, case_id: int) -> HttpResponse:
    case = selectors.get_case(request.actor, case_id)
    form = NoteForm(request.POST)
    try:
        add_note(request.actor, case, form.cleaned_data["text"] if form.is_valid() else "")
    except BadCase as error:
        toast(request, str(error), "warning")
    return redirect_page(request, "archive:case-detail", case.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def case_export(request: ActorRequest, case_id: int) -> HttpResponse:
    """A package of a kept search, of a tag, or of all messages in the case."""
    case = selectors.get_case(request.actor, case_id)
    selectors.require_reading(request.actor, case)
    form = CaseExportForm(
        sent(request),
        count=cases.count_messages(case),
        searches=list(selectors.list_searches(request.actor, case)),
        tags=list(selectors.list_tags(request.actor, case)),
    )
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            task = cases.export_case(request.actor, case, form.choice())
            return redirect_page(request, "jobs:task-detail", task.pk)
    return render_page(request, "archive/case_package.html", {**frame(request, case), "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def case_delay(request: ActorRequest, case_id: int) -> HttpResponse:
    """Ask that a custodian is told only on a set day; a second person decides."""
    case = selectors.get_case(request.actor, case_id)
    selectors.require_reading(request.actor, case)
    form = CaseDelayForm(sent(request), mailboxes=selectors.custodians(case))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        arguments = DelayArguments(values["mailbox"], case.name, values["until"].isoformat(), case.pk)
        answer = ask_and_answer(request, form, notices.COMMAND, arguments)
        if answer is not None:
            return answer
    waits = two_people.needed(request.actor, Right.READ_OTHERS_MAIL, None)
    return render_page(request, "archive/case_delay.html", {**frame(request, case), "form": form, "waits": waits})


@contextmanager
def refusing(form: Form) -> Iterator[None]:
    """What the service refuses stands on the form."""
    try:
        yield
    except (BadCase, BadArguments) as error:
        name = error.field or ""
        form.add_error(name if name in form.fields else None, str(error))
    except ArchiveClosed as error:
        form.add_error(None, str(error))
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))
