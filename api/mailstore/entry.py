"""One call of the Management API: get-metadata for everybody; for who is known, a function, its status, or its end.

Functions are our commands: quick ones run here and are answered at once, long ones and those that take two people are
tasks. Rights are asked before arguments are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.http import HttpResponse

from accounts.actors import Actor
from api.dialects import door
from api.dialects.call import Call
from api.mailstore import answers, progress, reading, shapes
from api.mailstore.answers import ApiFailure
from api.mailstore.functions import CANCEL, FUNCTIONS, METADATA, STATUS, UNSUPPORTED, Function, metadata
from archive.commands.folders import MessagesArguments
from jobs import approvals, services
from jobs.commands import Command
from jobs.errors import NeedsApproval, NotRunnable
from jobs.models import Task
from jobs.selectors import wait_for_task

WAITED_FOR_S = 2.0  # for a short function that is a task because it takes two people
DEFAULT_WAIT_MS = 1_000
PAGE_MESSAGES = 10_000
MOST_MESSAGES = 500_000


def answer(call: Call) -> HttpResponse:
    """Raises: what credentials raise; the rest is answered in the envelope."""
    parts = [each for each in call.segments if each]  # old clients send a slash twice
    if parts == ["api", "get-metadata"] and call.method in ("GET", "POST", "HEAD"):
        call.operation = f"POST {METADATA}"
        return answers.body(metadata())
    call.actor = actor = reading.actor_of(call)
    path = "/" + "/".join(parts)
    is_function = len(parts) == 3 and parts[:2] == ["api", "invoke"]
    if not is_function and path not in (STATUS, CANCEL):
        return answers.failed("There is nothing here.", status=404)
    if call.method != "POST":
        response = answers.failed("Functions are called with POST.", status=405)
        response["Allow"] = "POST"
        return response
    call.operation = f"POST {path}"
    try:
        if is_function:
            return _invoke(call, actor, parts[2])
        task = progress.task_of(actor, reading.form_of(call).get("token", ""))
        return _status(call, task) if path == STATUS else _cancel(call, actor, task)
    except ApiFailure as error:
        return _failed(call, error.message, error.where)


def _invoke(call: Call, actor: Actor, name: str) -> HttpResponse:
    function = FUNCTIONS.get(name)
    if function is None:
        call.operation = "POST /api/invoke/?"
        raise ApiFailure(f"There is no function {name[:60]}.", name[:60])
    command = function.command
    if command is None:
        raise ApiFailure(f"{name} is not supported: {UNSUPPORTED}", name)
    try:
        services.require_right(actor, command, reads=function.kind == "read")
        arguments = reading.arguments_of(function, command, shapes.given(name, reading.form_of(call)))
        if function.kind == "task" or command.two_people is not None:
            return _begin(call, actor, function, command, arguments)
        if isinstance(arguments, MessagesArguments):
            result = _all_messages(actor, command, arguments)
        else:
            result = services.answer_now(actor, command, arguments, reads=function.kind == "read")
    except ApiFailure:
        raise
    except Exception as error:  # services of any app; the frame knows what to say of each
        return _refused(call, function, error)
    call.result = answers.SUCCEEDED
    return answers.succeeded(shapes.shaped(name, result, reading.form_of(call)))


def _all_messages(actor: Actor, command: Command, arguments: MessagesArguments) -> dict[str, object]:
    """A folder's messages to the last, which clients expect at once and our command tells page by page.

    Raises: ApiFailure, where they are more than an answer should hold; whatever the command raises.
    """
    lines: list[object] = []
    while True:
        page = replace(arguments, limit=PAGE_MESSAGES)
        found = services.answer_now(actor, command, page, reads=True)
        told = found["messages"]
        assert isinstance(told, list)
        lines += told
        if not found["older"]:
            return {"messages": lines}
        if len(lines) >= MOST_MESSAGES:
            raise ApiFailure(f"There are more than {MOST_MESSAGES} messages; ask folder by folder.", command.name)
        arguments = replace(arguments, before=str(found["older"]))


def _begin(call: Call, actor: Actor, function: Function, command: Command, arguments: object) -> HttpResponse:
    """A task, or a request to a second person."""
    try:
        task = services.submit(actor, command.name, arguments)
    except NeedsApproval:
        asked = approvals.ask(actor, command.name, arguments, reason=f"MailStore Management API: {function.name}")
        raise ApiFailure(
            f"This takes two people. It was asked for as approval {asked.pk} and runs once somebody else approves it.",
            function.name,
        ) from None
    if function.kind != "task":
        task = wait_for_task(task, timeout_s=WAITED_FOR_S)
        if task.state == Task.State.COMPLETED:
            call.result = answers.SUCCEEDED
            return answers.succeeded(shapes.shaped(function.name, task.result or {}))
        if task.state in Task.ENDED:
            raise ApiFailure(task.error or str(task.get_state_display()), function.name)
    call.result = answers.RUNNING
    return answers.envelope(progress.status_of(task))


def _status(call: Call, task: Task) -> HttpResponse:
    form = reading.form_of(call)
    timeout_ms = _number(form, "millisecondsTimeout", DEFAULT_WAIT_MS)
    found = progress.wait(task, known=_number(form, "lastKnownStatusVersion", -1), timeout_s=max(0, timeout_ms) / 1000)
    call.result = found.code if found.error is None else f"!{found.error['message']}"
    return answers.envelope(found)


def _cancel(call: Call, actor: Actor, task: Task) -> HttpResponse:
    """It ends when it can; one that has ended already is left as it is."""
    try:
        services.cancel(actor, task)
    except NotRunnable:
        pass
    except Exception as error:
        return _refused(call, None, error)
    call.result = answers.SUCCEEDED
    return answers.succeeded(None)


def _number(form: Mapping[str, str], name: str, default: int) -> int:
    """Raises: ApiFailure."""
    text = form.get(name, "").strip()
    if not text:
        return default
    try:
        if len(text) > 18:
            raise ValueError
        return int(text)
    except ValueError as error:
        raise ApiFailure(f"API argument {name} must be a whole number.", name) from error


def _refused(call: Call, function: Function | None, error: Exception) -> HttpResponse:
    """What a service raised: a function that failed, unless it is the server that did."""
    refusal = door.refusal_of(error, call)
    if refusal.status >= 500:
        return door.refuse(call.dialect, refusal)
    field = getattr(error, "field", "")
    where = reading.name_of(function, field) if function is not None and isinstance(field, str) else ""
    name = function.name if function is not None else ""
    return _failed(call, refusal.text, f"{name}({where})" if where else name)


def _failed(call: Call, message: str, where: str = "") -> HttpResponse:
    call.result = f"!{message}"
    return answers.failed(message, where)
