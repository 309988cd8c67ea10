"""Approvals: what waits and what was decided, one request with its numbers, and the answers to it."""

from __future__ import annotations

import json
from typing import Any

from django.forms import Form
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Forbidden
from accounts.permissions import RIGHTS, Right
from accounts.requests import ActorRequest
from config.kit.objects import ObjectPage
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs import approvals, selectors, two_people
from jobs.commands import get_command
from jobs.dry_runs import Plan
from jobs.errors import AskedAlready, JobsError
from jobs.forms import ApproveForm, ReasonForm, RejectForm
from jobs.models import Approval
from jobs.tables import APPROVALS

TONES = {
    Approval.State.WAITING: "busy",
    Approval.State.APPROVED: "good",
    Approval.State.REJECTED: "bad",
    Approval.State.WITHDRAWN: "none",
    Approval.State.EXPIRED: "warn",
}


@require_safe
def approval_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_approvals(request.actor)
    context = {
        "standing": two_people.standing(),
        "may_switch": request.actor.has(Right.MANAGE_SERVER),
    }
    return APPROVALS.answer(request, rows, "jobs/approval_list.html", context=context)


@require_safe
def approval_detail(request: ActorRequest, approval_id: int) -> HttpResponse:
    return _page(request, selectors.get_approval(request.actor, approval_id))


@require_POST
def approval_approve(request: ActorRequest, approval_id: int) -> HttpResponse:
    approval = selectors.get_approval(request.actor, approval_id)
    approvals.require_deciding(request.actor, approval)
    form = ApproveForm(request.POST)
    if not form.is_valid():
        return _page(request, approval, approve=form)
    try:
        answer, seen = form.cleaned_data["answer"], form.seen_numbers()
        approvals.approve(request.actor, approval, answer=answer, seen=seen)
        toast(request, _("Approved. It runs now."))
    except ChangedMeanwhile:
        toast(request, CHANGED_MEANWHILE, "warning")
    except Exception as error:
        toast(request, _refusal(error), "error")
    return redirect_page(request, "jobs:approval-detail", approval.pk)


@require_POST
def approval_reject(request: ActorRequest, approval_id: int) -> HttpResponse:
    approval = selectors.get_approval(request.actor, approval_id)
    approvals.require_deciding(request.actor, approval)
    form = RejectForm(request.POST)
    if not form.is_valid():
        return _page(request, approval, reject=form)
    try:
        approvals.reject(request.actor, approval, answer=form.cleaned_data["answer"])
        toast(request, _("Rejected. Nothing was done."))
    except JobsError as error:
        toast(request, error, "error")
    return redirect_page(request, "jobs:approval-detail", approval.pk)


@require_POST
def approval_withdraw(request: ActorRequest, approval_id: int) -> HttpResponse:
    approval = selectors.get_approval(request.actor, approval_id)
    try:
        approvals.withdraw(request.actor, approval)
        toast(request, _("Withdrawn. Nothing was done."))
    except JobsError as error:
        toast(request, error, "error")
    return redirect_page(request, "jobs:approval-detail", approval.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def approval_switch_off(request: ActorRequest) -> HttpResponse:
    """Ask for the rule itself to be switched off; what that takes is said before."""
    request.actor.require(Right.MANAGE_SERVER)
    if not two_people.is_switched_on():
        toast(request, _("It is switched off already."), "warning")
        return redirect_page(request, "jobs:approval-list")
    form = ReasonForm(request.POST or None)
    name, arguments = approvals.SWITCH_OFF, approvals.SwitchOffArguments()
    if request.method == "POST" and form.is_valid():
        answer = ask_and_answer(request, form, name, arguments)
        if answer is not None:
            return answer
    plan = approvals.plan(request.actor, get_command(name), arguments)
    context = {"form": form, "plan": plan, "standing": two_people.standing()}
    return render_page(request, "jobs/approval_switch_off.html", context)


def ask_and_answer(request: ActorRequest, form: Form, name: str, arguments: object) -> HttpResponse | None:
    """Ask for a command, with the form's `reason`, and go to its task or to the request that waits.

    None: the form says what is wrong.
    """
    try:
        approval = approvals.ask(request.actor, name, arguments, reason=form.cleaned_data["reason"])
    except AskedAlready as error:
        toast(request, error, "warning")
        return redirect_page(request, "jobs:approval-detail", error.approval_id)
    except Exception as error:
        form.add_error(None, _refusal(error))
        return None
    return answer_asked(request, approval)


def answer_asked(request: ActorRequest, approval: Approval) -> HttpResponse:
    """Where somebody who asked is led: to the task where it runs already, else to their request."""
    if approval.task is not None:
        toast(request, _("It runs now; nobody else had to approve it."), "info")
        return redirect_page(request, "jobs:task-detail", approval.task.pk)
    toast(request, _("Asked. It is done when a second person approves it."), "info")
    return redirect_page(request, "jobs:approval-detail", approval.pk)


def _page(
    request: ActorRequest, approval: Approval, *, approve: ApproveForm | None = None, reject: RejectForm | None = None
) -> HttpResponse:
    may_decide = approvals.may_decide(request.actor, approval)
    now, problem = _plan_now(approval) if approval.is_waiting else (None, "")
    seen = json.dumps(now.counts()) if now is not None else ""
    expired = approval.state == Approval.State.WAITING and not approval.is_waiting
    state = Approval.State.EXPIRED if expired else Approval.State(approval.state)
    own = approvals.is_own(request.actor, approval)
    context: dict[str, Any] = {
        "object": ObjectPage.of(
            request,
            "approval",
            approval,
            name=f"{approval.label}: {approval.subject}",
            state=state.value,
            state_label=state.label,
            tone=TONES[state],
            facts=[_("asked by %(who)s") % {"who": approval.requester_label}],
            crumbs=[(_("Approvals"), reverse("jobs:approval-list"))],
        ),
        "approval": approval,
        "state": state,
        "now": now,
        "differs": now is not None and now.counts() != [count for count, _what in approval.numbers],
        "problem": problem,
        "may_decide": may_decide,
        "why_not": "" if may_decide else approvals.why_not(request.actor, approval),
        "is_own": own and approval.is_waiting,
        "right": RIGHTS[Right(approval.need)].label,
        "deciders": _deciders(approval) if own and approval.is_waiting else [],
        "approve": approve or ApproveForm(initial={"seen": seen}),
        "reject": reject or RejectForm(),
    }
    wrong = any(form is not None and form.errors for form in (approve, reject))
    return render_page(request, "jobs/approval_detail.html", context, status=422 if wrong else None)


def _plan_now(approval: Approval) -> tuple[Plan | None, str]:
    """What it would do now, or why it can't be done any more."""
    try:
        return approvals.plan_now(approval), ""
    except Http404:
        return None, _("What it is about is gone.")
    except Exception as error:
        return None, _refusal(error)


def _refusal(error: Exception) -> str:
    """What the service behind a command refused, of whichever app; anything else goes on as it is."""
    if not hasattr(error, "permanent") or isinstance(error, Forbidden):
        raise error
    return str(error)


def _deciders(approval: Approval) -> list[str]:
    return [user.email for user in two_people.others(approval.need, approval, approval.requester)][:10]
