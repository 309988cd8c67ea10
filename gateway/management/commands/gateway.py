"""`manage.py gateway`: the processes that take mail in; `manage.py up` starts it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.reception import process
from gateway.reception.ports import PortTaken


class Command(BaseCommand):
    help = "Take mail in by SMTP until told to stop (SIGTERM)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            process.run()
        except PortTaken as error:
            raise CommandError(str(error)) from error
