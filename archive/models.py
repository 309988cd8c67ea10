"""What the database knows about the archive: where stores are, who opened whose archive, what waits for download.

Not for mail: messages, folders and placements live in the stores (`archive.store`).
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kit import paths

ACCESS_MINUTES = 60
EXPORT_HOURS = 24
KEPT_REJECTIONS = 10_000


class StoreState(models.TextChoices):
    CURRENT = "current", _("Current")
    NORMAL = "normal", _("Normal")
    DISABLED = "disabled", _("Disabled")


class Store(models.Model):
    """One store folder this installation has attached. New mail goes to the current one."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    path = models.CharField(_("folder"), max_length=1000, unique=True)
    identity = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001  # none until its folder is made
    state = models.CharField(_("state"), max_length=16, choices=StoreState, default=StoreState.NORMAL)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="current"), name="archive_store_one_current"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def root(self) -> Path:
        """The store's folder: absolute as it stands, or below the stores folder (so that HOME can move)."""
        return paths.stores_dir() / self.path

    @property
    def work(self) -> Path:
        """Where the store's projections live on this machine."""
        return paths.work_dir() / f"store-{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state != StoreState.DISABLED


class AccessQuerySet(models.QuerySet["ArchiveAccess"]):
    def standing(self, now: datetime | None = None) -> AccessQuerySet:
        return self.filter(closed_at=None, expires_at__gt=now or timezone.now())


class ArchiveAccess(models.Model):
    """An administrator opened somebody's archive: why, and until when. Its owner sees every one of them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="opened_archives")
    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.PROTECT, related_name="accesses")
    reason = models.TextField(_("reason"), max_length=500)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    exported_messages = models.BigIntegerField(default=0)

    objects: ClassVar[models.Manager[ArchiveAccess]] = AccessQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "expires_at"]),
            models.Index(fields=["mailbox", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.user} → {self.mailbox}"

    @property
    def stands(self) -> bool:
        return self.closed_at is None and self.expires_at > timezone.now()

    @property
    def ended_at(self) -> datetime:
        return self.closed_at or self.expires_at


class ArchiveRead(models.Model):
    """One message of another's archive that was opened under an access; first time only."""

    access = models.ForeignKey(ArchiveAccess, on_delete=models.PROTECT, related_name="reads")
    store = models.ForeignKey(Store, on_delete=models.PROTECT)
    number = models.BigIntegerField()
    subject = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["access", "store", "number"], name="archive_read_once"),
        ]

    @property
    def public_id(self) -> str:
        return f"{self.store_id}:{self.number}"


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
