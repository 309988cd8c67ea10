"""The scanners on the health page."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.kit import health
from gateway.services.scanner_trial import states
from gateway.services.scanning import current_settings


def register() -> None:
    health.register(gettext_lazy("Scanners"), check)


def check() -> Iterable[health.Report]:
    """A scanner without which no mail is taken is an error when it is down, another one a warning."""
    names = {"spam": _("Scanner for spam"), "virus": _("Scanner for viruses")}
    for state in states(current_settings()):
        down: health.State = "error" if state.is_needed else "warning"
        yield health.Report("ok" if state.ok else down, state.text, name=names[state.name])
