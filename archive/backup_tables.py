"""How the lists of backup destinations and of their sets look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from archive.models import BackupDestination, BackupSet
from archive.models.backups import state_word
from config.kit.list_fields import Choice, Custom, Main, Number, Size, Text, Time, YesNo
from config.kit.listing import Listing
from config.kit.tables import Empty
from config.kit.templatetags.kit import state_html

STATES = {
    "good": (_("Checked"), "good"),
    "unchecked": (_("Whole"), "good"),
    "incomplete": (_("Incomplete"), "warn"),
    "damaged": (_("Damaged"), "bad"),
    "late": (_("Late"), "bad"),
    "never": (_("None yet"), "none"),
}


def state_of(state: str) -> SafeString:
    """The word and the dot of a backup's state."""
    label, tone = STATES[state]
    return state_html(state, str(label), tone)


def _state(row: Any) -> str:
    """How the last backup of a destination is; `last_…` come with the query."""
    if row.last_made is None:
        return "never"
    if row.warn_days and row.last_made < timezone.now() - timedelta(days=row.warn_days):
        return "late"
    return state_word(problems=row.last_problems, check_ok=row.last_check)


DESTINATIONS: Listing[BackupDestination] = Listing(
    "archive.backups",
    (
        Main("name", _("Destination"), url="archive:backup-detail", words=True, sort=True),
        Choice("kind", _("Kind"), choices=BackupDestination.Kind.choices, filter=True),
        Custom("place", _("Where"), show=lambda row: row.place, search=False, css="mono cell-soft"),
        Custom("last", _("State"), show=lambda row: state_of(_state(row)), export=_state, search=False),
        Time("made", _("Last backup"), path="last_made", search=False),
        YesNo("indexes", _("With search indexes"), shown=False),
        Number("keep", _("Keeps the last"), path="keep_last", shown=False),
    ),
    sort="name",
    caption=_("Backups"),
    first_step=Empty(
        _("No backups yet"),
        _("A destination is a folder of this server or an S3 bucket; backups of everything are written there."),
        "archive-box",
        action="archive:backup-kinds",
        action_label=_("Add a destination"),
        right=Right.MANAGE_STORES,
    ),
    nothing=_("No destination like this"),
)

SETS: Listing[BackupSet] = Listing(
    "archive.backup_sets",
    (
        Main("set", _("Backup"), url="archive:backup-set", words=True),
        Custom("state", _("State"), show=lambda row: state_of(row.state), export=lambda row: row.state, search=False),
        Time("made", _("Of"), path="made_at", sort=True),
        Number("messages", _("Messages")),
        Number("stores", _("Stores"), shown=False),
        Size("bytes", _("Size"), path="size_bytes"),
        Size("written", _("Written"), path="written_bytes"),
        Time("checked", _("Checked"), path="checked_at", shown=False),
        YesNo("indexes", _("With search indexes"), path="with_indexes", shown=False),
        Text("host", _("Machine"), shown=False),
    ),
    sort="-made",
    caption=_("Backups of this destination"),
    first_step=Empty(_("Nothing yet"), _("Run a backup now, or read what lies there already."), "archive-box"),
    nothing=_("No backup like this"),
)
