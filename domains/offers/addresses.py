"""Groups and forwards in the navigation, their tabs, and the page that follows a message."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import bulk, nav, tabs
from domains.bulk import addresses as actions
from domains.tables.addresses import GROUPS
from domains.views.addresses import list_groups


def register() -> None:
    nav.register(
        "directory",
        _("Groups and forwards"),
        "domains:group-list",
        "user-group",
        right=Right.VIEW_USERS,
        order=40,
        words=_("aliases distribution"),
    )
    nav.register(
        "directory",
        _("Who gets mail"),
        "domains:who-gets-mail",
        "magnifying-glass",
        right=Right.VIEW_USERS,
        order=60,
        words=_("expansion route recipients"),
    )
    tabs.register(
        "domain",
        _("Groups and forwards"),
        "domains:domain-groups",
        right=Right.VIEW_USERS,
        order=14,
        count=lambda _actor, domain: int(domain.group_count + domain.forward_count),
    )
    tabs.register("group", _("Delivers to"), "domains:group-detail", order=10, under=("domains:group-edit",))
    tabs.register("group", _("History"), "domains:group-history", right=Right.VIEW_AUDIT, order=tabs.HISTORY)
    bulk.register(GROUPS, list_groups, *actions.ACTIONS)
