"""What this app's audit events say to people."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences


def register() -> None:
    sentences.register(
        {
            "task.cancel": _("Task cancelled"),
            "task.create": _("Task started"),
            "task.purge": _("Old tasks purged"),
        }
    )
