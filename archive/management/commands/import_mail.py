"""`manage.py import_mail PATH… --user ADDRESS`: archive mail from this machine's disk, in this process."""

from __future__ import annotations

import json
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from accounts.actors import Actor
from archive.management.shell import Door, megabytes
from archive.services.imports import MBOX_KINDS, ImportArguments, Item, check_import, every_rejection_to
from archive.services.places import text_of
from jobs.models import Task

RESULT = ("task", "source", "archived", "duplicates", "rejected", "indexed", "bytes", "seconds")
SHOWN = 20


class Command(Door):
    help = "Archive the messages of files or folders in one mailbox. Exit code 0 only when nothing was rejected."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths", nargs="+", metavar="PATH", help="mbox, .eml, Maildir, folder, or an archive of these"
        )
        parser.add_argument("--user", required=True, metavar="ADDRESS", help="whose archive; made if nobody has it yet")
        parser.add_argument("--folder", help="put everything here instead of keeping the source's folders")
        parser.add_argument("--store", metavar="NAME", help="the store, made if there is none of that name")
        parser.add_argument("--mbox", choices=MBOX_KINDS, default="rd", help="how mbox files are quoted (default: rd)")

    def work(self, actor: Actor, options: dict[str, Any]) -> int:
        arguments = ImportArguments(
            user=options["user"],
            paths=[
                text_of(Path.cwd() / path) for path in options["paths"]
            ],  # the row may be started again from elsewhere
            folder=options["folder"],
            store=options["store"],
            mbox=options["mbox"],
        )
        check_import(actor, arguments)
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape") as items:
            with every_rejection_to(_Sink(items)):
                task = self.run(actor, "ImportMail", arguments)
            result = task.result or {}
            items.seek(0)
            if self.json:
                self._print_result(task, result, items)
            else:
                self._tell(task, result, items)
        if task.error:
            self.stderr.write(f"Error: {task.error}", style_func=str)
        return 0 if task.state == Task.State.COMPLETED and not result.get("rejected") else 1

    def _print_result(self, task: Task, result: dict[str, Any], items: IO[str]) -> None:
        """The items are written as they are read: there may be millions."""
        document = {key: result.get(key) for key in RESULT} | {"task": task.pk}
        if task.state != Task.State.COMPLETED:
            document |= {"state": task.state, "error": task.error}
        self.stdout.write(json.dumps(document)[:-1] + ', "items": [', ending="")
        for number, line in enumerate(items):
            self.stdout.write(("," if number else "") + line.rstrip("\n"), ending="")
        self.stdout.write("]}")

    def _tell(self, task: Task, result: dict[str, Any], items: IO[str]) -> None:
        if result.get("mailbox_created"):
            self.say(f"{result['mailbox']} is new: it can't sign in until it is invited.")
        if result:
            source = "?" if result["source"] is None else f"{result['source']:,}"
            self.say(
                f"{result['archived']:,} archived, {result['duplicates']:,} there already, "
                f"{result['rejected']:,} rejected of {source} in the source"
                f" ({megabytes(result['bytes'])} in {result['seconds']:,.1f} s); {result['indexed']:,} can be found."
            )
        for number, line in enumerate(items):
            if number == SHOWN:
                self.say(f"  … and {result.get('rejected', 0) - SHOWN:,} more, see task {task.pk}")
                break
            item = json.loads(line)
            where = item["path"] + ("" if item["offset"] is None else f" at {item['offset']}")
            self.say(f"  rejected: {where}: {item['reason']}")
        if task.state in (Task.State.INTERRUPTED, Task.State.CANCELLED):
            self.say("Stopped. What was archived stays; run the same again to go on.")


class _Sink:
    """Rejections as JSON lines in a file, so that a source of nothing but junk takes no memory."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __call__(self, item: Item) -> None:
        self._file.write(json.dumps(item) + "\n")
