"""Files to import, until they are done; and of people that came with one, what is still to be done for them."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.db import models
from django.utils import timezone

from accounts.models import User
from config.kit import paths
from config.kit.sealed import SealedTextField


class CsvUpload(models.Model):
    """A file somebody sent to import from; it lies in the uploads folder for a day. kind: what its rows are."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="csv_uploads")
    kind = models.CharField(max_length=20, default="users")
    name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return paths.uploads_dir() / f"{self.kind}-{self.pk}.csv"


class PendingPassword(models.Model):
    """A clear-text password from a file, sealed, until the task has hashed it; its person can't sign in until then."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="pending_password")
    password = SealedTextField(purpose="password to be hashed")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"password of {self.user}"


class PendingInvitation(models.Model):
    """A person that came with a file without a password, until the task has mailed them where to choose one."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="pending_invitation")
    batch = models.UUIDField(db_index=True)  # the import they came with
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"invitation of {self.user}"
