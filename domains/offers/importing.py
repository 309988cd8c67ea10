"""Where the import of users is found."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import nav


def register() -> None:
    nav.register_command(
        _("Import users"), "domains:user-import", "arrow-up-tray", right=Right.MANAGE_USERS, section="directory",
        order=36, words=_("CSV file"),
    )  # fmt: skip
