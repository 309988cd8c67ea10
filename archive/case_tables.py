"""How the list of e-discovery cases looks, and what it can be asked."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from archive.models import Case
from config.kit.list_fields import Main, Number, State, Text, Time
from config.kit.listing import Listing, View
from config.kit.tables import Empty

CASES: Listing[Case] = Listing(
    "archive.cases",
    (
        Main("name", _("Name"), words=True, url="archive:case-detail", long=True),
        State("state", _("State"), choices=Case.State.choices, filter=True),
        Number("custodians", _("Custodians"), path="custodian_count", search=False),
        Number("messages", _("Messages"), path="message_count", search=False),
        Text("by", _("Made by"), path="created_by_label", words=True, long=True),
        Time("made", _("Made"), path="created_at"),
        Time("closed", _("Closed"), path="closed_at", shown=False),
    ),
    caption=_("Cases"),
    views=(View(_("Open"), "state=open"),),
    first_step=Empty(
        _("No cases yet"),
        _("A case gathers an investigation: whose mail, searches, tagged messages, notes, holds and packages."),
        "briefcase",
        action="archive:case-create",
        right=Right.MANAGE_HOLDS,
        action_label=_("Make a case"),
    ),
    nothing=_("No case like this"),
)
