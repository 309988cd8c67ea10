"""Second factors: what people prove besides their password that they are themselves.

`User.second_factor_at` says whether somebody has one; it is kept by `services.second_factors` in the transaction of
every change here. Recovery codes and trusted devices are no factors: they stand in for one.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.devices import device_words
from accounts.models.people import User
from config.kit.sealed import SealedTextField


class AuthenticatorApp(models.Model):
    """A seed shared with an app on somebody's phone (TOTP, RFC 6238): six digits, SHA-1, 30 seconds a step.

    One that isn't confirmed by a code yet counts for nothing. last_step: the newest step whose code was taken, so that
    no code counts twice.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="authenticator_apps")
    seed = SealedTextField(purpose="one-time code seed")
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(confirmed_at=None), name="app_in_set_up_once"),
            models.UniqueConstraint(fields=["user"], condition=~Q(confirmed_at=None), name="app_once"),
        ]

    def __str__(self) -> str:
        return f"authenticator app of {self.user_id}"


class Passkey(models.Model):
    """A key pair of which somebody's device, or their password manager, has the private half (WebAuthn).

    rp_id: the host it was made for; it opens nothing on another. signs_in: its device asked for a finger, a face or a
    PIN when it was made, so that it can sign in without a password. sign_count: 0 stays 0 where the device counts not.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=100)
    credential_id = models.BinaryField(max_length=1023, unique=True)
    public_key = models.BinaryField(max_length=4096)
    handle = models.BinaryField(max_length=64)
    rp_id = models.CharField(max_length=253)
    sign_count = models.BigIntegerField(default=0)
    transports = ArrayField(models.CharField(max_length=20), default=list)
    signs_in = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="passkey_name_once")]

    def __str__(self) -> str:
        return f"passkey {self.name}"


class RecoveryCode(models.Model):
    """A code on paper that stands in for a factor once. Only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class TrustedDevice(models.Model):
    """A browser in which the second step isn't asked for until a day. Only the hash of its cookie is kept.

    stamp: of the password it was made with; with another password it opens nothing.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trusted_devices")
    token_hash = models.CharField(max_length=64, unique=True)
    stamp = models.CharField(max_length=64)
    agent = models.CharField(max_length=300, blank=True, default="")  # what the browser says of itself
    address = models.CharField(max_length=45, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"trusted device {self.pk}"

    @property
    def words(self) -> str:
        """What the browser says of itself, for people to tell their devices apart."""
        return device_words(self.agent)
