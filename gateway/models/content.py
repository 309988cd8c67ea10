"""The bytes of messages on their way: in the database, so that a row and what it names are durable at one moment.

Rows go when nothing refers to them any more (`gateway.content.sweep`). Not for keeping mail: that is `archive`.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Content(models.Model):
    """One message's bytes: in `data` up to `gateway.content.INLINE_BYTES`, else in numbered parts."""

    sha256 = models.BinaryField(max_length=32)
    size_bytes = models.BigIntegerField()
    data = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="gw_content_by_age")]

    def __str__(self) -> str:
        return f"{self.size_bytes} bytes"


class ContentPart(models.Model):
    """A piece of a large message."""

    content = models.ForeignKey(Content, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["content", "number"], name="gw_content_part_once")]

    def __str__(self) -> str:
        return f"{self.content_id}/{self.number}"
