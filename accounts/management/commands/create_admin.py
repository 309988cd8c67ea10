"""`manage.py create_admin ADDRESS [--name N] [--password-stdin] [--json]`: an administrator, from a shell.

Without a password it prints an invitation link, which is the better way. An existing person is made an administrator.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import services
from accounts.actors import Actor
from accounts.errors import AccountsError
from config.kit.doors import JsonDoor


class Command(JsonDoor):
    """See the module."""

    requires_system_checks: list[str] = []
    help = "Make an administrator (or make an existing person one) and print an invitation link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from the first line of stdin"
        )
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: str, address: str, as_json: bool, **options: Any) -> None:
        password = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else None
        actor = Actor.console()
        try:
            user = services.ensure_administrator(actor, email=address, name=options["name"], password=password)
            link = None if user.has_usable_password() else services.invite(actor, user)
        except AccountsError as error:
            raise CommandError(str(error)) from error
        if as_json:
            self.stdout.write(json.dumps({"user": user.pk, "email": user.email, "link": link}))
        elif link:
            self.stdout.write(f"{user.email} is an administrator. To choose a password, open (once):\n{link}")
        else:
            self.stdout.write(f"{user.email} is an administrator.")
