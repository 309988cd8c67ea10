"""`manage.py indexer`: the process that keeps every index up to its journal; `manage.py up` starts it."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from archive.indexing import IndexerLoop


class Command(BaseCommand):
    help = "Keep the full-text indexes up to date until told to stop (SIGTERM)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        IndexerLoop(stopped.is_set).run()
