"""Privileges as archive programs know them, and what each comes to here. Pure.

Source: the value lists of the MailStore administration API (user, login and folder privileges).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import BadGrant
from accounts.permissions import EndUserRight, Text

NONE = "none"
ADMIN = "admin"

USER_PRIVILEGES: dict[str, Text] = {
    "admin": gettext_lazy("System administrator"),
    "login": gettext_lazy("Sign in"),
    "changePassword": gettext_lazy("Change their password"),
    "archive": gettext_lazy("Import mail"),
    "modifyArchiveProfiles": gettext_lazy("Change import profiles"),
    "export": gettext_lazy("Export their mail"),
    "modifyExportProfiles": gettext_lazy("Change export profiles"),
    "delete": gettext_lazy("Delete messages"),
}
LOGIN_PRIVILEGES: dict[str, Text] = {
    "web": gettext_lazy("These pages"),
    "api": gettext_lazy("The API, by access tokens"),
    "imap": gettext_lazy("IMAP access to the archive"),
    "outlook": gettext_lazy("The Outlook add-in"),
    "windows": gettext_lazy("The Windows client"),
    "windowsCmd": gettext_lazy("Scheduled tasks and the command-line client"),
}
FOLDER_PRIVILEGES: dict[str, Text] = {
    "read": gettext_lazy("Read"),
    "write": gettext_lazy("Move messages"),
    "delete": gettext_lazy("Delete messages"),
}
AUTHENTICATION: dict[str, Text] = {
    "integrated": gettext_lazy("As the domain says"),
    "directoryServices": gettext_lazy("The organisation's directory"),
    "local": gettext_lazy("A password kept here, whatever the domain says"),
}

# What a privilege that was taken denies of one's own things; the others mean something only to other programs.
DENIES: dict[str, EndUserRight] = {
    "login": EndUserRight.SIGN_IN,
    "changePassword": EndUserRight.CHANGE_PASSWORD,
    "archive": EndUserRight.IMPORT_MAIL,
    "export": EndUserRight.EXPORT_MAIL,
}


def parse(values: Iterable[str], known: dict[str, Text], *, alone: Iterable[str] = (NONE,)) -> list[str]:
    """Privileges in their canonical order, [] for `none`; some stand alone.

    Raises: BadGrant for a name that is none, or one that must stand alone and doesn't.
    """
    wanted = [value.strip() for value in values if value.strip()]
    for value in wanted:
        if value not in known and value != NONE:
            raise BadGrant(_("There is no privilege “%(name)s”.") % {"name": value[:50]}, field="privileges")
    for value in alone:
        if value in wanted and len(set(wanted)) > 1:
            raise BadGrant(_("“%(name)s” stands alone.") % {"name": value}, field="privileges")
    if not wanted:
        raise BadGrant(_("Name privileges, or “none”."), field="privileges")
    return [name for name in known if name in wanted]


def denied_by(privileges: Iterable[str]) -> frozenset[EndUserRight]:
    """What somebody with exactly these privileges may not do with their own things."""
    held = set(privileges)
    return frozenset(right for name, right in DENIES.items() if name not in held)
