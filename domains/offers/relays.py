"""Where relays and DKIM keys are found."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import nav, tabs


def register() -> None:
    nav.register("gateway", _("Relays"), "domains:relay-list", "server", right=Right.MANAGE_RELAYS, order=60)
    tabs.register(
        "domain", _("Relays"), "domains:domain-relays", right=Right.MANAGE_RELAYS, order=60, count=_count_relays,
        under=("domains:relay-create",),
    )  # fmt: skip
    tabs.register(
        "domain", _("DKIM"), "domains:domain-dkim", right=Right.VIEW_DOMAINS, order=34, under=("domains:dkim-create",)
    )


def _count_relays(actor: Any, domain: Any) -> int:
    return int(domain.relays.count())
