"""Tasks: ours, by ids in the form of UUIDs, with James's types and states, and what each was about.

Source: WebAdmin's manual, "Task management". A task's id is its number inside a fixed UUID, so nothing is kept for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import QuerySet, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Concat
from django.http import Http404, HttpResponse
from django.utils.dateparse import parse_datetime

from accounts.permissions import Right
from api.errors import Unavailable
from api.james.answers import SERVER_ERROR, JamesError, arguments, body, invalid, not_found, nothing
from api.james.answers import task as task_answer
from api.james.asking import Asked
from jobs import selectors, services
from jobs.builtin import PurgeOldTasksArguments
from jobs.commands import get_command
from jobs.errors import NotRunnable
from jobs.models import Task

_BASE = 0x00000000_0000_4000_8000_000000000000
_MASK = (1 << 48) - 1
LONGEST_WAIT_S = 120.0
MOST_LISTED = 1_000
_YEAR_S = 365 * 86_400.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "": 1.0}
_DAYS = re.compile(r"([1-9][0-9]{0,3})\s*d(?:ays?)?", re.ASCII)
MODES = ("rebuildAll", "rebuildAllNoCleanup", "fixOutdated")
RECOVERY = "error-recovery-indexation"
RECOVERIES = "james:recoveries"
REMEMBERED_S = 86_400
_waiting = BoundedSemaphore(2)  # each holds a thread of the server
STATES = {
    Task.State.WAITING: "waiting",
    Task.State.IN_PROGRESS: "inProgress",
    Task.State.CANCEL_REQUESTED: "canceledRequested",
    Task.State.COMPLETED: "completed",
    Task.State.CANCELLED: "canceled",
    Task.State.FAILED: "failed",
    Task.State.INTERRUPTED: "failed",
}
TYPES = {
    "FullReIndexing": "full-reindexing",
    "UserReIndexing": "user-reindexing",
    "MailboxReIndexing": "mailbox-reindexing",
    "RecomputeCurrentQuotas": "recompute-current-quotas",
    "ClearRepository": "clear-mail-repository",
    "ClearFolder": "ClearMailboxContentTask",
    "RenameUser": "UsernameChangeTask",
    "CheckSchema": "cassandra-migration",
    "PurgeOldTasks": "tasks-cleanup",
}

# which dates a list is asked for by, and of tasks in which states
DATED: dict[str, tuple[str, tuple[str, ...]]] = {
    "submitted": ("created_at", ()),
    "started": ("started_at", ()),
    "completed": ("ended_at", (Task.State.COMPLETED,)),
    "failed": ("ended_at", (Task.State.FAILED, Task.State.INTERRUPTED)),
}
WRONG_QUERY = "Invalid status query parameter"  # said of every wrong parameter of a list; its details say which
REINDEXING = ("FullReIndexing", "UserReIndexing", "MailboxReIndexing", "MessageReIndexing")
# command → arguments: with any of them it is of the first type, without of the second
DOUBLE = {
    "MessageReIndexing": (("folder",), "message-reindexing", "messageId-reindexing"),
    "ReprocessRepository": (("key",), "reprocessing-one", "reprocessing-all"),
    "DeleteFromQueue": (("sender", "name", "recipient"), "delete-mails-from-mail-queue", "clear-mail-queue"),
}


def begin(asked: Asked, name: str, given: object) -> HttpResponse:
    """Ask for a command; 201 with where to look. Raises: what the service raises."""
    return task_answer(id_of(services.submit(asked.actor, name, given)))


def begin_reindexing(asked: Asked, name: str, given: object, *, of_failures: bool = False) -> HttpResponse:
    """The same; how it was asked for is told with the task for a day, though an index is built as fast as it goes.

    Raises: what the service raises.
    """
    task = services.submit(asked.actor, name, given)
    speed = asked.query("messagesPerSecond")
    mode = asked.query("mode") or MODES[0]
    options = {
        "mode": re.sub(r"([A-Z])", r"_\1", mode).upper(),
        "messagesPerSecond": 50 if speed is None else int(speed),
    }
    cache.set(_options(task), options, REMEMBERED_S)
    if of_failures:
        cache.set(RECOVERIES, [*_recoveries()[-MOST_LISTED:], task.pk], REMEMBERED_S)
    return task_answer(id_of(task))


def _options(task: Task) -> str:
    return f"james:reindexing:{task.pk}"


def _recoveries() -> list[int]:
    """The reindexings of a day that were asked for as those of a former one's failures."""
    found: list[int] = cache.get(RECOVERIES) or []
    return found


def shown(path: str) -> str:
    """The name of a mailbox, whose parts are kept with slashes between them."""
    return path.replace(".", "-").replace("/", ".").replace("∕", "/")


def id_of(task: Task) -> str:
    return str(UUID(int=_BASE | task.pk))


def wanted(asked: Asked, name: str, known: Sequence[str]) -> str:
    """A query parameter that says what to do. Raises: JamesError."""
    value = asked.query(name)
    supported = f"Supported values are [{', '.join(known)}]"
    if value is None:
        raise arguments(f"'{name}' query parameter is compulsory. {supported}")
    if not value.strip():
        raise arguments(f"'{name}' query parameter cannot be empty or blank. {supported}")
    if value not in known:
        raise arguments(f"Invalid value supplied for query parameter '{name}': {value[:100]}. {supported}")
    return value


def again(asked: Asked, text: str) -> HttpResponse:
    """A reindexing once more, of all that it looked at: what it could not index is among that. Raises: JamesError."""
    try:
        before = find(asked, text)
    except JamesError as error:
        if error.status == 404:
            raise invalid(f"TaskId {text[:100]} does not exist") from error
        raise
    if before.type not in REINDEXING:
        raise invalid("Invalid task id", f"'{_type(before)}' is no reindexing")
    if before.state not in Task.ENDED:
        raise invalid("Invalid task id", "the task has not ended")
    given = get_command(before.type).arguments_from_json(before.arguments)
    return begin_reindexing(asked, before.type, given, of_failures=True)


def detail(asked: Asked) -> HttpResponse:
    return body(present(asked, _find(asked)))


def wait(asked: Asked) -> HttpResponse:
    _uuid(asked.named["task"])
    timeout_s = _timeout(asked.query("timeout"))
    try:
        task = _find(asked)
    except JamesError as error:
        raise JamesError(404, SERVER_ERROR, "The taskId is not found") from error
    if task.state not in Task.ENDED:
        if not _waiting.acquire(blocking=False):
            raise Unavailable("Too many callers wait already; ask again in a moment.", headers={"Retry-After": "2"})
        try:
            task = selectors.wait_for_task(task, timeout_s=min(timeout_s, LONGEST_WAIT_S))
        finally:
            _waiting.release()
    if task.state not in Task.ENDED:
        raise JamesError(408, SERVER_ERROR, "The timeout has been reached")
    return body(present(asked, task))


def cancel(asked: Asked) -> HttpResponse:
    """What has ended, or never was, runs no more, which is what was wanted."""
    number = _uuid(asked.named["task"])
    try:
        services.cancel(asked.actor, _of_number(asked, number))
    except (NotRunnable, Http404):
        return nothing()
    return nothing()


def clean_up(asked: Asked) -> HttpResponse:
    """DELETE /tasks?olderThan=15day: by whole days."""
    asked.actor.require(Right.MANAGE_SERVER)
    text = asked.query("olderThan")
    if not text:
        raise arguments("'olderThan' query parameter is compulsory")
    found = _DAYS.fullmatch(text.strip())
    if found is None:
        raise arguments(f"'{text[:100]}' is no number of days, such as 15day")
    days = int(found[1])
    return begin(asked, "PurgeOldTasks", PurgeOldTasksArguments(older_than_days=days))


def list_all(asked: Asked) -> HttpResponse:
    rows = selectors.tasks_visible_to(asked.actor)
    status, type_ = asked.query("status"), asked.query("type")
    if status is not None:
        states = [state for state, name in STATES.items() if name == status]
        if not states:
            raise invalid(WRONG_QUERY, f"'{status[:100]}' is no status")
        rows = rows.filter(state__in=states)
    if type_ is not None:
        rows = _of_type(rows, type_)
    for word, (column, of_states) in DATED.items():
        for end, lookup in (("Before", "lte"), ("After", "gte")):
            moment = _moment(asked, f"{word}{end}")
            if moment is not None:
                rows = rows.filter(**{f"{column}__{lookup}": moment})
                rows = rows.filter(state__in=of_states) if of_states else rows
    offset, limit = _count(asked, "offset", 0), _count(asked, "limit", MOST_LISTED)
    return body([present(asked, row) for row in rows.order_by("-pk")[offset : offset + min(limit, MOST_LISTED)]])


def present(asked: Asked, task: Task) -> dict[str, Any]:
    """As James shows it; dates that aren't there are left out."""
    kind = _type(task)
    ended = {"completedDate": "completed", "canceledDate": "canceled", "failedDate": "failed"}
    status = STATES[Task.State(task.state)]
    dates = {"submitDate": task.created_at, "startedDate": task.started_at}
    dates |= {name: task.ended_at for name, state in ended.items() if state == status}
    told = ABOUT.get(task.type, _plain)(task)
    told |= {name: asked.shown(str(told[name])) for name in ("username", "oldUser", "newUser") if told.get(name)}
    stamp = task.ended_at or task.started_at or task.created_at
    return {
        "taskId": id_of(task),
        "type": kind,
        "status": status,
        "submittedFrom": "postkeep",
        "executedOn": task.worker.partition("|")[0][:100] or None,
        "cancelledFrom": None,
        "additionalInformation": {"type": kind, "timestamp": _date(stamp), **told},
        **{name: _date(moment) for name, moment in dates.items() if moment is not None},
    }


def _of_type(rows: QuerySet[Task], type_: str) -> QuerySet[Task]:
    """The tasks that are shown with this type, as `_type` says it."""
    if type_ == RECOVERY:
        return rows.filter(pk__in=_recoveries())
    rows = rows.exclude(pk__in=recovered) if (recovered := _recoveries()) else rows
    for name, (fields, with_one, without) in DOUBLE.items():
        if type_ in (with_one, without):
            texts = [Coalesce(KT(f"arguments__{field}"), Value(""), output_field=TextField()) for field in fields]
            said = Concat(*texts, Value("", TextField()), output_field=TextField())
            found = rows.filter(type=name).annotate(said=said)
            return found.exclude(said="") if type_ == with_one else found.filter(said="")
    names = [name for name, theirs in TYPES.items() if theirs == type_]
    return rows.filter(type__in=names or ([] if type_ in TYPES or type_ in DOUBLE else [type_]))


def _type(task: Task) -> str:
    if task.type in REINDEXING and task.pk in _recoveries():
        return RECOVERY
    if task.type in DOUBLE:
        fields, with_one, without = DOUBLE[task.type]
        return with_one if any(task.arguments.get(field) for field in fields) else without
    return TYPES.get(task.type, task.type)


def _plain(task: Task) -> dict[str, Any]:
    found = task.result or {}
    return {name: value for name, value in found.items() if isinstance(value, str | int | bool | float | None)}


def _reindexing(task: Task) -> dict[str, Any]:
    found, given = task.result or {}, task.arguments
    options = cache.get(_options(task)) or {"mode": "REBUILD_ALL", "messagesPerSecond": 50}
    about: dict[str, Any] = {"runningOptions": options, "messageFailures": {}, "mailboxFailures": []}
    if task.type == "UserReIndexing":
        about["username"] = given.get("user")
    if task.type == "MailboxReIndexing":
        about["mailboxPath"] = f"#private:{given.get('user')}:{shown(str(given.get('mailbox')))}"
    if task.type == "MessageReIndexing" and given.get("folder"):
        address, _slash, path = str(given["folder"]).partition("/")
        return {"mailboxPath": f"#private:{address}:{shown(path)}", "uid": int(given["message"])}
    if task.type == "MessageReIndexing":
        return {"messageId": str(given.get("message")).removeprefix("1:")}
    failed = int(found.get("failed", 0) or 0)
    done = int(found.get("messages", 0) or 0)
    return {**about, "successfullyReprocessedMailCount": done - failed, "failedReprocessedMailCount": failed}


def _quotas(task: Task) -> dict[str, Any]:
    return {"recomputeSingleQuotaComponentResults": [], "runningOptions": {
        "usersPerSecond": task.arguments.get("users_per_second") or 1}}  # fmt: skip


def _repository(task: Task) -> dict[str, Any]:
    found, given = task.result or {}, task.arguments
    about = {"repositoryPath": given.get("repository")}
    if task.type == "ReprocessRepository":
        about |= {"targetQueue": given.get("queue") or "spool", "targetProcessor": given.get("processor") or None}
        if given.get("key"):
            about["mailKey"] = given["key"]
            return about
    return {**about, "initialCount": found.get("initialCount", 0), "remainingCount": found.get("remainingCount", 0)}


def _queue(task: Task) -> dict[str, Any]:
    found, given = task.result or {}, task.arguments
    about = {"mailQueueName": given.get("queue")}
    about |= {name: found.get(name, 0) for name in ("initialCount", "remainingCount")}
    if _type(task) == "delete-mails-from-mail-queue":
        about |= {name: given.get(name) or None for name in ("sender", "name", "recipient")}
    return about


def _clearing(task: Task) -> dict[str, Any]:
    address, _slash, path = str(task.arguments.get("folder", "")).partition("/")
    found = task.result or {}
    counts = {name: found.get(name, 0) for name in ("messagesSuccessCount", "messagesFailCount")}
    return {"username": address, "mailboxName": shown(path), **counts}


def _renaming(task: Task) -> dict[str, Any]:
    given = task.arguments
    return {"oldUser": given.get("old_user_name"), "newUser": given.get("new_user_name"), "status": {}}


ABOUT: dict[str, Callable[[Task], dict[str, Any]]] = {
    "FullReIndexing": _reindexing,
    "UserReIndexing": _reindexing,
    "MailboxReIndexing": _reindexing,
    "MessageReIndexing": _reindexing,
    "RecomputeCurrentQuotas": _quotas,
    "ClearRepository": _repository,
    "ReprocessRepository": _repository,
    "DeleteFromQueue": _queue,
    "ClearFolder": _clearing,
    "RenameUser": _renaming,
}


def _find(asked: Asked) -> Task:
    return find(asked, asked.named["task"])


def find(asked: Asked, text: str) -> Task:
    """The task of an id as lists tell it. Raises: JamesError."""
    number = _uuid(text)
    try:
        return _of_number(asked, number)
    except Http404 as error:
        raise not_found(f"{text} can not be found") from error


def _uuid(text: str) -> int:
    """Raises: JamesError."""
    try:
        return UUID(text).int
    except ValueError as error:
        raise invalid("Invalid task id", f"Invalid UUID string: {text[:100]}") from error


def _of_number(asked: Asked, number: int) -> Task:
    """Raises: Http404."""
    if number & ~_MASK != _BASE:
        raise Http404("no such task")
    return selectors.get_task(asked.actor, number & _MASK)


def _timeout(text: str | None) -> float:
    """Seconds of "2s", "500ms" or "2". Raises: JamesError."""
    if not text:
        return LONGEST_WAIT_S
    plain = text.strip()
    digits = plain.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = plain[len(digits) :].strip()
    unit = {"sec": "s", "second": "s", "seconds": "s", "min": "m", "minutes": "m", "minute": "m", "hours": "h"}.get(
        unit, unit
    )
    if unit not in _UNITS or not digits.isdecimal() or len(digits) > 12:
        raise invalid("Invalid timeout", f"'{text[:100]}' is no duration")
    seconds = int(digits) * _UNITS[unit]
    if seconds > _YEAR_S:
        raise invalid("Invalid timeout", "Timeout should not exceed 365 days")
    return seconds


def _moment(asked: Asked, name: str) -> datetime | None:
    text = asked.query(name)
    if text is None:
        return None
    try:
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None:
        raise invalid(WRONG_QUERY, f"'{name}': '{text[:100]}' is no date")
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _count(asked: Asked, name: str, without: int) -> int:
    text = asked.query(name)
    if text is None:
        return without
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise invalid(WRONG_QUERY, f'For input string: "{text[:100]}"')
    if int(text) < 0:
        raise invalid(WRONG_QUERY, f"'{name}' should be positive")
    return int(text)


def _date(moment: datetime) -> str:
    """yyyy-MM-dd'T'HH:mm:ss.SSSZ"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"
