"""What this app's audit events say to people."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences


def register() -> None:
    sentences.register(
        {
            "archive.close": _("Archive of somebody closed"),
            "archive.open": _("Archive of somebody opened"),
            "archive.read": _("Message of somebody read"),
            "archive.search": _("Archive of somebody searched"),
            "keys.recover": _("Keys of the archive recovered"),
            "mail.export": _("Mail exported"),
            "mail.import": _("Mail imported"),
            "store.compact": _("Store compacted"),
            "store.create": _("Store made"),
            "store.rebuild_index": _("Search index of a store rebuilt"),
            "store.recover": _("Store recovered"),
            "store.verify": _("Store verified"),
            "upload.create": _("File sent to be imported"),
        }
    )
