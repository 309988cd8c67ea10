"""How the list of legal holds looks, and what it can be asked."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from archive.models import LegalHold
from config.kit.list_fields import Main, State, Text, Time, YesNo
from config.kit.listing import Listing, View
from config.kit.tables import Empty

HOLDS: Listing[LegalHold] = Listing(
    "archive.holds",
    (
        Main("name", _("Name"), words=True, url="archive:hold-detail", long=True),
        State("state", _("State"), choices=LegalHold.State.choices, filter=True),
        YesNo("everything", _("Everything"), filter=True),
        Text("query", _("Search"), mono=True, long=True),
        Text("by", _("Placed by"), path="created_by_label", words=True, long=True),
        Time("placed", _("Placed"), path="created_at"),
        Time("ended", _("Ended"), path="released_at", shown=False),
    ),
    caption=_("Holds"),
    views=(View(_("In force"), "state=active"),),
    first_step=Empty(
        _("No holds yet"),
        _("A hold keeps everything, or the mail of a case, whatever retention says, until two people end it."),
        "lock-closed",
        action="archive:hold-create",
        right=Right.MANAGE_HOLDS,
        action_label=_("Place a hold"),
    ),
    nothing=_("No hold like this"),
)
