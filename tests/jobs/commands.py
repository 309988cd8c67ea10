"""Commands that only tests run: count, wait until stopped, fail."""

from __future__ import annotations

import dataclasses
import time

from django.db import connection

from accounts.actors import Actor
from accounts.permissions import Right
from jobs.commands import command
from jobs.running import TaskRun


@dataclasses.dataclass(frozen=True)
class CountArguments:
    to: int
    word: str = "tick"


@command("TestCount", needs=Right.IMPORT_MAIL, arguments=CountArguments)
def count(actor: Actor, run: TaskRun, arguments: CountArguments) -> dict[str, object]:
    """Counts."""
    for number in range(arguments.to):
        if run.stopping():
            raise run.cancelled({"counted": number})
        run.progress(done=number + 1, total=arguments.to, ticks=number + 1)
        run.log(arguments.word)
    return {"counted": arguments.to, "by": actor.label}


@command("TestWait", needs=None, arguments=CountArguments)
def wait(actor: Actor, run: TaskRun, arguments: CountArguments) -> dict[str, object]:
    """Waits until it is stopped."""
    run.log("began")
    deadline = time.monotonic() + arguments.to
    while time.monotonic() < deadline:
        if run.stopping():
            raise run.cancelled({"stopped": True})
        time.sleep(0.02)
    return {"stopped": False}


@command("TestFail", needs=None, arguments=CountArguments)
def fail(actor: Actor, run: TaskRun, arguments: CountArguments) -> dict[str, object]:
    """Fails."""
    run.progress(done=3)
    raise OSError("the disk is full")


@command("TestCut", needs=None, arguments=CountArguments)
def cut(actor: Actor, run: TaskRun, arguments: CountArguments) -> dict[str, object]:
    """Loses its connection to the database, as when that restarts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    run.log("cut")
    return {"cut": True}


@command("TestSteps", needs=None, arguments=CountArguments, resumable=True)
def steps(actor: Actor, run: TaskRun, arguments: CountArguments) -> dict[str, object]:
    """Goes on where it was."""
    begin = int(run.kept.get("done", 0))
    for number in range(begin, arguments.to):
        if run.stopping():
            raise run.cancelled({"done": number})
        run.keep(done=number + 1)
        run.progress(done=number + 1, total=arguments.to)
        time.sleep(0.01 if arguments.word == "tick" else 0.5)
    return {"from": begin, "to": arguments.to}
