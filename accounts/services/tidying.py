"""Forgetting what counts for nothing any more; the clock calls this."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts import throttle
from accounts.models import AuthenticatorApp, OneTimeLink, TrustedDevice
from accounts.services import blocks
from accounts.sessionstore import SessionStore

HALF_DONE = timedelta(days=1)


def forget_expired() -> None:
    """Delete sessions, links, trusted devices and throttle counters that have expired, and set-ups left half done."""
    SessionStore.clear_expired()
    OneTimeLink.objects.filter(expires_at__lt=timezone.now()).delete()
    throttle.purge()
    TrustedDevice.objects.filter(expires_at__lt=timezone.now()).delete()
    AuthenticatorApp.objects.filter(confirmed_at=None, created_at__lt=timezone.now() - HALF_DONE).delete()
    blocks.purge()
