"""Forgetting what counts for nothing any more; the clock calls this."""

from __future__ import annotations

from django.utils import timezone

from accounts import throttle
from accounts.models import OneTimeLink
from accounts.sessionstore import SessionStore


def forget_expired() -> None:
    """Delete sessions, links and throttle counters that have expired."""
    SessionStore.clear_expired()
    OneTimeLink.objects.filter(expires_at__lt=timezone.now()).delete()
    throttle.purge()
