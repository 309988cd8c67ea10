"""What evidence the database knows: the server's signing keys, checkpoints of stores, packages made for others.

Checkpoints lie in the stores' folders too, so that they go where a store goes; these rows are what a page lists, and
what a store's folder is compared with. Not for making or checking them (`archive.services.evidence`, `packages`).
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.evidence.checkpoints import Checkpoint, Statement
from archive.models.stores import Store
from config.kit import paths
from config.kit.sealed import SealedTextField

PACKAGE_DAYS = 7


class EvidenceKey(models.Model):
    """An Ed25519 key this server signs with: hex, the private half sealed. The newest that is not retired counts."""

    public = models.CharField(max_length=64, unique=True)
    private = SealedTextField(purpose="evidence signing key")
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.public[:16]


class StoreCheckpoint(models.Model):
    """One signed checkpoint. `store` is empty where the store is no longer attached; the statement names it."""

    store = models.ForeignKey(Store, on_delete=models.SET_NULL, null=True, related_name="checkpoints")
    identity = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)
    statement = models.TextField()
    key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    record = models.BigIntegerField()
    messages = models.BigIntegerField()
    made_at = models.DateTimeField()
    stamp = models.BinaryField(null=True)
    stamped_at = models.DateTimeField(null=True)
    stamp_problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-made_at", "-pk"]
        indexes = [models.Index(fields=["identity", "-made_at"], name="checkpoint_by_store")]

    def __str__(self) -> str:
        return f"{self.identity[:8]} {self.record}"

    @classmethod
    def of(cls, checkpoint: Checkpoint, store: Store | None) -> StoreCheckpoint:
        """A row, not saved yet."""
        said = checkpoint.said()
        return cls(
            store=store,
            identity=said.store,
            digest=checkpoint.digest,
            statement=checkpoint.statement,
            key=checkpoint.key.hex(),
            signature=checkpoint.signature.hex(),
            record=said.record,
            messages=said.messages,
            made_at=said.made_at,
            stamp=checkpoint.stamp or None,
        )

    def as_checkpoint(self) -> Checkpoint:
        stamp = bytes(self.stamp or b"")
        return Checkpoint(self.statement, bytes.fromhex(self.key), bytes.fromhex(self.signature), stamp)

    def said(self) -> Statement:
        return self.as_checkpoint().said()


class PackageFormat(models.TextChoices):
    EML = "eml", _("One .eml file per message")
    MBOX = "mbox", _("One mbox file")


def _package_end() -> datetime:
    return timezone.now() + timedelta(days=PACKAGE_DAYS)


class EvidencePackage(models.Model):
    """Messages with their proofs, made for somebody who shall check them; the file expires, the row stays."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="packages")
    by_label = models.CharField(max_length=300)
    reason = models.CharField(max_length=500)
    mailboxes = models.JSONField(default=list)  # their addresses; empty: everybody's
    query = models.TextField(blank=True, default="")
    case = models.ForeignKey("archive.Case", on_delete=models.PROTECT, null=True, related_name="packages")
    chosen = models.JSONField(default=list)  # public ids; empty: all that match
    format = models.CharField(max_length=8, choices=PackageFormat, default=PackageFormat.EML)
    task = models.ForeignKey("jobs.Task", on_delete=models.SET_NULL, null=True)
    ready = models.BooleanField(default=False)
    messages = models.BigIntegerField(default=0)
    left_out = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=_package_end)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["user", "-created_at"], name="package_by_user")]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d} {self.reason[:40]}"

    @property
    def path(self) -> Path:
        return paths.home() / "packages" / f"{self.pk}.zip"

    @property
    def file_name(self) -> str:
        return f"evidence-{self.created_at:%Y-%m-%d}-{str(self.pk)[:8]}.zip"

    @property
    def available(self) -> bool:
        return self.ready and self.removed_at is None and self.expires_at > timezone.now()
