"""Messages that were prepared for download."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kit import paths

EXPORT_HOURS = 24


class ExportFormat(models.TextChoices):
    EML = "eml", _("One .eml file per message")
    MBOX = "mbox", _("mbox, one file per folder")
    MAILDIR = "maildir", _("Maildir")


def _export_end() -> datetime:
    return timezone.now() + timedelta(hours=EXPORT_HOURS)


class Export(models.Model):
    """Messages prepared for download; the files go when it expires."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.PROTECT)
    format = models.CharField(max_length=16, choices=ExportFormat)
    folder = models.CharField(max_length=1000, blank=True)
    query = models.TextField(blank=True)
    messages = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    ready = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=_export_end)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "-created_at"])]

    @property
    def root(self) -> Path:
        return paths.home() / "exports" / str(self.pk)

    @property
    def available(self) -> bool:
        return self.ready and self.removed_at is None and self.expires_at > timezone.now()
