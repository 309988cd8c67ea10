"""What the organisation set about keeping mail, in the list of all settings."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from archive.keeping_forms import ComplianceForm
from archive.models import Compliance
from config.kit import known_settings
from config.kit.known_settings import RowSettings


def register() -> None:
    known_settings.register(
        RowSettings(
            prefix="compliance",
            group=_("Retention and compliance"),
            form=ComplianceForm,
            model=Compliance,
            row=Compliance.objects.first,
            url=lambda: reverse("archive:compliance-edit"),
        )
    )
