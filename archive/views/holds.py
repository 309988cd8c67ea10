"""Legal holds: which are in force, placing one with a preview in numbers, and asking for the end of one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import keeping_commands
from archive.case_selectors import custodians, get_case
from archive.errors import BadPolicy
from archive.keeping_forms import HoldForm
from archive.keeping_tables import HOLDS
from archive.models import LegalHold
from archive.services import holds
from archive.views.doors import sent
from config.kit.objects import ObjectPage
from config.kit.pages import redirect_page, render_page, toast
from jobs import two_people
from jobs.forms import ReasonForm
from jobs.views.approvals import ask_and_answer


@require_safe
def hold_list(request: ActorRequest) -> HttpResponseBase:
    return HOLDS.answer(request, holds.list_holds(request.actor), "archive/hold_list.html")


@require_http_methods(["GET", "HEAD", "POST"])
def hold_create(request: ActorRequest) -> HttpResponse:
    """GET shows the form; POST previews, and places what was previewed (`save`)."""
    request.actor.require(Right.MANAGE_HOLDS)
    form = HoldForm(sent(request), initial=_of_case(request))
    covered = None
    if request.method == "POST" and form.is_valid():
        try:
            if "save" in request.POST:
                hold = holds.place_hold(request.actor, form.terms())
                toast(request, _("The hold is in force: nothing that it covers is deleted."))
                return redirect_page(request, "archive:hold-detail", hold.pk)
            covered = holds.preview(request.actor, form.terms())
        except BadPolicy as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    return render_page(request, "archive/hold_create.html", {"form": form, "covered": covered})


def _covered(request: ActorRequest, hold: LegalHold) -> holds.Covered | None:
    """None where its search can't be read any more: then nothing is deleted at all."""
    try:
        return holds.preview(request.actor, holds.terms_of(hold))
    except BadPolicy:
        return None


def _of_case(request: ActorRequest) -> dict[str, Any]:
    """What a form for the hold of a case begins with."""
    number = request.GET.get("case", "")
    if not number.isdigit() or len(number) > 17:
        return {}
    case = get_case(request.actor, int(number))
    addresses = "\n".join(mailbox.address for mailbox in custodians(case))
    values = {"name": case.name, "reason": case.reason, "custodians": addresses, "case": case.pk}
    return values | {"date_from": case.date_from, "date_to": case.date_to}


@require_http_methods(["GET", "HEAD", "POST"])
def hold_detail(request: ActorRequest, hold_id: int) -> HttpResponse:
    """What it covers now; POST asks for its end."""
    hold = holds.get_hold(request.actor, hold_id)
    form = ReasonForm(sent(request))
    if request.method == "POST" and form.is_valid():
        arguments = keeping_commands.ReleaseHoldArguments(hold.pk)
        answer = ask_and_answer(request, form, holds.COMMAND, arguments)
        if answer is not None:
            return answer
    context = {
        "object": ObjectPage.of(
            request,
            "hold",
            hold,
            name=hold.name,
            state=hold.state,
            state_label=hold.get_state_display(),
            tone="held" if hold.is_active else "none",
            facts=[_("placed by %(who)s") % {"who": hold.created_by_label}],
            crumbs=[(_("Holds"), reverse("archive:hold-list"))],
        ),
        "hold": hold,
        "mailboxes": list(hold.mailboxes.all()),
        "covered": _covered(request, hold) if hold.is_active else None,
        "form": form,
        "waits": two_people.needed(request.actor, Right.MANAGE_HOLDS, None),
    }
    return render_page(request, "archive/hold_detail.html", context)
