"""`manage.py create_token ADDRESS --name N [--json]`: a token with which a program acts as this person.

The value is printed once; only its hash is kept.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import services
from accounts.actors import Actor
from accounts.errors import AccountsError
from config.kit.doors import JsonDoor


class Command(JsonDoor):
    """See the module."""

    requires_system_checks: list[str] = []
    help = "Make a token for a program and print its value, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")
        parser.add_argument("--name", required=True, help="what the token is for")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: str, address: str, name: str, as_json: bool, **options: Any) -> None:
        try:
            value = services.create_token(Actor.console(), services.find_user(address), name=name).value
        except AccountsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps({"value": value}) if as_json else value)
