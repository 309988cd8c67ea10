"""Quarantine in the navigation, what can be done to many messages at once, and the sentences of its events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import bulk, nav
from gateway import quarantine_commands, spamfight_commands
from gateway.bulk.quarantine import OF_MANAGED, OF_OWN
from gateway.selectors.quarantine import list_managed, list_own
from gateway.services import spamfight
from gateway.services.release_requests import ALERT, SENTENCE
from gateway.tables.quarantine import MANAGED, OWN
from jobs import alerts

MINE = ("gateway:own-list", "gateway:own-released", "gateway:own-recent", "gateway:own-item", "gateway:own-digest")
ALL = (
    "gateway:quarantine-list", "gateway:released-list", "gateway:recent-list", "gateway:request-list",
    "gateway:quarantine-item",
)  # fmt: skip


def register() -> None:
    assert quarantine_commands and spamfight_commands  # they register their commands
    spamfight.register()
    nav.register(
        "", _("My quarantine"), "gateway:own-list", "shield-exclamation", order=25, words=_("spam release"), under=MINE
    )
    nav.register(
        "gateway", _("Quarantine"), "gateway:quarantine-list", "shield-exclamation", Right.MANAGE_QUARANTINE, 10,
        words=_("spam virus release held requests recent"), under=ALL,
    )  # fmt: skip
    bulk.register(OWN, list_own, *OF_OWN)
    bulk.register(MANAGED, list_managed, *OF_MANAGED)
    alerts.register_kind(ALERT, SENTENCE)
    sentences.register(
        {
            "quarantine.decline": _("Release from quarantine declined"),
            "quarantine.delete": _("Message deleted from quarantine"),
            "quarantine.grant": _("Release from quarantine granted"),
            "quarantine.open": _("Message of nobody's address opened to be read"),
            "quarantine.release": _("Message released from quarantine"),
            "quarantine.report": _("Message reported as judged wrongly"),
            "quarantine.request": _("Release from quarantine asked for"),
            "quarantine.spamfight": _("Message sent to the filters' keepers"),
        }
    )
    sentences.register_fields(
        {
            "category": _("Verdict"),
            "folder": _("Folder"),
            "infected": _("Infected"),
            "message": _("Message"),
            "verdict": _("Reported as"),
        }
    )
