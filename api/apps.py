"""The API app: the HTTP door for programs. No models and no rules of its own."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        from config.kit import nav

        nav.register(
            "server", _("API"), "api:reference", "code-bracket", order=90, words=_("programs token curl openapi")
        )
