"""`manage.py invoke NAME --key value [--json]`: run any registered command from a shell.

`--list` shows them. Everything after `invoke` belongs to the registry, also words that are Django's own options:
manage.py puts `--` before it. A list argument is given several times; a bool alone means true; a value that begins with
two dashes is written `--key=--value`. A JSON argument is JSON text; one of JSON or a secret one is read from standard
input where the value is `-`. It waits until the command has ended, and goes with 1 and the reason unless it was
completed and found nothing wrong; with `--no-wait` the worker runs it, and its number is all that is told.
What takes two people (jobs.approvals) is asked for with `--ask REASON`, or done at once with `--emergency REASON`,
which leaves an event and tells the administrators.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError
from django.http import Http404

from accounts.actors import Actor
from config.kit.doors import no_database
from jobs import approvals, services
from jobs.commands import Command as Registered
from jobs.commands import get_command, list_commands
from jobs.console import ProgressLine, as_text, exit_code, reason
from jobs.errors import BadArguments
from jobs.models import Approval, Task
from jobs.parameters import Kind, Parameter
from jobs.words import read_words


class Command(BaseCommand):
    """Reads its words itself; see the module."""

    help = "Run a registered command: invoke NAME --key value [--json] [--no-wait], or invoke --list [--json]."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*")

    def handle(self, *args: str, words: list[str], **options: Any) -> None:
        as_json, waits = "--json" in words, "--no-wait" not in words
        words = [word for word in words if word not in ("--json", "--no-wait")]
        if not words or words[0] in ("--list", "--help", "-h"):
            return self._list(as_json)
        try:
            command = get_command(words[0])
            found = read_words(command, words[1:], read=sys.stdin.read)
            grounds = _take_grounds(command, found)
            self._run(command, command.arguments_from_strings(found), grounds, as_json=as_json, waits=waits)
        except OperationalError as error:
            text = no_database(error)
            self._fail(text, {"error": text} if as_json else None)
        except Exception as error:  # what takes two people is planned before there is a task, by any app's services
            if not hasattr(error, "permanent") and not isinstance(error, Http404):
                raise
            self._fail(str(error), {"error": str(error)} if as_json else None)

    def _list(self, as_json: bool) -> None:
        shown = [
            {
                "name": command.name,
                "arguments": [each.describe() for each in command.parameters()],
                "help": command.help,
            }
            for command in list_commands()
        ]
        if as_json:
            self.stdout.write(json.dumps(shown))
            return
        for command in list_commands():
            options = " ".join(_usage(each) for each in command.parameters())
            self.stdout.write(f"{command.name} {options}".rstrip() + (f"\n    {command.help}" if command.help else ""))

    def _run(
        self, command: Registered, arguments: object, grounds: dict[str, str], *, as_json: bool, waits: bool
    ) -> None:
        if not waits and not grounds:
            return self._submit(command, arguments, as_json)
        line = ProgressLine()
        task = self._task(command, arguments, grounds, line)
        if isinstance(task, Approval):
            return self._asked(task, as_json)
        line.end()
        document = {"task": task.pk, "state": task.state, "result": task.result, "error": task.error or None}
        if as_json:
            self.stdout.write(json.dumps(document))
        elif task.state == Task.State.COMPLETED:
            for key, value in (task.result or {}).items():
                self.stdout.write(as_text(key, value))
        if exit_code(task):
            self._fail(reason(task), None)
        return None

    def _submit(self, command: Registered, arguments: object, as_json: bool) -> None:
        task = services.submit(Actor.console(), command.name, arguments)
        document = {"task": task.pk, "state": task.state, "result": None, "error": None}
        self.stdout.write(json.dumps(document) if as_json else f"task {task.pk} waits for a worker")

    def _task(
        self, command: Registered, arguments: object, grounds: dict[str, str], line: ProgressLine
    ) -> Task | Approval:
        """The task that ran to its end, or the request that waits for a second person."""
        console = Actor.console()
        if "emergency" in grounds:
            return approvals.at_once(console, command.name, arguments, reason=grounds["emergency"], echo=line)
        if "ask" not in grounds:
            return services.run_here(console, command.name, arguments, echo=line)
        approval = approvals.ask(console, command.name, arguments, reason=grounds["ask"])
        ran = None if approval.task is None else services.run_submitted(approval.task, echo=line)
        return ran or approval

    def _asked(self, approval: Approval, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"approval": approval.pk, "state": approval.state}))
        else:
            self.stdout.write(f"asked: approval #{approval.pk} ({approval.get_state_display()})")

    def _fail(self, text: str, document: dict[str, object] | None) -> None:
        self.stderr.write(text)
        if document is not None:
            self.stdout.write(json.dumps(document))
        raise SystemExit(1)


def _take_grounds(command: Registered, found: dict[str, list[str]]) -> dict[str, str]:
    """The words about the rule of two people, which are no arguments of the command. Raises: BadArguments."""
    grounds: dict[str, str] = {name: " ".join(found.pop(name)) for name in ("ask", "emergency") if name in found}
    if len(grounds) > 1 or (grounds and command.two_people is None):
        raise BadArguments(f"{command.name} takes --ask or --emergency only where it takes two people, and one of both")
    return grounds


def _usage(parameter: Parameter) -> str:
    kind = "" if parameter.kind is Kind.FLAG else f" {str(parameter.kind).upper()}"
    text = f"--{parameter.name.replace('_', '-')}{kind}"
    return text if parameter.required else f"[{text}]"
