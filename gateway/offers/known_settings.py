"""The gateway's pages of settings in the list of all settings."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.kit import known_settings
from config.kit.known_settings import RowSettings
from gateway.forms.queues import QueueSettingsForm
from gateway.forms.scanning import ScanningForm
from gateway.models import QueueSettings, Scanning


def register() -> None:
    known_settings.register(
        RowSettings(
            prefix="scanners",
            group=_("Scanners"),
            form=ScanningForm,
            model=Scanning,
            row=lambda: Scanning.objects.filter(pk=1).first(),
            url=lambda: reverse("gateway:scanners"),
        )
    )
    known_settings.register(
        RowSettings(
            prefix="queue",
            group=_("Queue"),
            form=QueueSettingsForm,
            model=QueueSettings,
            row=lambda: QueueSettings.objects.filter(pk=1).first(),
            url=lambda: reverse("gateway:queue-settings"),
        )
    )
