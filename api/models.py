"""How each foreign dialect is set, and what dialects keep beside. Last calls are in the broker (api.dialects.calls)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from api.communigate.models import ApopSecret, KeptSettings
from config.kit.versions import Versioned

__all__ = ["ApopSecret", "DialectSetting", "KeptSettings"]


class DialectSetting(Versioned):
    """One dialect. Without a row it is off, and the networks are those of the environment."""

    name = models.CharField(max_length=20, unique=True)
    is_on = models.BooleanField(_("on"), default=False)
    clients: models.JSONField[list[str], list[str]] = models.JSONField(_("who may call"), default=list, blank=True)
    options: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return self.name
