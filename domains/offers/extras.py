"""The tabs of what a mailbox has beside its mail."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import tabs


def register() -> None:
    tabs.register(
        "user", _("Profile"), "domains:user-profile", right=Right.VIEW_USERS, order=50,
        under=("domains:user-absence", "domains:user-facts"),
    )  # fmt: skip
    tabs.register(
        "user", _("Sharing and fetching"), "domains:user-sharing", right=Right.VIEW_USERS, order=55,
        under=("domains:user-rights-of-others", "domains:pull-create", "domains:pull-edit"),
    )  # fmt: skip
