"""`manage.py deliver`: the process that sends what is in the queue; `manage.py up` starts it."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from gateway.delivery import loop


class Command(BaseCommand):
    help = "Deliver what is in the queue until told to stop (SIGTERM)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--nice", type=int, default=0, metavar="N", help="by so much nicer than the shell")

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(options["nice"])
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        loop.run(stopped.is_set)
