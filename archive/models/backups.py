"""Where backups go, and the sets that lie there.

The sets themselves say what they are (`archive.backup.manifest`); these rows are what pages list, and are read anew
from a destination at any time. Not for writing or restoring (`archive.services.backup`).
"""

from __future__ import annotations

from pathlib import Path

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned


class BackupDestination(Versioned):
    """A folder or a bucket. keep_last and keep_days: sets that are neither among the last ones nor younger go.

    warn_days: after so many days without a backup an alert is posted; 0: never.
    """

    class Kind(models.TextChoices):
        FOLDER = "folder", _("Folder of this server")
        S3 = "s3", _("S3 bucket")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.FOLDER)
    path = models.CharField(_("folder"), max_length=1000, blank=True, default="")
    endpoint = models.CharField(_("endpoint"), max_length=500, blank=True, default="")
    bucket = models.CharField(_("bucket"), max_length=63, blank=True, default="")
    prefix = models.CharField(_("prefix"), max_length=300, blank=True, default="")
    region = models.CharField(_("region"), max_length=60, blank=True, default="us-east-1")
    access_key = models.CharField(_("access key"), max_length=200, blank=True, default="")
    secret_key = SealedTextField(_("secret key"), purpose="backup secret key")
    ca_pem = models.TextField(_("certificate"), blank=True, default="")
    indexes = models.BooleanField(_("with search indexes"), default=False)
    keep_last = models.PositiveIntegerField(_("keep the last"), default=14)
    keep_days = models.PositiveIntegerField(_("keep for days"), default=0)
    warn_days = models.PositiveIntegerField(_("warn after days"), default=2)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_folder(self) -> bool:
        return self.kind == self.Kind.FOLDER

    @property
    def place(self) -> str:
        """Where it is, as people read it."""
        if self.is_folder:
            return str(Path(self.path))
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


class BackupSet(models.Model):
    """One set at a destination. made_at: the moment it is of. is_readable: its manifest can be read."""

    destination = models.ForeignKey(BackupDestination, on_delete=models.CASCADE, related_name="sets")
    set = models.CharField(_("set"), max_length=40)
    made_at = models.DateTimeField(_("made"))
    finished_at = models.DateTimeField(null=True)
    made_by = models.CharField(max_length=60, blank=True, default="")  # the version that wrote it
    host = models.CharField(max_length=255, blank=True, default="")
    stores = models.PositiveIntegerField(default=0)
    messages = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    written_bytes = models.BigIntegerField(default=0)
    with_indexes = models.BooleanField(default=False)
    with_database = models.BooleanField(default=True)
    is_readable = models.BooleanField(default=True)
    problems = models.JSONField(default=list)
    checked_at = models.DateTimeField(null=True)
    check_ok = models.BooleanField(null=True)
    check_problems = models.JSONField(default=list)

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["destination", "set"], name="one_row_per_backup_set")]
        indexes = [models.Index(fields=["destination", "-made_at"], name="backup_set_by_age")]

    def __str__(self) -> str:
        return self.set

    @property
    def state(self) -> str:
        """good, unchecked, or what is wrong: damaged (a check said so), incomplete (told while it was made)."""
        return state_word(problems=self.problems, check_ok=self.check_ok, readable=self.is_readable)


def state_word(*, problems: object, check_ok: bool | None, readable: bool = True) -> str:
    """The word for how a set is."""
    if not readable or check_ok is False:
        return "damaged"
    if problems:
        return "incomplete"
    return "good" if check_ok else "unchecked"
