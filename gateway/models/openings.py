"""Kept mail of addresses that nobody here owns, opened to be read: by whom, why, and until when.

There is no owner who could see it; so the reason stands in the message's passport and in the audit trail too. Not for
mail of people: what opens that is the archive's (`archive.models.ArchiveAccess`).
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from gateway.models.messages import Recipient


class Opening(models.Model):
    """One message, open to one person until `expires_at`."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="openings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.reason
