"""What the clock has this app do."""

from __future__ import annotations

from celery import shared_task

from config.kit import clock
from domains import usage

USAGE_EVERY_S = 600

clock.every(USAGE_EVERY_S, "domains.refresh_usage")


@shared_task(name="domains.refresh_usage", ignore_result=True)  # type: ignore[untyped-decorator]
def refresh_usage() -> None:
    """How full the mailboxes are."""
    usage.refresh()
