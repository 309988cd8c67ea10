"""What the archive's shell doors share: one JSON document on stdout, words and progress on stderr, the exit code.

Not for doing anything: every door calls the command or the selector that the pages call.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, OperationalError

from accounts.actors import Actor
from accounts.errors import AccountsError
from archive.errors import ArchiveError
from archive.query.errors import QueryError
from archive.sources import SourceError
from archive.store.errors import StoreError
from config.kit.doors import JsonDoor
from config.kit.secrets import SecretsError
from domains.errors import DomainsError
from jobs.errors import JobsError
from jobs.models import Task
from jobs.services import run_here

EXPECTED = (
    AccountsError,
    ArchiveError,
    DomainsError,
    JobsError,
    PermissionDenied,
    QueryError,
    SecretsError,
    SourceError,
    StoreError,
)


class Door(JsonDoor):
    """A command of the shell; `work` does it and returns the exit code."""

    requires_system_checks: list[str] = []
    json: bool = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")
        self.add_own_arguments(parser)

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """The door's own options."""

    def work(self, actor: Actor, options: dict[str, Any]) -> int:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        self.json = bool(options["json"])
        try:
            code = self.work(Actor.console(), options)
        except QueryError as error:
            self.refuse_query(error, options)
        except EXPECTED as error:
            self.refuse(str(error) or type(error).__name__)
        except OperationalError:
            raise
        except DatabaseError as error:
            self.refuse(f"the database refused: {str(error).strip()}")
        self.stdout.flush()
        if code:
            sys.exit(code)

    def print_json(self, document: object) -> None:
        self.stdout.write(json.dumps(document, ensure_ascii=False, default=str))

    def say(self, text: str) -> None:
        """For a person: stdout, or stderr where stdout belongs to JSON."""
        (self.stderr if self.json else self.stdout).write(text, style_func=str)

    def refuse(self, text: str, **details: object) -> NoReturn:
        if self.json:
            self.print_json({"error": text, **details})
            self.stdout.flush()
        self.stderr.write(f"Error: {text}", style_func=str)
        sys.exit(1)

    def refuse_query(self, error: QueryError, options: dict[str, Any]) -> NoReturn:
        """Show the query with a caret under the place where it can't be read."""
        query = options.get("query") or ""
        text = " ".join(query) if isinstance(query, list) else str(query)
        line = "".join(char if char.isprintable() else " " for char in text)
        self.stderr.write(f"  {line}", style_func=str)
        self.stderr.write("  " + " " * error.position + "^" * max(1, error.length), style_func=str)
        self.refuse(str(error), position=error.position, length=error.length)

    def run(self, actor: Actor, name: str, arguments: object) -> Task:
        """Run a registered command here, with its progress on stderr when somebody watches."""
        task = run_here(actor, name, arguments, echo=self._echo())
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
        return task

    def _echo(self) -> Callable[[dict[str, object]], None] | None:
        if not sys.stderr.isatty():
            return None

        def echo(progress: dict[str, object]) -> None:
            sys.stderr.write(f"\r\033[K{progress_line(progress)}")
            sys.stderr.flush()

        return echo


def progress_line(progress: dict[str, Any]) -> str:
    """One line: how far, the counters, how fast, how long still."""
    done, total = int(progress.get("done") or 0), progress.get("total")
    is_bytes = progress.get("unit") == "bytes"
    parts = [f"{done / total:4.0%}" if total else (megabytes(done) if is_bytes else f"{done:,}")]
    parts += [f"{name} {value:,}" for name, value in (progress.get("counters") or {}).items()]
    if progress.get("rate"):
        rate = float(progress["rate"])
        parts.append(f"{megabytes(rate)}/s" if is_bytes else f"{rate:,.0f} {progress['unit']}/s")
    if progress.get("eta_s") is not None:
        parts.append(time.strftime("%H:%M:%S left", time.gmtime(int(progress["eta_s"]))))
    if progress.get("note"):
        parts.append(str(progress["note"]))
    return "  ".join(parts)


def megabytes(size: float) -> str:
    return f"{size / (1 << 20):,.1f} MiB"
