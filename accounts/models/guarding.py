"""What guards the doors: passwords of programs, networks that are shut out, and who tried in vain."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class AppPassword(models.Model):
    """A password of one program for some protocols; shown once, kept as a keyed hash (`accounts.app_passwords`)."""

    class Protocol(models.TextChoices):
        SMTP = "smtp", _("Sending mail (SMTP)")
        API = "api", _("Interfaces for programs (API)")
        IMAP = "imap", _("Reading mail (IMAP)")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="app_passwords")
    name = models.CharField(max_length=100)
    protocols = ArrayField(models.CharField(max_length=10))
    secret_hash = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_address = models.CharField(max_length=45, blank=True, default="")

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="app_password_name_once")]

    def __str__(self) -> str:
        return f"app password {self.name}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class SignInBlock(models.Model):
    """A network that isn't let in by any door; until a moment, or until somebody lifts it."""

    network = models.CharField(max_length=50, unique=True)  # canonical CIDR
    reason = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=300, blank=True, default="")
    expires_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.network


class FailedSignIn(models.Model):
    """Attempts in vain within one hour: at one address, from one network address, by one door.

    tried is "" for what was no e-mail address (people type passwords into the wrong field) and for what came after the
    hour's rows were full; user is whose address it is, if anybody's.
    """

    hour = models.DateTimeField()
    tried = models.CharField(max_length=254, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    door = models.CharField(max_length=10)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="failed_sign_ins")
    times = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-last_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["hour", "tried", "address", "door"], name="failed_sign_in_once")]
        indexes = [
            models.Index(fields=["-last_at", "-id"], name="failed_sign_in_by_time"),
            models.Index(fields=["user", "-last_at"], name="failed_sign_in_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.tried or '?'} from {self.address or '?'}"
