"""Files of people to import, until they are done; and passwords of theirs that are still to be hashed."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.db import models
from django.utils import timezone

from accounts.models import User
from config.kit import paths
from config.kit.sealed import SealedTextField


class CsvUpload(models.Model):
    """A file somebody sent to import users from; it lies in the uploads folder for a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="csv_uploads")
    name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return paths.uploads_dir() / f"users-{self.pk}.csv"


class PendingPassword(models.Model):
    """A clear-text password from a file, sealed, until the task has hashed it; its person can't sign in until then."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="pending_password")
    password = SealedTextField(purpose="password to be hashed")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"password of {self.user}"
