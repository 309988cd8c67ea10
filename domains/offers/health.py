"""Where the health of domains is found, and how it runs by itself."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import dashboard, nav, tabs
from domains.services import health

SHOWN = 6


def register() -> None:
    tabs.register("domain", _("Health"), "domains:domain-health", right=Right.VIEW_DOMAINS, order=36)
    nav.register(
        "directory", _("Failures"), "domains:failure-list", "exclamation-triangle", right=Right.VIEW_DOMAINS, order=90,
        words=_("health DNS MX SPF DMARC"),
    )  # fmt: skip
    dashboard.register_card(
        "domain-failures", _("Domains and relays that fail"), "domains/card_failures.html", failing, order=35, span=8,
        url_name="domains:failure-list", more=_("All failures"),
    )  # fmt: skip


def failing(actor: Any) -> dict[str, Any] | None:
    """The newest failures; nothing for who sees no domains, or where nothing fails."""
    if not isinstance(actor, Actor) or not actor.has_somewhere(Right.VIEW_DOMAINS):
        return None
    found = list(health.failures(actor).order_by("-pk")[:SHOWN])
    return {"checks": found} if found else None
