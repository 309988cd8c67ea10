"""Writing mail in the navigation, and the sentences of its events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import nav


def register() -> None:
    words = _("send compose new message reply")
    nav.register("", _("Write a mail"), "gateway:mail-write", "pencil-square", order=12, words=words)
    nav.register(
        "gateway", _("Test message"), "gateway:mail-trial", "beaker", Right.MANAGE_FILTERS, 60,
        words=_("try send test relay rule eicar"),
    )  # fmt: skip
    sentences.register(
        {
            "attachment.add": _("File sent here to be attached"),
            "attachment.delete": _("File to be attached removed"),
            "mail.send": _("Mail sent from these pages"),
            "mail.trial": _("Test message sent"),
        }
    )
    sentences.register_fields({"files": _("Files"), "recipients": _("Recipients"), "size_bytes": _("Size in bytes")})
