"""How the list of archives looks whose folders are administered, and what it can be asked."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from config.kit.list_fields import Main, State, Text
from config.kit.listing import Listing
from config.kit.tables import Empty
from domains.models import Mailbox, Status

ARCHIVES: Listing[Mailbox] = Listing(
    "archive.archives",
    (
        Main("address", _("Archive"), words=True, folded=True, sort=True, url="archive:folders-of"),
        Text("name", _("Name"), words=True, long=True),
        State("state", _("State"), path="status", choices=Status.choices, filter=True),
    ),
    sort="address",
    caption=_("Archives"),
    first_step=Empty(_("No archives yet"), _("Each mailbox has one; its folders come with its mail."), "folder"),
    nothing=_("No archive like this"),
)
