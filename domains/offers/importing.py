"""Where imports and exports of CSV files are found."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import nav


def register() -> None:
    nav.register_command(
        _("Import and export CSV files"), "domains:csv-kinds", "arrow-up-tray", right=Right.MANAGE_ADDRESSES,
        section="directory", order=36, words=_("users aliases groups forwards catch-alls subscribers spreadsheet"),
    )  # fmt: skip
