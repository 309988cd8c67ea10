"""Users in the navigation, the tabs of a user's page, and the figure on the overview."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import bulk, dashboard, nav, tabs
from config.kit.dashboard import Figure
from domains import selectors
from domains.bulk import mailboxes as actions
from domains.tables.mailboxes import USERS


def register() -> None:
    nav.register(
        "directory",
        _("Users"),
        "domains:user-list",
        "users",
        right=Right.VIEW_USERS,
        order=30,
        keys="u",
        words=_("mailboxes people accounts"),
    )
    nav.register_command(
        _("New user"), "domains:user-create", "plus", right=Right.MANAGE_USERS, section="directory", order=35
    )
    tabs.register(
        "domain", _("Users"), "domains:domain-users", right=Right.VIEW_USERS, order=12,
        count=lambda _actor, domain: int(domain.mailbox_count),
    )  # fmt: skip
    tabs.register("user", _("Overview"), "domains:user-detail", order=10, under=("domains:user-edit",))
    tabs.register("user", _("Addresses"), "domains:user-addresses", order=20, under=("domains:user-rename",))
    tabs.register("user", _("Groups"), "domains:user-groups", order=30)
    tabs.register("user", _("Quota"), "domains:user-quota", order=40)
    tabs.register("user", _("History"), "domains:user-history", right=Right.VIEW_AUDIT, order=tabs.HISTORY)
    bulk.register(USERS, selectors.list_mailboxes, *actions.ACTIONS)
    dashboard.register_figure(_users, order=20)


def _users(actor: Any) -> Figure | None:
    if not actor.has_somewhere(Right.VIEW_USERS):
        return None
    count = selectors.count_mailboxes(actor)
    return None if count is None else Figure(_("Users"), count, url=reverse("domains:user-list"))
