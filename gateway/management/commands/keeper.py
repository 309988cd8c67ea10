"""`manage.py keeper`: the process that puts kept mail into stores and takes it out again; `manage.py up` starts it."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from gateway.keeping.loop import KeeperLoop


class Command(BaseCommand):
    help = "Keep quarantined, recent and archived mail in the stores until told to stop (SIGTERM)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        KeeperLoop(stopped.is_set).run()
