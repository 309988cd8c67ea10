"""Where mailing lists are found, and what they tell the parts that know nothing of them: expansion and renaming."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import nav, tabs
from domains.expansion import register_list_reader
from domains.services.lists import subscribing
from domains.services.renaming import register_follower


def register() -> None:
    register_list_reader(subscribing.expanding)
    register_follower(subscribing.follow_rename)
    nav.register(
        "directory", _("Mailing lists"), "domains:list-list", "megaphone", right=Right.VIEW_USERS, order=45,
        under=("domains:subscriber", "domains:subscribers"),
    )  # fmt: skip
    nav.register_command(_("Mailing lists I own"), "domains:own-lists", "megaphone", section="account")
    tabs.register("list", _("Overview"), "domains:list-detail", order=10, under=("domains:list-edit",))
    tabs.register(
        "list", _("Subscribers"), "domains:list-subscribers", order=20, count=_count,
        under=("domains:subscribers-add", "domains:subscriber-detail"),
    )  # fmt: skip
    tabs.register(
        "domain", _("Mailing lists"), "domains:domain-lists", right=Right.VIEW_USERS, order=16,
        count=lambda _actor, domain: int(domain.list_count), under=("domains:list-create",),
    )  # fmt: skip


def _count(actor: Any, found: Any) -> int:
    return int(found.subscriber_count)
