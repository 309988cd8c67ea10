"""A new secret for APOP for somebody (shown once), or none any more: for clients of CommuniGate's interface."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.actors import Actor
from accounts.models import User
from api.communigate import apop


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("address", help="the person's address")
        parser.add_argument("--remove", action="store_true", help="take the secret away")

    def handle(self, *args: Any, address: str, remove: bool, **options: Any) -> None:
        person = User.objects.filter(email=address.strip().lower()).first()
        if person is None:
            raise CommandError(f"nobody signs in as {address}")
        actor = Actor.console()
        if not remove:
            self.stdout.write(apop.new_secret(actor, person))
        elif not apop.remove_secret(actor, person):
            raise CommandError(f"{address} has no secret")
