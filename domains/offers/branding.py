"""How the service looks: told to the kit, and its pages among the tabs and in the navigation."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import branding, nav, tabs
from domains.brands import Finder


def register() -> None:
    branding.register(Finder())
    for kind, right in (("domain", Right.VIEW_DOMAINS), ("customer", Right.VIEW_CUSTOMERS)):
        under = (f"domains:{kind}-branding-edit",)
        tabs.register(kind, _("Branding"), f"domains:{kind}-branding", right=right, order=35, under=under)
    tabs.register(
        "server", _("Branding"), "domains:server-branding", right=Right.MANAGE_SERVER, order=110, args=_no_arguments,
        under=("domains:server-branding-edit",),
    )  # fmt: skip
    nav.register(
        "server", _("Branding"), "domains:server-branding", "swatch", right=Right.MANAGE_SERVER, order=35,
        words=_("logo colour appearance name"),
    )  # fmt: skip


def _no_arguments(obj: Any) -> tuple[object, ...]:
    return ()
