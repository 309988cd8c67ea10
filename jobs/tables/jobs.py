"""The lists of jobs and of their runs."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.permissions import Right
from config.kit.list_fields import Choice, Custom, Main, State, Text, Time, YesNo
from config.kit.listing import Listing, View
from config.kit.tables import Empty
from config.kit.templatetags.kit import ago, duration, state_html
from jobs.commands import label_of, list_commands
from jobs.models import Job, JobRun
from jobs.schedule_words import schedule_words

TONES = {"enabled": "good", "stopped": "bad", "disabled": "none", "done": "none", "skipped": "warn"}
STATE_WORDS = {
    "enabled": gettext_lazy("Enabled"),
    "done": gettext_lazy("Done"),
    "disabled": gettext_lazy("Disabled"),
    "stopped": gettext_lazy("Stopped"),
}


def job_state(job: Job) -> SafeString:
    return state_html(job.state, str(STATE_WORDS[job.state]), TONES[job.state])


def run_state(run: JobRun) -> SafeString:
    return state_html(run.state, run.get_state_display(), TONES.get(run.state, ""))


def last_state(job: Job) -> SafeString | None:
    words = dict(JobRun.State.choices)
    return state_html(job.last_state, str(words[job.last_state]), "") if job.last_state in words else None


def _commands(actor: Any) -> list[tuple[str, str]]:
    return [(command.name, command.title) for command in list_commands() if command.plannable]


def _when(job: Job) -> str:
    text = schedule_words(job.when())
    return text[:1].upper() + text[1:]


def _name(run: JobRun) -> SafeString:
    return format_html('{}&nbsp;<span class="muted num">#{}</span>', run.job.name, run.pk)


def _started_by(run: JobRun) -> str:
    return run.started_by or _("the clock")


def took(run: JobRun) -> str | None:
    return None if run.took is None else duration(run.took)


def _took_s(run: JobRun) -> float | None:
    return None if run.took is None else run.took.total_seconds()


def _next(job: Job) -> str | SafeString | None:
    return ago(job.next_run_at) if job.is_enabled and job.next_run_at is not None else None


def _owner(job: Job) -> str:
    return _("Postkeep itself") if job.built_in is not None else job.owner_label


JOBS: Listing[Job] = Listing(
    "jobs.jobs",
    (
        Main("name", gettext_lazy("Name"), url="jobs:job-detail", words=True, sort=True),
        Choice("command", gettext_lazy("Command"), choices=_commands, filter=True, show=lambda job: job.label),
        Custom("when", gettext_lazy("When"), show=_when, export=_when, search=False, css="cell-long"),
        Time("next", gettext_lazy("Next run"), path="next_run_at", show=_next),
        Time("last", gettext_lazy("Last run"), path="last_run_at", shown=False),
        Custom("outcome", gettext_lazy("Outcome"), show=last_state, export=lambda job: job.last_state, search=False),
        Text("owner", gettext_lazy("Owner"), path="owner_label", show=_owner, words=True, long=True),
        YesNo(
            "enabled",
            gettext_lazy("State"),
            path="is_enabled",
            yes=gettext_lazy("Enabled"),
            no=gettext_lazy("Disabled"),
            show=job_state,
            filter=True,
        ),
    ),
    sort="name",
    caption=gettext_lazy("Jobs"),
    views=(View(gettext_lazy("Disabled"), "enabled=no"),),
    first_step=Empty(
        gettext_lazy("No jobs yet"),
        gettext_lazy("A job runs a command by itself: a verification every night, a report every Monday."),
        "clock",
        action="jobs:job-new",
        action_label=gettext_lazy("Plan a job"),
        right=Right.MANAGE_JOBS,
    ),
    nothing=gettext_lazy("No job like this"),
)

RUNS: Listing[JobRun] = Listing(
    "jobs.runs",
    (
        Main("run", gettext_lazy("Job"), path="job__name", show=_name, url="jobs:run-detail", search=False),
        Text("job", gettext_lazy("Name of the job"), path="job__name", words=True, column=False),
        Choice(
            "command",
            gettext_lazy("Command"),
            path="job__command",
            choices=_commands,
            show=lambda run: label_of(run.job.command),
            shown=False,
            filter=True,
        ),
        State("state", gettext_lazy("State"), choices=JobRun.State.choices, tones=TONES, filter=True),
        Text("by", gettext_lazy("Started by"), path="started_by", show=_started_by, long=True, search=False),
        Time("started", gettext_lazy("Started"), path="started_at", shown=False),
        Time("ended", gettext_lazy("Ended"), path="ended_at"),
        Custom("took", gettext_lazy("Took"), show=took, export=_took_s, css="num cell-fit cell-soft", search=False),
        Text("error", gettext_lazy("Reason"), long=True, search=False, shown=False),
    ),
    caption=gettext_lazy("Results"),
    views=(
        View(gettext_lazy("Failed"), "state=failed&state=interrupted"),
        View(gettext_lazy("Left out"), "state=skipped"),
    ),
    first_step=Empty(
        gettext_lazy("No results yet"), gettext_lazy("Each run of a job appears here with its outcome."), "clock"
    ),
    nothing=gettext_lazy("No run like this"),
)
