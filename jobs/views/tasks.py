"""Tasks: the list, and one task live."""

from __future__ import annotations

from functools import partial

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from config.kit.pages import redirect_page, render_page, toast
from jobs import selectors, services
from jobs.bulk import submit_bulk
from jobs.commands import NoArguments
from jobs.errors import JobsError, NotRunnable
from jobs.models import Task
from jobs.tables import TASKS


@require_safe
def task_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_tasks(request.actor)
    return TASKS.answer(request, rows, "jobs/task_list.html", bulk_url=reverse("jobs:task-bulk"))


@require_http_methods(["GET", "HEAD", "POST"])
def task_bulk(request: ActorRequest) -> HttpResponse:
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(request, TASKS.name, back="jobs:task-list", submit=submit, list_label=TASKS.caption)


@require_safe
def task_detail(request: ActorRequest, task_id: int) -> HttpResponse:
    """One task; while it is active the page asks for its partial each second."""
    task = selectors.get_task(request.actor, task_id)
    context = {"task": task, "log": selectors.list_log(task), "result_template": result_template(task)}
    context["may_change"] = services.may_change(request.actor, task)
    response = render_page(request, "jobs/task_detail.html", context, partial="live")
    if not task.is_active:
        response["HX-Trigger"] = "tasks-changed"  # the top bar's count hears it
    return response


@require_POST
def task_cancel(request: ActorRequest, task_id: int) -> HttpResponse:
    task = selectors.get_task(request.actor, task_id)
    try:
        services.cancel(request.actor, task)
        toast(request, _("The task ends as soon as it can.") if task.is_active else _("The task is cancelled."))
    except NotRunnable:
        toast(request, _("The task has ended already."), "warning")
    return redirect_page(request, "jobs:task-detail", task.pk)


@require_POST
def task_start_again(request: ActorRequest, task_id: int) -> HttpResponse:
    task = selectors.get_task(request.actor, task_id)
    try:
        again = services.start_again(request.actor, task)
    except JobsError as error:
        toast(request, _("It can't be started again: %(reason)s") % {"reason": error}, "error")
        return redirect_page(request, "jobs:task-detail", task.pk)
    toast(request, _("Started again."))
    return redirect_page(request, "jobs:task-detail", again.pk)


@require_POST
def verify_audit(request: ActorRequest) -> HttpResponse:
    """Compare the whole audit trail with its seals, as a task."""
    request.actor.require(Right.VIEW_AUDIT)
    task = services.submit(request.actor, "VerifyAuditTrail", NoArguments())
    return redirect_page(request, "jobs:task-detail", task.pk)


def result_template(task: Task) -> str | None:
    """The command's own template for its result, if somebody wrote one."""
    name = f"jobs/results/{task.type}.html"
    try:
        get_template(name)
    except TemplateDoesNotExist:
        return None
    return name
