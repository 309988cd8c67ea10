"""Tasks: what takes time. Start one by its command, watch it, end it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from threading import BoundedSemaphore
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field, JsonValue
from pydantic.alias_generators import to_camel

from accounts.actors import Actor
from api import filters
from api.answering import inside
from api.errors import Fault, Invalid, Unavailable
from api.listing import Listing
from api.operations import Created, Group, anyone
from api.schemas import Answer, Body, Moment
from jobs import selectors, services
from jobs.commands import Command
from jobs.models import Task

group = Group("Tasks", "What takes time: checks, imports, exports, mails to people. Everybody sees their own.")

LONGEST_WAIT_S = 120
_waiting = BoundedSemaphore(3)  # each holds one of the web server's threads

State = Literal[
    "WAITING", "IN_PROGRESS", "CANCEL_REQUESTED", "COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"
]  # fmt: skip


class TaskAdd(Body):
    """A command of `GET /tasks/commands`, and what it takes. Both `send_token_mail` and `SendTokenMail` are read."""

    command: Annotated[str, Field(min_length=1, max_length=100, examples=["send_welcome_mail"])]
    params: Annotated[dict[str, JsonValue], Field(max_length=50, examples=[{"recipient": "ada@example.org"}])]


class Progress(Answer):
    """How far it is; null where it isn't known."""

    done: int | None
    total: int | None
    unit: str | None


class TaskAnswer(Answer):
    """One run of a command."""

    id: int
    command: str
    label: Annotated[str, Field(description="What it is called on pages.")]
    state: State
    progress: Progress
    params: dict[str, JsonValue]
    result: Annotated[JsonValue, Field(description="What it found or did, by its command; null until it ended.")]
    additional_information: Annotated[
        dict[str, JsonValue], Field(description="By its command: what it was given, counted and found, in one object.")
    ]
    error: str | None
    asked_by: str
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    completed_at: Moment | None
    failed_at: Annotated[Moment | None, Field(description="Also of one that was interrupted.")]
    cancelled_at: Moment | None
    job_run: Annotated[int | None, Field(description="The run of a job that it is.")]


class TaskRow(Answer):
    """A task in a list: without what it was given and what it found."""

    id: int
    command: str
    label: str
    state: State
    progress: Progress
    asked_by: str
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None


class LogLine(Answer):
    """Something that the task wrote about what it did."""

    at: Moment
    level: Literal["INFO", "WARNING", "ERROR"]
    text: str


class CommandParameter(Answer):
    """One thing that a command takes."""

    name: str
    label: Annotated[str, Field(description="What it is called on pages.")]
    description: str
    type: Literal["str", "int", "bool", "list of str", "json object", "json list", "json"]
    required: bool
    default: JsonValue
    choices: Annotated[list[str], Field(description="The only values it takes; empty where it takes any.")]
    is_secret: Annotated[bool, Field(description="Kept sealed, and in no answer.")]


class CommandAnswer(Answer):
    """Something that can be started."""

    command: str
    label: str
    description: str
    params: list[CommandParameter]


def _common(row: Task) -> dict[str, Any]:
    told = row.progress or {}
    return {
        "id": row.pk,
        "command": row.type,
        "label": row.label,
        "state": row.state.upper(),
        "progress": Progress(done=told.get("done"), total=told.get("total"), unit=told.get("unit")),
        "asked_by": row.actor_label,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
    }


def present(row: Task) -> TaskAnswer:
    given = {to_camel(name): value for name, value in row.arguments.items()}
    run = getattr(row, "job_run", None)
    ended = {state: row.ended_at if row.state == state else None for state in Task.ENDED}
    return TaskAnswer(
        **_common(row),
        params=given,
        result=row.result,
        additional_information=_additional(row, given),
        error=row.error or None,
        completed_at=ended[Task.State.COMPLETED],
        failed_at=ended[Task.State.FAILED] or ended[Task.State.INTERRUPTED],
        cancelled_at=ended[Task.State.CANCELLED],
        job_run=None if run is None else run.pk,
    )


def _additional(row: Task, given: dict[str, Any]) -> dict[str, Any]:
    """What James puts there: the task's subject and its counters; later ones win."""
    counters = (row.progress or {}).get("counters") or {}
    return {**given, **{to_camel(name): value for name, value in {**counters, **(row.result or {})}.items()}}


def _present_all(actor: Actor, rows: Sequence[Task]) -> list[TaskRow]:
    return [TaskRow(**_common(row)) for row in rows]


def _command(command: Command) -> CommandAnswer:
    shown = [
        CommandParameter(
            name=to_camel(each.name),
            label=each.label,
            description=str(each.about.help),
            type=str(each.kind),  # type: ignore[arg-type]
            required=each.required,
            default=each.default,  # type: ignore[arg-type]
            choices=list(each.about.choices),
            is_secret=each.about.secret,
        )
        for each in command.parameters()
    ]
    return CommandAnswer(command=command.name, label=command.title, description=command.help, params=shown)


def _by_command(rows: filters.Rows, value: str) -> filters.Rows:
    return rows.filter(filters.wildcard("type", command_named(value), canonical=False))


TASKS = Listing(
    TaskRow,
    _present_all,
    sorts={"id": "pk"},
    default="-id",
    filters={
        "state": filters.choice("state", "The state.", {str(each).upper(): str(each) for each in Task.State.values}),
        "command": filters.text_by(_by_command, "The command."),
        "createdSince": filters.since("created_at", "Asked for at this moment or later."),
        "createdBefore": filters.until("created_at", "Asked for before this moment."),
        "endedSince": filters.since("ended_at", "Ended at this moment or later."),
        "endedBefore": filters.until("ended_at", "Ended before this moment."),
    },
)


@group.list("/tasks", TASKS)
def task_list(actor: Actor) -> QuerySet[Task]:
    """List tasks, the newest first.

    One's own; those of everybody with the right to see them.
    """
    return selectors.list_tasks(actor)


@group.get("/tasks/commands", admit=anyone)
def task_commands(actor: Actor) -> list[CommandAnswer]:
    """List the commands that one may start.

    On what each may be used is asked when it is started, and again when it runs.
    """
    return [_command(command) for command in selectors.list_startable(actor)]


@group.post("/tasks", admit=anyone, status=202)
def task_start(actor: Actor, body: TaskAdd) -> Created[TaskAnswer]:
    """Start a task.

    With the right that its command needs, which is asked before `params` are looked at. `send_welcome_mail`,
    `send_password_reset_mail` (`validity` up to 24 hours) and `send_token_mail` (up to 4) mail their `recipient` a
    link; 422 where no mail server is configured. `send_spamfight_spam_mail` and `send_spamfight_clean_mail` send a
    misjudged `message` (its key or Message-ID; `recipient` where it isn't one's own) to those who look after the
    filters; `remediate_message` takes a delivered `message` out of mailboxes, with a `reason`, or looks (`dryRun`).
    """
    params = {inside(name): value for name, value in body.params.items()}
    task = services.start(actor, command_named(body.command), params)
    return Created(present(task), f"/tasks/{task.pk}")


def _seen(actor: Actor, task_id: int) -> Task:
    return selectors.get_task(actor, task_id)


@group.get("/tasks/{int:taskId}", admit=_seen)
def task_detail(actor: Actor, task: Task) -> TaskAnswer:
    """Read a task, with its progress and its result."""
    return present(task)


class Wait(BaseModel, extra="forbid"):
    """How long at most."""

    timeout: Annotated[
        str, Field(pattern=r"^[0-9]{1,4}(s|m)?$", description="Seconds, or with `m` minutes; 2 minutes at most.")
    ] = "30"


@group.get("/tasks/{int:taskId}/await", admit=_seen)
def task_await(actor: Actor, task: Task, query: Wait) -> TaskAnswer:
    """Wait until a task has ended, then read it.

    After the time-out it is answered as it is then; `state` tells. Three callers may wait at a time; others get 503
    and wait a moment.
    """
    seconds = int(query.timeout.rstrip("sm")) * (60 if query.timeout.endswith("m") else 1)
    if seconds > LONGEST_WAIT_S:
        text = _("At most %(count)d seconds.") % {"count": LONGEST_WAIT_S}
        raise Invalid(text, faults=[Fault("timeout", text)])
    if not _waiting.acquire(blocking=False):
        raise Unavailable(_("Others are waiting already; try again in some seconds."), headers={"Retry-After": "5"})
    try:
        return present(selectors.wait_for_task(task, timeout_s=seconds))
    finally:
        _waiting.release()


@group.get("/tasks/{int:taskId}/log", admit=_seen)
def task_log(actor: Actor, task: Task) -> list[LogLine]:
    """Read what a task wrote about itself, the newest 200 lines first."""
    return [
        LogLine(at=line.at, level=line.level.upper(), text=line.text)  # type: ignore[arg-type]
        for line in selectors.list_log(task)
    ]


@group.delete("/tasks/{int:taskId}", admit=_seen)
def task_cancel(actor: Actor, task: Task) -> None:
    """Cancel a task.

    One that waits at once; one that runs ends as soon as it can. 409 when it has ended.
    """
    services.cancel(actor, task)


@group.post("/tasks/{int:taskId}/restart", admit=_seen, status=202)
def task_restart(actor: Actor, task: Task) -> Created[TaskAnswer]:
    """Start a task again that failed, was cancelled or interrupted.

    The same command with the same arguments, as a new task. 409 for any other state.
    """
    again = services.start_again(actor, task)
    return Created(present(again), f"/tasks/{again.pk}")


def command_named(text: str) -> str:
    """send_token_mail → SendTokenMail; other names as they are."""
    if not re.fullmatch(r"[a-z]+(_[a-z]+)+", text):
        return text
    return "".join(part.capitalize() for part in text.split("_"))
