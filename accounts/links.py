"""One-time links: invitation, new password, first administrator, temporary sign-in.

A link is issued to one person for one thing, expires, and works once. Following it (GET) changes nothing, because mail
scanners follow links too: the page behind it has a button.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.errors import BadLink
from accounts.models import OneTimeLink, User
from accounts.secrets import new_token, token_hash

LIFETIMES = {
    OneTimeLink.Kind.INVITATION: timedelta(days=7),
    OneTimeLink.Kind.RESET: timedelta(hours=24),
    OneTimeLink.Kind.FIRST_ADMINISTRATOR: timedelta(days=7),
    OneTimeLink.Kind.SIGN_IN: timedelta(hours=4),
}


def issue(kind: OneTimeLink.Kind, user: User | None, *, base_url: str | None = None) -> str:
    """The address of a new link; see `issue_row`."""
    return issue_row(kind, user, base_url=base_url)[0]


def issue_row(
    kind: OneTimeLink.Kind, user: User | None, *, base_url: str | None = None, lifetime: timedelta | None = None
) -> tuple[str, OneTimeLink]:
    """A new link: its address, which is never known again, and its row.

    Those issued before to this person stop working; temporary sign-ins and links that set a password don't count
    for each other.
    """
    signs_in = Q(kind=OneTimeLink.Kind.SIGN_IN)
    same = signs_in if kind == OneTimeLink.Kind.SIGN_IN else ~signs_in
    OneTimeLink.objects.filter(same, user=user, used_at=None).delete()
    token = new_token()
    now = timezone.now()
    link = OneTimeLink.objects.create(
        kind=kind,
        user=user,
        token_hash=token_hash(token),
        created_at=now,
        expires_at=now + (lifetime or LIFETIMES[kind]),
    )
    return (base_url or public_url()).rstrip("/") + reverse("accounts:link", args=[token]), link


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
