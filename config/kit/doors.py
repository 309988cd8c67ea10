"""What every door of the shell keeps with `--json`: stdout is one JSON document, also when it can't be opened.

That is `{"error": …}` for words that are no arguments, for a refusal (`CommandError`) and for a database that doesn't
answer; stderr says the same to a person. Not for what a door does.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError


def no_database(error: OperationalError) -> str:
    """What a person can do about it."""
    return f"the database doesn't answer; is `manage.py up` running here? ({str(error).strip()})"


class JsonDoor(BaseCommand):
    """A command with an option `--json`."""

    def run_from_argv(self, argv: list[str]) -> None:
        if "--json" in argv:
            parser = self.create_parser(argv[0], argv[1])  # not yet called from a command line: it raises
            try:
                parser.parse_args(argv[2:])
            except CommandError as error:
                self._print_error(str(error).removeprefix("Error: "))
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            try:
                return super().execute(*args, **options)
            except OperationalError as error:
                raise CommandError(no_database(error)) from error
        except CommandError as error:
            if options.get("json") or options.get("as_json"):
                self._print_error(str(error))
            raise

    def _print_error(self, text: str) -> None:
        self.stdout.write(json.dumps({"error": text}, ensure_ascii=False))
        self.stdout.flush()
