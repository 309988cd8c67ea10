"""Jobs: the list, planning one, its page with runs and next runs, and the results of all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import AccountsError, Forbidden
from accounts.permissions import RIGHTS, Right
from accounts.requests import ActorRequest
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs import job_selectors, owners, planning, selectors, services
from jobs.commands import Command, get_command
from jobs.errors import BadArguments, BadValue, JobsError, NotRunnable, UnknownCommand
from jobs.forms import JobForm, ScheduleForm, shown_arguments
from jobs.job_commands import find_owner
from jobs.models import Job
from jobs.schedule_words import schedule_words, zone_words
from jobs.schedules import Schedule, time_zones
from jobs.tables.jobs import JOBS, RUNS, STATE_WORDS, TONES, run_state, took
from jobs.views.tasks import result_template

NEXT_RUNS = 5
RUNS_SHOWN = 20


@require_safe
def job_list(request: ActorRequest) -> HttpResponseBase:
    return JOBS.answer(request, job_selectors.list_jobs(request.actor), "jobs/job_list.html")


@require_safe
def run_list(request: ActorRequest) -> HttpResponseBase:
    return RUNS.answer(request, job_selectors.list_runs(request.actor), "jobs/run_list.html")


@require_safe
def job_new(request: ActorRequest) -> HttpResponse:
    """Which command: those that one may make jobs of, by the part of the house they belong to."""
    request.actor.require(Right.MANAGE_JOBS)
    groups: dict[str, list[Command]] = {}
    for command in job_selectors.list_plannable(request.actor):
        group = str(RIGHTS[command.needs].group) if command.needs else _("For everybody")
        groups.setdefault(group, []).append(command)
    for found in groups.values():
        found.sort(key=lambda command: command.title.casefold())
    return render_page(request, "jobs/job_new.html", {"groups": sorted(groups.items())})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def job_create(request: ActorRequest, command: str) -> HttpResponse:
    request.actor.require(Right.MANAGE_JOBS)
    known = _command(request, command)
    owner = "" if request.actor.user is None else request.actor.user.email
    initial = {"name": known.title, "owner": owner, "missed": Job.Missed.RUN_ONCE}
    form = JobForm(request.POST or None, initial=initial, command=known)
    if request.method == "POST" and form.is_valid():
        with _refusing(form):
            job = planning.create_job(
                request.actor,
                command=known.name,
                arguments=form.arguments(),
                schedule=planning.parse_schedule(form.dataset()),
                name=form.cleaned_data["name"],
                owner=find_owner(form.cleaned_data["owner"]),
                missed=form.cleaned_data["missed"],
            )
            toast(request, _("The job “%(name)s” is planned.") % {"name": job})
            return redirect_page(request, "jobs:job-detail", job.pk)
    context = {"form": form, "command": known, "zones": time_zones(), **_preview(form)}
    return render_page(request, "jobs/job_create.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def job_edit(request: ActorRequest, job_id: int) -> HttpResponse:
    job = job_selectors.get_job(request.actor, job_id)
    known = _known(job)
    if known is not None:
        services.require_proof(request.actor, known)  # before the form, so that nothing typed is lost
    is_built_in = job.built_in is not None
    initial = JobForm.initial_of_job(job, known)
    form = JobForm(request.POST or None, initial=initial, command=known, is_built_in=is_built_in)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        own: dict[str, Any] = {}
        with _refusing(form):
            if not is_built_in:
                own = {"name": given["name"], "owner": find_owner(given["owner"])}
                own |= {} if known is None else {"arguments": form.arguments()}
            schedule = planning.parse_schedule(form.dataset())
            planning.change_job(
                request.actor, job, expected=given["version"], schedule=schedule, missed=given["missed"], **own
            )
            toast(request, _("The job “%(name)s” is changed.") % {"name": job})
            return redirect_page(request, "jobs:job-detail", job.pk)
    context = {"form": form, "job": job, "command": known, "zones": time_zones(), **_preview(form)}
    return render_page(request, "jobs/job_edit.html", context)


@require_safe
def job_preview(request: ActorRequest) -> HttpResponse:
    """The next runs of a schedule that is being written."""
    request.actor.require(Right.MANAGE_JOBS)
    form = ScheduleForm(request.GET)
    return render_page(request, "jobs/next_runs.html", _preview(form), status=200)


@require_safe
def job_detail(request: ActorRequest, job_id: int) -> HttpResponse:
    """One job; while it runs the page asks for its partial every two seconds."""
    job = job_selectors.get_job(request.actor, job_id)
    runs = list(job_selectors.list_runs(request.actor, job)[:RUNS_SHOWN])
    going_on = next((run for run in runs if run.ended_at is None), None)
    schedule = job.when()
    reason = owners.why_not(job)
    count = job.runs.count()
    context = {
        "job": job,
        "state": {"key": job.state, "label": STATE_WORDS[job.state], "tone": TONES[job.state]},
        "when": schedule_words(schedule),
        "zone": zone_words(schedule.time_zone),
        "next_runs": _next(schedule) if job.is_enabled else [],
        "arguments": shown_arguments(_known(job), job.arguments, bool(job.secrets)),
        "why_not": Job.Stopped(reason).label if reason else "",
        "runs": [(run, run_state(run), took(run)) for run in runs],
        "run_count": count,
        "going_on": going_on,
        "danger": None if job.built_in is not None else _danger(job, count),
    }
    return render_page(request, "jobs/job_detail.html", context, partial="live")


@require_POST
def job_run(request: ActorRequest, job_id: int) -> HttpResponse:
    job = job_selectors.get_job(request.actor, job_id)
    try:
        planning.run_job(request.actor, job)
        toast(request, _("The job runs."))
    except NotRunnable:
        toast(request, _("The job is running already."), "warning")
    except BadArguments as error:
        toast(request, str(error), "error")
    return redirect_page(request, "jobs:job-detail", job.pk)


@require_POST
def job_cancel(request: ActorRequest, job_id: int) -> HttpResponse:
    job = job_selectors.get_job(request.actor, job_id)
    try:
        planning.cancel_job(request.actor, job)
        toast(request, _("The run ends as soon as it can."))
    except NotRunnable:
        toast(request, _("The job isn't running."), "warning")
    return redirect_page(request, "jobs:job-detail", job.pk)


@require_POST
def job_enable(request: ActorRequest, job_id: int) -> HttpResponse:
    """Enable or disable it: the button says which."""
    job = job_selectors.get_job(request.actor, job_id)
    enabled = request.POST.get("enabled") == "yes"
    try:
        planning.set_job_enabled(request.actor, job, enabled)
        toast(request, _("The job is enabled.") if enabled else _("The job is disabled."))
    except BadArguments as error:
        toast(request, str(error), "error")
    return redirect_page(request, "jobs:job-detail", job.pk)


@require_POST
def job_delete(request: ActorRequest, job_id: int) -> HttpResponse:
    job = job_selectors.get_job(request.actor, job_id)
    name = str(job)
    try:
        planning.delete_job(request.actor, job)
    except BadArguments as error:
        toast(request, str(error), "error")
        return redirect_page(request, "jobs:job-detail", job_id)
    toast(request, _("The job “%(name)s” is deleted.") % {"name": name})
    return redirect_page(request, "jobs:job-list")


@require_safe
def run_detail(request: ActorRequest, run_id: int) -> HttpResponse:
    """One run: its outcome, what it found, and the log of its task while that is kept."""
    run = job_selectors.get_run(request.actor, run_id)
    context = {
        "run": run,
        "state": run_state(run),
        "took": took(run),
        "log": [] if run.task is None else selectors.list_log(run.task),
        "result_template": None if run.task is None else result_template(run.task),
        "task_url": "" if run.task_id is None else reverse("jobs:task-detail", args=[run.task_id]),
    }
    return render_page(request, "jobs/run_detail.html", context)


@contextmanager
def _refusing(form: JobForm) -> Iterator[None]:
    """What the services refuse stands at its field."""
    try:
        yield
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))
    except Forbidden:
        raise
    except (JobsError, AccountsError) as error:
        of_command = not isinstance(error, BadValue)
        form.refuse(str(getattr(error, "field", "")), str(error), of_command=of_command)


def _command(request: ActorRequest, name: str) -> Command:
    """Raises: Http404, Forbidden."""
    try:
        command = get_command(name)
    except UnknownCommand as error:
        raise Http404(str(error)) from error
    if not command.plannable:
        raise Http404("no job's command")
    if command.needs is not None:
        request.actor.require_somewhere(command.needs)
    services.require_proof(request.actor, command)  # before the form, so that nothing typed is lost
    return command


def _known(job: Job) -> Command | None:
    try:
        return get_command(job.command)
    except UnknownCommand:
        return None


def _preview(form: ScheduleForm) -> dict[str, Any]:
    """The next runs of what is written so far, or what is wrong with it."""
    try:
        if form.is_bound:
            form.is_valid()
            if any(name in form.errors for name in ScheduleForm.base_fields):
                return {"next_runs": [], "schedule_error": _("Fill in when it runs, and you see its next runs here.")}
            schedule = planning.parse_schedule(form.dataset())
        else:
            initial = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
            shown = ScheduleForm({name: initial[name] for name in ScheduleForm.base_fields})
            shown.is_valid()
            schedule = planning.parse_schedule(shown.dataset())
    except BadArguments as error:
        return {"next_runs": [], "schedule_error": str(error)}
    return {"next_runs": _next(schedule), "when": schedule_words(schedule), "schedule_error": ""}


def _next(schedule: Schedule) -> list[datetime]:
    """The next runs, as clocks of the schedule's own zone show them."""
    return [run.astimezone(schedule.zone) for run in schedule.upcoming(timezone.now(), NEXT_RUNS)]


def _danger(job: Job, count: int) -> Danger:
    return Danger(
        _("Delete this job"),
        _("The job “%(name)s” and its results are forgotten. A run that goes on ends by itself.") % {"name": job},
        _("Delete job"),
        reverse("jobs:job-delete", args=[job.pk]),
        numbers=[(count, ngettext("result", "results", count))],
    )
