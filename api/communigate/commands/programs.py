"""Programs: this server's own commands, by name (`GetServerInfo`, `VerifyStore`), run now for who asks, planned as
jobs, or kept under a name of a domain's. That server's own language isn't run.

A program's parameter is a dictionary of the command's arguments. A job runs as its owner, as jobs do everywhere here.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.utils import timezone

from accounts.models import User
from accounts.permissions import Right
from api.communigate import keeping
from api.communigate.context import Context, text_of
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.keeping import Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import NO_ACCOUNT, RIGHTS, Refused
from api.communigate.table import Command, command, done
from domains.models import Domain, Mailbox
from jobs import planning, services
from jobs.commands import Command as Program
from jobs.commands import get_command
from jobs.errors import UnknownCommand
from jobs.job_selectors import list_jobs
from jobs.models import Job, Task
from jobs.schedules import MONTHS, WEEKDAYS

NAMED = "namedtasks"
OWNER, PROGRAM, REAL_NAME = "Owner", "Program", "RealName"
PATIENCE_S, STEP_S = 5.0, 0.1  # how long the result of a run is waited for
MOST_NAMED = 1_000


def _program(name: str) -> Program:
    """Raises: Refused."""
    try:
        return get_command(name.strip().removesuffix(".scgp"))
    except UnknownCommand as error:
        raise Refused(501, f"there is no program {name[:60]}: programs are this server's commands") from error


def _arguments(program: Program, given: Value) -> Any:
    """Raises: Refused, BadArguments."""
    if given in (None, "", {}):
        given = {}
    if not isinstance(given, dict):
        raise Refused(501, "a parameter is a dictionary of the command's arguments")
    return program.arguments_from_strings(program.named({key: _words(value, key) for key, value in given.items()}))


def _words(value: Value, key: str) -> list[str]:
    return [text_of(each, key) for each in value] if isinstance(value, list) else [text_of(value, key)]


def _person(context: Context, name: str) -> User:
    """Who signs in with the account; oneself without one, too. Raises: Refused, Forbidden."""
    if context.is_oneself(name) and context.actor.user is not None:
        return context.actor.user
    found = context.account(name, own=True).user
    if found is None:
        raise Refused(NO_ACCOUNT, "nobody signs in with this account")
    return found


# --- now --------------------------------------------------------------------------------------------------------------


def run_script(context: Context, arguments: Arguments) -> Data:
    """As who asks, with their rights: an account of somebody else's is refused. The result of the command, or where it
    takes longer the number of its task.
    """
    if not context.actor.owns(_person(context, arguments["name"])):
        raise Refused(RIGHTS, "insufficient access rights: a program runs as who asks")
    if arguments.get("entry", "main") not in ("", "main"):
        raise Refused(501, f"there is no entry {arguments['entry']}")
    program = _program(arguments["program"])
    services.require_right(context.actor, program)
    return _outcome(services.submit(context.actor, program.name, _arguments(program, arguments.get("parameter"))))


def _outcome(task: Task) -> Data:
    until = time.monotonic() + PATIENCE_S
    while task.state in Task.ACTIVE and time.monotonic() < until:
        time.sleep(STEP_S)
        task.refresh_from_db()
    if task.state == Task.State.COMPLETED:
        return _value(task.result or {})
    if task.state in Task.ENDED:
        raise Refused(501, " ".join(task.error.split())[:300] or str(task.state))
    return {"task": str(task.pk), "state": task.state}


def _value(found: Any) -> Value:
    """A result as that server's objects."""
    if isinstance(found, dict):
        return {str(key): _value(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [_value(each) for each in found]
    if isinstance(found, bool):
        return "YES" if found else "NO"
    return found if found is None or isinstance(found, int) else str(found)


# --- planned ----------------------------------------------------------------------------------------------------------


def update_scheduled(context: Context, arguments: Arguments) -> Data:
    """A job of the account's person, by its name; without a program it goes. `now` runs it at once."""
    person, data = _person(context, arguments["name"]), arguments["task"]
    name = text_of(data.get("id"), "id")
    if not name:
        raise Refused(501, "id: the name of the task is missing")
    job = list_jobs(context.actor).filter(owner=person, name=name, built_in=None).first()
    called = text_of(data.get("program") or data.get("script"), "program")
    if not called:
        _forget(context, job)
        return done()
    program = _program(called)
    now = text_of(data.get("when"), "when").lower() == "now" if isinstance(data.get("when"), str) else False
    if now and not data.get("period"):
        if not context.actor.owns(person):
            raise Refused(RIGHTS, "insufficient access rights: at once a program runs as who asks")
        services.submit(context.actor, program.name, _arguments(program, data.get("parameter")))
        return done()
    begins = timezone.now().astimezone(UTC) if now else _moment(data.get("when"))
    values: dict[str, Any] = {
        "arguments": _plain(data.get("parameter")),
        "schedule": planning.parse_schedule(_schedule(begins, data.get("period"))),
        "begins": begins,
    }
    if job is not None and job.command != program.name:
        _forget(context, job)
        job = None
    if job is None:
        job = planning.create_job(context.actor, command=program.name, name=name, owner=person, **values)
    else:
        planning.change_job(context.actor, job, **values)
    if now:
        planning.run_job(context.actor, job)
    return done()


def _forget(context: Context, job: Job | None) -> None:
    """Raises: Refused (there is none)."""
    if job is None:
        raise Refused(501, "there is no such task")
    planning.delete_job(context.actor, job)


def _plain(given: Value) -> dict[str, object]:
    if given in (None, "", {}):
        return {}
    if not isinstance(given, dict):
        raise Refused(501, "a parameter is a dictionary of the command's arguments")
    return cast("dict[str, object]", given)


def _moment(value: Value) -> datetime:
    """A time stamp, which is in GMT. Raises: Refused."""
    if not isinstance(value, datetime):
        raise Refused(501, "when: a time stamp or now is expected")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _schedule(begins: datetime, period: Value) -> dict[str, object]:
    """From that time of day on, each so often; once without a period. Raises: Refused."""
    found: dict[str, object] = {"timeZoneId": "UTC"}
    at = begins.strftime("%H:%M:%S")
    if keeping.is_default(period) or period == "":
        return {**found, "date": begins.replace(tzinfo=None).isoformat(timespec="seconds")}
    word = text_of(period, "period").strip().lower()
    if word == "day":
        return {**found, "time": at}
    if word == "week":
        return {**found, "time": at, "dayOfWeek": WEEKDAYS[begins.weekday()]}
    if word == "month":
        return {**found, "time": at, "dayOfMonth": str(begins.day)}
    if word == "year":
        return {**found, "time": at, "dayOfMonth": str(begins.day), "month": MONTHS[begins.month - 1]}
    if word.isdecimal() and len(word) < 9 and timedelta(seconds=int(word)) % timedelta(minutes=1) == timedelta():
        return {**found, "interval": int(word) // 60}
    raise Refused(501, "period: day, week, month, year, or seconds that are 5 to 720 minutes")


# --- with a name ------------------------------------------------------------------------------------------------------


def _task(context: Context, name: str, need: Right) -> tuple[Domain, str, Dictionary]:
    """(domain, name in it, the tasks of the domain). Raises: Refused (there is none of this name)."""
    domain, whole = context.split(name, need)
    local = whole.rpartition("@")[0].lower()
    present = keeping.kept(NAMED, domain)
    if local not in present:
        raise Refused(501, f"there is no task {name[:60]}")
    return domain, local, present


def _listed(context: Context, domain: Domain, owner: Mailbox | None = None) -> Dictionary:
    tasks = cast("dict[str, Dictionary]", keeping.kept(NAMED, domain))
    mine = owner.address.partition("@")[0] if owner is not None else None
    return {
        name: {OWNER: task.get(OWNER), REAL_NAME: task.get(REAL_NAME, ""), PROGRAM: task.get(PROGRAM, "")}
        for name, task in sorted(tasks.items())
        if mine in (None, task.get(OWNER))
    }


def list_of_domain(context: Context, arguments: Arguments) -> Data:
    return _listed(context, context.domain(arguments.get("domain"), Right.EDIT_DOMAINS))


def list_of_account(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"], own=True)
    return _listed(context, found.domain, found)


def create_named(context: Context, arguments: Arguments) -> Data:
    domain, whole = context.split(arguments["name"], Right.EDIT_DOMAINS)
    local = whole.rpartition("@")[0].lower()
    if not local or len(local) > 100 or not local.isprintable():
        raise Refused(501, "this is no name")
    owner = context.account(f"{arguments['owner'].partition('@')[0]}@{domain.name}")
    present = keeping.kept(NAMED, domain)
    if local in present:
        raise Refused(501, "there is a task of this name already")
    if len(present) >= MOST_NAMED:
        raise Refused(501, f"there are {MOST_NAMED} tasks already")
    keeping.keep(context.actor, NAMED, domain, {local: {OWNER: owner.address.partition("@")[0]}}, replace=False)
    return done()


def rename_named(context: Context, arguments: Arguments) -> Data:
    domain, local, present = _task(context, arguments["old"], Right.EDIT_DOMAINS)
    new = arguments["new"].partition("@")[0].lower()
    if new in present or not new or len(new) > 100 or not new.isprintable():
        raise Refused(501, "there is a task of this name already" if new in present else "this is no name")
    keeping.keep(context.actor, NAMED, domain, {local: None, new: present[local]}, replace=False)
    return done()


def delete_named(context: Context, arguments: Arguments) -> Data:
    domain, local, _present = _task(context, arguments["name"], Right.EDIT_DOMAINS)
    keeping.keep(context.actor, NAMED, domain, {local: None}, replace=False)
    return done()


def get_named(context: Context, arguments: Arguments) -> Data:
    _domain, local, present = _task(context, arguments["name"], Right.EDIT_DOMAINS)
    return present[local]


def update_named(context: Context, arguments: Arguments) -> Data:
    """Its owner stays; its program is one of this server's commands."""
    domain, local, present = _task(context, arguments["name"], Right.EDIT_DOMAINS)
    values = keeping.without(arguments["settings"], (OWNER,))
    if not keeping.is_default(values.get(PROGRAM)):
        _program(text_of(values[PROGRAM], PROGRAM))
    before = cast("Dictionary", present[local])
    after: Dictionary = {key: value for key, value in {**before, **values}.items() if not keeping.is_default(value)}
    keeping.keep(context.actor, NAMED, domain, {local: after}, replace=False)
    return done()


COMMANDS: list[Command] = [
    command(
        "RUNSCRIPT",
        "name PROGRAM program [ ENTRY entry ] [ PARAM parameter* ]",
        run_script,
        "Run one of this server's commands",
        apart=True,
    ),
    command("UPDATESCHEDULEDTASK", "name task{}", update_scheduled, "Plan one of this server's commands"),
    command("LISTDOMAINNAMEDTASKS", "[ domain ]", list_of_domain, "List the tasks kept for a domain", reads=True),
    command("LISTACCOUNTNAMEDTASKS", "name", list_of_account, "List the tasks kept for an account", reads=True),
    command("CREATENAMEDTASK", "name FOR owner", create_named, "Keep a task under a name"),
    command("RENAMENAMEDTASK", "old INTO new", rename_named, "Rename a task that is kept"),
    command("DELETENAMEDTASK", "name", delete_named, "Forget a task that is kept"),
    command("GETNAMEDTASK", "name", get_named, "Read a task that is kept", reads=True),
    command("UPDATENAMEDTASK", "name settings{}", update_named, "Change a task that is kept"),
]
