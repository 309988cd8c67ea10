"""Where policies and filters are found."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import nav, tabs
from domains.policy.rules import RuleKind
from domains.tables.rules import register_bulk


def register() -> None:
    see = Right.VIEW_POLICIES
    nav.register("gateway", _("Policies"), "domains:policy-list", "adjustments-horizontal", right=see, order=10)
    nav.register(
        "gateway", _("Filters"), "domains:rule-overview", "funnel", right=see, order=20, under=("domains:rule",),
        words=_("senders attachments links leaks DLP rules block allow"),
    )  # fmt: skip
    nav.register(
        "account", _("Allowed & blocked senders"), "domains:own-sender-list", "no-symbol", order=40,
        words=_("block allow spam sender"),
    )  # fmt: skip
    tabs.register(
        "domain", _("Policies"), "domains:domain-policies", right=see, order=52, under=("domains:policy-create",)
    )
    tabs.register(
        "domain", _("Filters"), "domains:domain-rules", right=see, order=54, args=_senders_of,
        under=("domains:rule-create", "domains:rule-import", "domains:rule-try"),
    )  # fmt: skip
    tabs.register("user", _("Policy"), "domains:user-policy", right=see, order=40, under=("domains:user-policy-edit",))
    tabs.register(
        "user", _("Senders"), "domains:user-senders", right=see, order=42, under=("domains:user-sender-create",)
    )
    register_bulk()


def _senders_of(domain: Any) -> tuple[object, ...]:
    return domain.pk, RuleKind.SENDER
