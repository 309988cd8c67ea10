"""The list of what lies in a repository."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.kit.list_big import BigListing
from config.kit.list_fields import Main, Text, Time
from config.kit.tables import Empty
from gateway.models import RepositoryItem


def _subject(row: RepositoryItem) -> str:
    return (row.message.subject if row.message is not None else "") or str(_("(no subject)"))


def _recipients(row: RepositoryItem) -> Any:
    return ", ".join(row.addresses[:3]) + (" …" if len(row.addresses) > 3 else "")


STORED: BigListing[RepositoryItem] = BigListing(
    "gateway.repository",
    (
        Main("subject", _("Subject"), path="message__subject", show=_subject, url="gateway:stored", search=False),
        Text("from", _("Envelope sender"), path="sender", long=True, words=True),
        Text("to", _("To"), path="addresses", show=_recipients, long=True, search=False),
        Text("why", _("Reason"), long=True),
        Time("stored", _("Stored"), path="created_at", sort=True),
        Text("key", pgettext_lazy("of a message", "Key"), whole=True, column=False),
    ),
    sort="-stored",
    caption=_("Messages"),
    placeholder=_("Part of the sender's address"),
    first_step=Empty(
        _("Nothing lies here"), _("Messages that could not go on are put here, with the reason."), "archive-box"
    ),
    nothing=_("No message like this"),
)
