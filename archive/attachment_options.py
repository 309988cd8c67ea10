"""The options that say which attached files are read for the index, and within which bounds.

Not for reading them (`archive.texts`).
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.options import SERVER_ONLY, define, value
from accounts.optiontypes import OptionType
from archive.texts import GROUPS, Policy

KINDS, LARGEST, SECONDS = "INDEXED_ATTACHMENTS", "INDEXED_ATTACHMENT_MAX_MB", "INDEXED_ATTACHMENT_MAX_SECONDS"
_LABELS = {
    "pdf": _("PDF"),
    "office": _("Office files (Word, Excel, PowerPoint, OpenDocument, RTF)"),
    "text": _("Text files of every kind (also HTML, CSV, calendars, contacts)"),
    "archives": _("What is in archives (zip, tar, gz, bz2, xz)"),
    "messages": _("Messages as files (.eml, .msg, winmail.dat)"),
}


def register() -> None:
    """Define them; called when the app starts."""
    group = _("Search in attachments")
    define(
        KINDS, OptionType.LIST, levels=SERVER_ONLY, default=list(GROUPS), restricted=True, group=group,
        values=[(name, _LABELS[name]) for name in GROUPS], label=_("Attachments whose text is searched"),
        help=_("Counts for mail indexed from now on; what is indexed already changes when its index is rebuilt."),
    )  # fmt: skip
    define(
        LARGEST, OptionType.INTEGER, levels=SERVER_ONLY, default=25, minimum=1, maximum=500, unit="MB", restricted=True,
        group=group, label=_("Largest attachment that is read"),
    )  # fmt: skip
    define(
        SECONDS, OptionType.INTEGER, levels=SERVER_ONLY, default=20, minimum=1, maximum=300, unit="s", restricted=True,
        group=group, label=_("Longest time for reading one attachment"),
        help=_("Whatever takes longer is indexed without its text, and the message says so."),
    )  # fmt: skip


def policy() -> Policy:
    """What counts now."""
    kinds = value(KINDS)
    return Policy(
        groups=frozenset(GROUPS if kinds is None else kinds),
        file_bytes=int(value(LARGEST)) << 20,
        seconds=int(value(SECONDS)),
    )
