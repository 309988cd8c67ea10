"""One dialect at the root of a port of its own, until a signal; `up` starts it where the port is set."""

from __future__ import annotations

import argparse
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from api.dialects.ports import command
from api.dialects.served import BY_NAME


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("dialect", choices=[name for name, each in BY_NAME.items() if each.answer is not None])

    def handle(self, *args: Any, dialect: str, **options: Any) -> None:
        if dialect not in settings.DIALECTS.ports:
            raise CommandError(f"no port is set for {dialect}")
        argv, environment = command(BY_NAME[dialect])
        os.execve(argv[0], argv, {**os.environ, **environment})  # noqa: S606  # the server takes this process over
