"""`manage.py invoke NAME --key value [--json]`: run any registered command from a shell.

`--list` shows them. Everything after `invoke` belongs to the registry, also words that are Django's own options:
manage.py puts `--` before it. A list argument is given several times; a bool alone means true; a value that begins with
two dashes is written `--key=--value`.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError

from accounts.actors import Actor
from accounts.errors import AccountsError
from config.kit.doors import no_database
from jobs import services
from jobs.commands import Command as Registered
from jobs.commands import get_command, list_commands
from jobs.console import ProgressLine, exit_code, reason
from jobs.errors import BadArguments, JobsError


class Command(BaseCommand):
    """Reads its words itself; see the module."""

    help = "Run a registered command: invoke NAME --key value [--json], or invoke --list [--json]."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*")

    def handle(self, *args: str, words: list[str], **options: Any) -> None:
        as_json = "--json" in words
        words = [word for word in words if word != "--json"]
        if not words or words[0] in ("--list", "--help", "-h"):
            return self._list(as_json)
        try:
            command = get_command(words[0])
            arguments = command.arguments_from_strings(read_words(command, words[1:]))
            self._run(command, arguments, as_json)
        except (JobsError, AccountsError) as error:
            self._fail(str(error), {"error": str(error)} if as_json else None)
        except OperationalError as error:
            text = no_database(error)
            self._fail(text, {"error": text} if as_json else None)

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
            options = " ".join(_usage(each.name, each.kind, each.required) for each in command.parameters())
            self.stdout.write(f"{command.name} {options}".rstrip() + (f"\n    {command.help}" if command.help else ""))

    def _run(self, command: Registered, arguments: object, as_json: bool) -> None:
        line = ProgressLine()
        task = services.run_here(Actor.console(), command.name, arguments, echo=line)
        line.end()
        document = {"task": task.pk, "state": task.state, "result": task.result, "error": task.error or None}
        if exit_code(task):
            self._fail(reason(task), document if as_json else None)
        if as_json:
            self.stdout.write(json.dumps(document))
            return
        for key, value in (task.result or {}).items():
            self.stdout.write(f"{key}: {value}")

    def _fail(self, text: str, document: dict[str, object] | None) -> None:
        self.stderr.write(text)
        if document is not None:
            self.stdout.write(json.dumps(document))
        raise SystemExit(1)


def read_words(command: Registered, words: list[str]) -> dict[str, list[str]]:
    """`--key value`, `--key=value`, a lone `--flag`. Raises: BadArguments."""
    bools = {parameter.name for parameter in command.parameters() if parameter.kind is bool}
    found: dict[str, list[str]] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise BadArguments(f"{word!r} stands alone; arguments are given as --key value")
        key, equals, value = word[2:].partition("=")
        key = key.replace("-", "_")
        if not equals:
            if rest and not rest[0].startswith("--"):
                value = rest.pop(0)
            elif key in bools:
                value = "true"
            else:
                raise BadArguments(f"--{key} needs a value (one that begins with -- is written --{key}=VALUE)")
        found.setdefault(key, []).append(value)
    return found


def _usage(name: str, kind: type, required: bool) -> str:
    text = f"--{name.replace('_', '-')}" + ("" if kind is bool else f" {kind.__name__.upper()}")
    return text if required else f"[{text}]"
