"""The shell doors of the engine's operations: same options, same output."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from accounts.actors import Actor
from archive.management.shell import Door
from archive.selectors import get_store_by_name
from jobs.commands import get_command
from jobs.models import Task


class OperationDoor(Door):
    """Runs `command_name` here, over one store or all."""

    command_name = ""

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--store", metavar="NAME", help="only this store (default: all that are switched on)")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def work(self, actor: Actor, options: dict[str, Any]) -> int:
        if options["store"]:
            get_store_by_name(actor, options["store"])
        arguments = get_command(self.command_name).arguments(store=options["store"], dry_run=options["dry_run"])
        task = self.run(actor, self.command_name, arguments)
        result = task.result or {"task": task.pk, "ok": False, "stores": []}
        if self.json:
            self.print_json(result | ({"error": task.error} if task.error else {}))
        else:
            for report in result["stores"]:
                self._tell(report)
        if task.error:
            self.stderr.write(f"Error: {task.error}", style_func=str)
        return 0 if task.state == Task.State.COMPLETED and result["ok"] else 1

    def _tell(self, report: dict[str, Any]) -> None:
        self.say(f"{report['store']}: {'all is well' if report['ok'] else 'SOMETHING IS WRONG'}")
        for key, value in report.items():
            if key in ("store", "ok"):
                continue
            if isinstance(value, list):
                self.say(f"  {key}: {len(value)}")
                for each in value[:50]:
                    self.say(f"    {each}")
            else:
                self.say(f"  {key}: {value}")
