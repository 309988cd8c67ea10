"""How people and programs come in: one-time links, tokens, and how often somebody guessed wrong."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class OneTimeLink(models.Model):
    """A link that works once. Only a hash of its token is kept, so a copied database opens nothing."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", _("Invitation")
        RESET = "reset", _("New password")
        FIRST_ADMINISTRATOR = "first_administrator", _("First administrator")
        SIGN_IN = "sign_in", _("Temporary sign-in")

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
    expires_at = models.DateTimeField(null=True)
    rights = ArrayField(models.CharField(max_length=40), null=True)  # null: all that the person has
    read_only = models.BooleanField(default=False)
    # The token of the program that made it, with which it goes; whether a password was changed into it, or into the one
    # that made it, so that it ends with the person's sessions.
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children", editable=False)
    is_short = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="token_name_once")]

    def __str__(self) -> str:
        return f"token {self.name}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class SignInThrottle(models.Model):
    """How often somebody guessed wrong, per account, per network address, per network at an account, and per known
    device (see `throttle`).
    """

    key = models.CharField(max_length=100, unique=True)
    failures = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now, db_default=Now())  # when the present count began
    last_attempt_at = models.DateTimeField(default=timezone.now)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key
