"""One-time links: invitation, new password, first administrator.

A link is issued to one person for one thing, expires, and works once. Following it (GET) changes nothing, because mail
scanners follow links too: the page behind it has a button.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.errors import BadLink
from accounts.models import OneTimeLink, User
from accounts.secrets import new_token, token_hash

LIFETIMES = {
    OneTimeLink.Kind.INVITATION: timedelta(days=7),
    OneTimeLink.Kind.RESET: timedelta(hours=24),
    OneTimeLink.Kind.FIRST_ADMINISTRATOR: timedelta(days=7),
}


def issue(kind: OneTimeLink.Kind, user: User | None, *, base_url: str | None = None) -> str:
    """A new link; those issued before to this person for any reason stop working."""
    OneTimeLink.objects.filter(user=user, used_at=None).delete()
    token = new_token()
    now = timezone.now()
    OneTimeLink.objects.create(
        kind=kind, user=user, token_hash=token_hash(token), created_at=now, expires_at=now + LIFETIMES[kind]
    )
    return (base_url or public_url()).rstrip("/") + reverse("accounts:link", args=[token])


def find(token: str) -> OneTimeLink:
    """The link this token belongs to, if it can still be used. Raises: BadLink."""
    link = (
        OneTimeLink.objects.select_related("user")
        .filter(token_hash=token_hash(token), used_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if link is None or (link.user is not None and not link.user.is_active):
        raise BadLink("unknown, used or expired")
    return link


def use_up(link: OneTimeLink) -> None:
    """Claim the link for good; of two at once only one gets it. Raises: BadLink."""
    now = timezone.now()
    claimed = OneTimeLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=now).update(used_at=now)
    if not claimed:
        raise BadLink("unknown, used or expired")


def public_url() -> str:
    """Where people reach this server."""
    return str(getattr(settings, "PUBLIC_URL", "http://127.0.0.1:8000"))
