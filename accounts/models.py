"""People, their one-time links and tokens, the throttle's counters, and the audit trail.

Not for addresses that receive mail (`domains.Mailbox`) and not for rights (`permissions`, `actors`).
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Finds people; making them is `services.create_user`."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """Somebody who may sign in. `email` is kept in the canonical form of `accounts.addresses`."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("Like the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Language(models.TextChoices):
        BROWSER = "", _("Like the browser")
        ENGLISH = "en", "English"
        GERMAN = "de", "Deutsch"

    email = models.CharField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    is_administrator = models.BooleanField(_("administrator"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    language = models.CharField(_("language"), max_length=10, blank=True, default="", choices=Language.choices)
    theme = models.CharField(_("appearance"), max_length=10, default=Theme.SYSTEM, choices=Theme.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["email"]
        constraints = [models.CheckConstraint(name="user_email_lower", condition=~models.Q(email__regex="[A-Z]"))]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or self.email


class OneTimeLink(models.Model):
    """A link that works once. Only a hash of its token is kept, so a copied database opens nothing."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", _("Invitation")
        RESET = "reset", _("New password")
        FIRST_ADMINISTRATOR = "first_administrator", _("First administrator")

    kind = models.CharField(max_length=20, choices=Kind.choices)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} link {self.pk}"


class ApiToken(models.Model):
    """What a program signs in with; the value is shown once and only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"token {self.name}"


class SignInThrottle(models.Model):
    """How often somebody guessed wrong, per account, per network address and per known device (see `throttle`)."""

    key = models.CharField(max_length=100, unique=True)
    failures = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField(default=timezone.now)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key


class AuditEvent(models.Model):
    """One thing somebody did. Only ever added: a trigger of the database refuses changes and deletions.

    No constraint binds `actor` to a user row: the event outlives the person.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="audit_events"
    )
    actor_label = models.CharField(max_length=300)
    action = models.CharField(max_length=100)
    object_type = models.CharField(max_length=100, blank=True, default="")
    object_id = models.CharField(max_length=100, blank=True, default="")
    object_label = models.CharField(max_length=300, blank=True, default="")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["object_type", "object_id", "-id"], name="audit_by_object")]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"
