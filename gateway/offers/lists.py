"""Moderation of mailing lists among the pages of a list, the clock that distributes, the sentences of its events."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from config.kit import clock, tabs
from gateway import tasks
from gateway.models import ListPosting


def register() -> None:
    clock.every(tasks.LISTS_EVERY_S, tasks.LISTS)
    tabs.register("list", _("Moderation"), "gateway:list-held", order=30, count=_held)
    sentences.register(
        {
            "list.approve": _("Message to a list let through"),
            "list.digest": _("Digest of a list sent"),
            "list.discard": _("Message to a list dropped"),
            "list.reject": _("Message to a list refused"),
        }
    )


def _held(actor: Any, found: Any) -> int:
    return ListPosting.objects.filter(list=found, state=ListPosting.State.HELD).count()
