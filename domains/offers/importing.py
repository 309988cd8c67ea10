"""Where imports and exports of CSV files are found."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import nav

SENTENCES = {
    "user.import": _("Users imported from a CSV file"),
    "alias.import": _("Aliases imported from a CSV file"),
    "group.import": _("Groups imported from a CSV file"),
    "forward.import": _("Forwards imported from a CSV file"),
    "forwarding.import": _("Forwarding of users imported from a CSV file"),
    "catch_all.import": _("Catch-all addresses imported from a CSV file"),
    "subscriber.import": _("Subscribers imported from a CSV file"),
    "user.export": _("Users exported as a CSV file"),
    "alias.export": _("Aliases exported as a CSV file"),
    "group.export": _("Groups exported as a CSV file"),
    "forward.export": _("Forwards exported as a CSV file"),
    "forwarding.export": _("Forwarding of users exported as a CSV file"),
    "catch_all.export": _("Catch-all addresses exported as a CSV file"),
    "subscriber.export": _("Subscribers exported as a CSV file"),
    "list.edit_subscriber": _("Subscription changed by an import"),
}


def register() -> None:
    sentences.register(SENTENCES)
    nav.register_command(
        _("Import and export CSV files"), "domains:csv-kinds", "arrow-up-tray", right=Right.MANAGE_ADDRESSES,
        section="directory", order=36,
        words=_("users aliases groups forwards forwarding catch-alls subscribers spreadsheet"),
    )  # fmt: skip
