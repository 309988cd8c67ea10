"""The archive's lines in the navigation and the palette."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.offers.pages import person_number
from accounts.permissions import Right
from config.kit import nav, tabs

ACTION_PAGES = (
    "archive:store-action",
    "archive:store-merge",
    "archive:store-unlock",
    "archive:store-detach",
    "archive:store-index-folder",
)
STORE_PAGES = (
    "archive:store-detail",
    "archive:store-edit",
    "archive:store-mailboxes",
    "archive:store-give",
    "archive:store-upkeep",
    "archive:store-evidence",
    "archive:store-history",
    "archive:store-create",
    "archive:store-attach",
    "archive:store-auto-create",
    "archive:index-again",
    "archive:index-list",
    "archive:stores-action",
    "archive:master-key",
    *ACTION_PAGES,
)


def register() -> None:
    _register_own_mail()
    _register_stores()
    _register_archives()
    _register_keeping()


def _register_own_mail() -> None:
    nav.register(
        "",
        _("My mail"),
        "archive:search",
        "inbox",
        order=20,
        keys="m",
        words=_("search mail find messages"),
        under=("archive:message", "archive:folder", "archive:part"),
    )
    nav.register(
        "",
        _("Import mail"),
        "archive:import",
        "inbox-arrow-down",
        order=30,
        keys="i",
        words=_("upload"),
        under=("archive:import",),
    )
    nav.register(
        "",
        _("Export mail"),
        "archive:export",
        "arrow-up-tray",
        order=40,
        keys="x",
        words=_("download"),
        under=("archive:export",),
    )
    nav.register("account", _("Who read my mail"), "archive:access-log", "eye", order=40, under=("archive:access",))


def _register_stores() -> None:
    nav.register(
        "archive",
        _("Stores"),
        "archive:store-list",
        "circle-stack",
        Right.MANAGE_STORES,
        10,
        keys="s",
        words=_("verify compact recover attach merge index"),
        under=STORE_PAGES,
    )
    for label, url_name, order, under in (
        (_("Overview"), "archive:store-detail", 10, ("archive:store-edit",)),
        (_("Mailboxes"), "archive:store-mailboxes", 20, ("archive:store-give",)),
        (_("Upkeep"), "archive:store-upkeep", 30, ACTION_PAGES),
        (_("Evidence"), "archive:store-evidence", 40, ()),
        (_("History"), "archive:store-history", tabs.HISTORY, ()),
    ):
        tabs.register("store", label, url_name, right=Right.MANAGE_STORES, order=order, under=under)
    nav.register(
        "archive",
        _("Backups"),
        "archive:backup-list",
        "archive-box",
        Right.MANAGE_STORES,
        12,
        words=_("backup restore destination s3 bucket disaster recovery"),
        under=("archive:backup", "archive:restore"),
    )


def _register_archives() -> None:
    """Whose mail lies in which folders, how it gets there, and who looks into it."""
    nav.register(
        "archive",
        _("Folders"),
        "archive:folder-archives",
        "folder",
        Right.VIEW_USERS,
        14,
        words=_("folder tree move rename empty privileges statistics"),
        under=("archive:folder-", "archive:folders-"),
    )
    nav.register(
        "archive",
        _("Profiles"),
        "archive:profile-list",
        "arrow-path",
        Right.IMPORT_MAIL,
        16,
        words=_("imap pop3 journal pst archiving exporting results completeness"),
        under=("archive:profile", "archive:result"),
    )
    nav.register(
        "archive",
        _("Open an archive"),
        "archive:open-archive",
        "lock-open",
        Right.READ_OTHERS_MAIL,
        20,
        words=_("read somebody else's mail"),
    )
    for kind in ("person", "user"):
        tabs.register(
            kind, _("Folders"), "archive:person-folders", right=Right.MANAGE_USERS, order=560, args=person_number
        )


def _register_keeping() -> None:
    """How long it stays, and what has to stay longer."""
    nav.register(
        "archive",
        _("Retention"),
        "archive:retention",
        "calendar-days",
        Right.MANAGE_RETENTION,
        30,
        words=_("retention policies compliance delete expire certificate"),
        under=("archive:policy", "archive:compliance", "archive:messages-delete"),
    )
    nav.register(
        "archive",
        _("Cases"),
        "archive:case-list",
        "briefcase",
        Right.MANAGE_HOLDS,
        45,
        words=_("e-discovery investigation custodian litigation tags notes"),
        under=("archive:case",),
    )
    nav.register(
        "archive",
        _("Holds"),
        "archive:hold-list",
        "lock-closed",
        Right.MANAGE_HOLDS,
        40,
        words=_("legal hold litigation case keep"),
    )
    tabs.register(
        "case", _("Overview"), "archive:case-detail", order=0, under=("archive:case-delay", "archive:case-package")
    )
    tabs.register("case", _("Search"), "archive:case-search", order=10)
    tabs.register("case", _("Messages"), "archive:case-messages", order=20, under=("archive:case-message",))
