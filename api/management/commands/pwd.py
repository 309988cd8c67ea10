"""CommuniGate's PWD protocol on its own port, until a signal; `up` starts it where POSTKEEP_PWD_PORT is set."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from api.communigate import process
from api.communigate.dialect import DIALECT


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        port = settings.DIALECTS.ports.get(DIALECT.name)
        if port is None:
            raise CommandError("POSTKEEP_PWD_PORT is not set")
        try:
            process.run(settings.DIALECTS.bind, port)
        except OSError as error:
            text = error.strerror or str(error)
            raise CommandError(f"the port {port} of {settings.DIALECTS.bind} can't be listened on: {text}") from error
