"""The API app: the HTTP door for programs. No rules of its own, and one table: how the dialects are set."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        from accounts import middleware, sentences
        from accounts.permissions import Right
        from accounts.services import other_secrets
        from api import problems
        from api.communigate import apop
        from api.dialects import configuration, ports
        from config.kit import nav

        middleware.register_door("/api/v1/token", problems.refuse_crowd)  # api.v1.tokens: by name and password
        ports.register()
        other_secrets.register(apop.forget)
        configuration.register_part()
        sentences.register(
            {
                "dialect.change": _("Settings of a dialect changed"),
                "communigate.keep": _("Settings without a meaning here kept for scripts"),
                "apop.set": _("Secret for APOP made"),
                "apop.remove": _("Secret for APOP removed"),
            }
        )
        nav.register(
            "server",
            _("Dialects"),
            "dialects:dialect-list",
            "language",
            right=Right.MANAGE_SERVER,
            order=80,
            words=_("scripts of other systems James MailStore CommuniGate Cleanmail iRedAdmin"),
        )

        nav.register(
            "server", _("API"), "api:reference", "code-bracket", order=90, words=_("programs token curl openapi")
        )
