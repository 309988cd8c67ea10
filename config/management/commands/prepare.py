"""`manage.py prepare`: what `up` runs before the pages. The first administrator comes as JSON on stdin, if at all."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import AccountsError
from config import preparing


class Command(BaseCommand):
    help = "Migrate, compile translations, collect static files, make keys and the first administrator."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        given: dict[str, str] = {} if sys.stdin.isatty() else json.loads(sys.stdin.read() or "{}")
        try:
            told = preparing.prepare(given.get("POSTKEEP_ADMIN_EMAIL", ""), given.get("POSTKEEP_ADMIN_PASSWORD", ""))
        except AccountsError as error:
            raise CommandError(f"the first administrator can't be made: {error}") from error
        self.stdout.write(json.dumps(told))
