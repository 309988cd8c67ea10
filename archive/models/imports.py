"""Files that people sent to be imported, and what an import could not take."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kit import paths

KEPT_REJECTIONS = 10_000


class UploadState(models.TextChoices):
    KEPT = "kept", _("Kept")
    REMOVED = "removed", _("Removed")


class Upload(models.Model):
    """Files a person sent to be imported; they lie in the uploads folder until their import ended well."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    names = models.JSONField(default=list)
    size_bytes = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, choices=UploadState, default=UploadState.KEPT)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]

    @property
    def root(self) -> Path:
        return paths.uploads_dir() / str(self.pk)


class Rejection(models.Model):
    """Something in the source of an import that is no message, with its place; the first 10,000 of a task."""

    task = models.ForeignKey("jobs.Task", on_delete=models.CASCADE, related_name="rejections")
    path = models.TextField()
    offset = models.BigIntegerField(null=True)
    reason = models.TextField()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["task", "id"])]
