"""What was counted of accounts, domains and the server since somebody set it back."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import LEVELS


class Counters(models.Model):
    """The counters of one scope. reset_at: when all of them were set back last."""

    level = models.CharField(max_length=10, choices=LEVELS)
    object_id = models.BigIntegerField(default=0)
    messages_received = models.BigIntegerField(default=0)
    bytes_received = models.BigIntegerField(default=0)
    messages_sent = models.BigIntegerField(default=0)
    bytes_sent = models.BigIntegerField(default=0)
    logins = models.BigIntegerField(default=0)
    reset_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "object_id"], name="counters_once")]


class CounterBatch(models.Model):
    """A batch that was written down, so that it isn't twice."""

    id = models.CharField(primary_key=True, max_length=32)
    at = models.DateTimeField(default=timezone.now)
