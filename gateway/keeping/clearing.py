"""Repositories are emptied: what has lain there for as long as the server says is removed, in batches.

By the clock (the job that comes along) or by an administrator's command. Not for passports (`forgetting`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from accounts.options import SERVER_ONLY, define, value
from accounts.optiontypes import OptionType

DAYS = "REPOSITORY_DAYS"


def register() -> None:
    """Define the option; called when the app starts."""
    define(
        DAYS, OptionType.INTEGER, levels=SERVER_ONLY, default=30, minimum=0, maximum=36500, unit=_("days"),
        label=_("Messages lie in repositories for"), group=_("Queues and repositories"), restricted=True,
        help=_("Then they are removed for good. 0: never."),
    )  # fmt: skip


def days_kept() -> int:
    """0: for ever."""
    return int(value(DAYS))


def expires_at(stored_at: datetime, days: int) -> datetime | None:
    """When what was put into a repository then is removed, where it lies for so many days; None: never."""
    return stored_at + timedelta(days=days) if days else None
