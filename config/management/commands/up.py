"""`manage.py up`. manage.py runs the supervisor directly, without Django; this is for `call_command` and help."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.supervisor import main


class Command(BaseCommand):
    help = "Start the whole system in the foreground: database, broker, web, worker, beat, indexer, delivery, gateway."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        main.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(main.run(as_json=options["json"]))
