"""Where quotas and throttles are found."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import nav, tabs


def register() -> None:
    tabs.register(
        "domain", _("Quotas"), "domains:domain-limits", right=Right.VIEW_DOMAINS, order=50,
        under=("domains:domain-quota", "domains:domain-throttle"),
    )  # fmt: skip
    tabs.register(
        "user", _("Throttles"), "domains:user-throttles", right=Right.VIEW_USERS, order=45,
        under=("domains:user-throttle",),
    )  # fmt: skip
    nav.register(
        "server", _("Quotas and throttles"), "domains:server-limits", "scale", right=Right.MANAGE_SERVER, order=40,
        under=("domains:server",),
    )  # fmt: skip
