"""Mails that tell people what is new in their quarantine, and the links in them. Both are cleared away by the clock.

A link is known by the hash of its token alone. Not for when a mail is due (`gateway.digests`).
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from domains.models import Mailbox
from gateway.models.messages import Message, Recipient


class Digest(models.Model):
    """One mail to one mailbox. due_at: the moment of its schedule (None: somebody asked for it now).

    The rows of a moment are made in the transaction that puts the mail into the queue, so a moment has one mail at
    most. covers_until: what was received up to here was reported; the next one begins there.
    """

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="digests", db_index=False)
    due_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(default=timezone.now)
    covers_until = models.DateTimeField(null=True)
    items = models.PositiveIntegerField(default=0)
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailbox", "due_at"], name="gw_digest_once")]
        indexes = [
            models.Index(fields=["mailbox", "-made_at"], name="gw_digest_newest"),
            models.Index(fields=["made_at"], name="gw_digest_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.made_at:%Y-%m-%d %H:%M}"


class DigestLink(models.Model):
    """What a mail lets its reader do to one message, for the one recipient that it was kept for.

    password_mark: of the password that the person had; with another one the link is dead.
    """

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="links")
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    password_mark = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="gw_digest_link_by_age")]

    def __str__(self) -> str:
        return f"link {self.pk}"


class DigestClock(models.Model):
    """Up to which moment mails that were due have been asked for; one row."""

    until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="gw_digest_clock_once", condition=Q(pk=1))]

    def __str__(self) -> str:
        return f"{self.until:%Y-%m-%d %H:%M}"
