"""Queues and repositories in the navigation, their bulk actions, their commands, and what their events say."""

from __future__ import annotations

from datetime import time

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import bulk, nav
from gateway import bulk_queues, queue_commands
from gateway.selectors.queues import list_items
from gateway.selectors.repositories import list_stored
from gateway.tables.queues import QUEUED
from gateway.tables.repositories import STORED
from jobs.dispatching import BuiltIn, register_built_in
from jobs.schedules import Schedule


def register() -> None:
    assert queue_commands  # registers its commands
    nav.register(
        "gateway", _("Queues"), "gateway:queue", "queue-list", right=Right.MANAGE_QUEUES, order=40,
        words=_("mail queue waiting delivery retry flush hold reject destinations"),
    )  # fmt: skip
    nav.register(
        "gateway", _("Repositories"), "gateway:repositories", "archive-box-x-mark", right=Right.MANAGE_QUEUES, order=50,
        words=_("errors undeliverable reprocess"),
    )  # fmt: skip
    bulk.register(
        QUEUED, list_items, bulk_queues.Flush(), bulk_queues.Hold(), bulk_queues.Free(), bulk_queues.Reject(),
        bulk_queues.Delete(),
    )  # fmt: skip
    bulk.register(STORED, list_stored, bulk_queues.Reprocess(), bulk_queues.Move(), bulk_queues.Remove())
    register_built_in(
        BuiltIn(
            "expire-repositories", _("Removal of old messages from repositories"), queue_commands.EXPIRE,
            Schedule(time=time(3, 50)),
        )
    )  # fmt: skip
    sentences.register(
        {
            "queue.delete": _("Messages deleted from the queue"),
            "queue.flush": _("Messages of the queue tried at once"),
            "queue.free": _("Held messages let go"),
            "queue.hold": _("Messages held back in the queue"),
            "queue.reject": _("Messages of the queue given up"),
            "queue.settings": _("Settings of the queue changed"),
            "repository.create": _("Repository made"),
            "repository.expire": _("Messages removed from repositories, where they had lain for long"),
            "repository.delete": _("Repository forgotten"),
            "repository.move": _("Messages put into another repository"),
            "repository.read": _("Message in a repository read"),
            "repository.remove": _("Messages removed from a repository"),
            "repository.reprocess": _("Messages of a repository processed again"),
        }
    )
