"""What the clock has this app do: forget what has expired."""

from __future__ import annotations

from celery import shared_task

from accounts import services
from config.kit import clock

clock.every(3600, "accounts.tidy")


@shared_task(name="accounts.tidy", ignore_result=True)  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Delete expired sessions, links and throttle counters."""
    services.forget_expired()
