"""Sessions of browsers: who is signed in, since when, from where and how."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.people import User
from accounts.scopes import ScopeRef


class Session(models.Model):
    """One browser's session; `sessionstore` reads and writes it. Without a user somebody who isn't signed in.

    source, said: the identity provider whose token began it or proved it again last, and how it said that somebody
    signed in there: values of amr and acr, with spaces between.

    key_hash: SHA-256 of the key in the browser's cookie, which is kept nowhere. Deleting the row ends the session.
    """

    key_hash = models.CharField(max_length=64, unique=True)
    data = models.TextField()
    expires_at = models.DateTimeField(db_index=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions")
    how = models.CharField(max_length=20, blank=True, default="")  # accounts.sessions.WAYS
    second = models.CharField(max_length=20, blank=True, default="")  # the second factor, if one was asked for
    source = models.ForeignKey("accounts.Source", on_delete=models.SET_NULL, null=True, related_name="+")
    said = models.CharField(max_length=200, blank=True, default="", db_default="")
    started_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=45, blank=True, default="")  # where it began
    last_address = models.CharField(max_length=45, blank=True, default="")  # where it was used last, if elsewhere
    agent = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-last_used_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-last_used_at"], name="session_by_user"),
            models.Index(fields=["-last_used_at", "-id"], name="session_by_use"),
        ]

    def __str__(self) -> str:
        return f"session {self.pk}"

    def scopes(self) -> tuple[ScopeRef, ...]:
        return () if self.user is None else self.user.scopes()
