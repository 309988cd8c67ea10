"""`manage.py export_mail --user A --format eml|mbox|maildir DEST`: write messages as files, byte for byte."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from accounts.actors import Actor
from archive.management.shell import Door, megabytes
from archive.models import ExportFormat
from archive.services.exports import ExportArguments, check_destination, check_export
from archive.services.places import text_of
from jobs.models import Task

RESULT = ("task", "messages", "bytes", "altered", "failed", "seconds")


class Command(Door):
    help = "Write the messages of one mailbox below DEST, a new or empty folder."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("destination", metavar="DEST")
        parser.add_argument("--user", required=True, metavar="ADDRESS")
        parser.add_argument("--folder", help="this folder and those below it")
        parser.add_argument("--query", help="only what matches (see `search`)")
        parser.add_argument("--format", required=True, choices=ExportFormat.values)

    def work(self, actor: Actor, options: dict[str, Any]) -> int:
        arguments = ExportArguments(
            user=options["user"],
            format=options["format"],
            folder=options["folder"],
            query=options["query"],
            destination=text_of(Path.cwd() / options["destination"]),
        )
        check_export(actor, arguments)
        check_destination(actor, arguments)
        task = self.run(actor, "ExportMail", arguments)
        result = task.result or {}
        if self.json:
            document: dict[str, object] = {key: result.get(key) for key in RESULT} | {"task": task.pk}
            if task.state != Task.State.COMPLETED:
                document |= {"state": task.state, "error": task.error}
            self.print_json(document)
        elif result:
            size = megabytes(result["bytes"])
            self.say(
                f"{result['messages']:,} messages, {size}, in {result['seconds']:,.1f} s to {options['destination']}"
            )
            for item in result["altered"]:
                self.say(f"  got a final newline: {item['id']} in {item['path']}")
        for item in result.get("failed", []):
            self.stderr.write(f"not exported: {item['id']}: {item['reason']}", style_func=str)
        if task.error:
            self.stderr.write(f"Error: {task.error}", style_func=str)
        return 0 if task.state == Task.State.COMPLETED and not result.get("failed") else 1
