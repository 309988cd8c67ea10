"""Alerts: what somebody must know now, until it is acknowledged.

An alert lies on a scope (the server, a customer, a domain, a person) and is for its administrators or for everybody
there. What the house itself posts has a `kind`, whose sentence is said in the reader's language; what people post is
their text. One that repeats (the same `source`) counts up instead of standing there twice.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import LEVELS, User
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef, scope_ref


class Alert(models.Model):
    """One thing to know."""

    class Severity(models.TextChoices):
        INFO = "info", _("Notice")
        WARNING = "warning", _("Warning")
        ERROR = "error", _("Error")

    class Audience(models.TextChoices):
        ADMINISTRATORS = "administrators", _("Administrators")
        EVERYBODY = "everybody", _("Everybody")

    level = models.CharField(max_length=10, choices=LEVELS, default=Level.SERVER)
    object_id = models.BigIntegerField(default=0)
    object_label = models.CharField(max_length=300, blank=True, default="")
    # The scopes around it, for whoever administers those.
    domain_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    audience = models.CharField(max_length=20, choices=Audience.choices, default=Audience.ADMINISTRATORS)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.WARNING)
    kind = models.CharField(max_length=60, blank=True, default="")
    params = models.JSONField(default=dict)
    text = models.TextField(blank=True, default="")  # what a person wrote, or a kind's sentence in English
    source = models.CharField(max_length=200, blank=True, default="")  # the same source counts up
    url = models.CharField(max_length=300, blank=True, default="")  # where to look, a path of ours
    times = models.PositiveIntegerField(default=1)
    posted_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    posted_by = models.CharField(max_length=300, blank=True, default="")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=300, blank=True, default="")
    wants_mail = models.BooleanField(default=False)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["level", "object_id", "-id"], name="alert_by_scope"),
            models.Index(fields=["level", "object_id"], name="alert_open", condition=Q(acknowledged_at=None)),
            models.Index(fields=["severity", "-id"], name="alert_by_severity"),
            models.Index(fields=["id"], name="alert_to_mail", condition=Q(wants_mail=True, mailed_at=None)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["level", "object_id", "source"],
                condition=Q(acknowledged_at=None) & ~Q(source=""),
                name="alert_once",
            )
        ]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)

    def scopes(self) -> tuple[ScopeRef, ...]:
        """The scopes it lies in (accounts.scopes.Scoped)."""
        own = () if self.level == Level.SERVER else (self.scope,)
        around = (*scope_ref(Level.DOMAIN, self.domain_id), *scope_ref(Level.CUSTOMER, self.customer_id))
        return tuple(dict.fromkeys((*own, *around)))

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None

    @property
    def state(self) -> str:
        return "open" if self.is_open else "acknowledged"


class AlertSeen(models.Model):
    """Somebody put away an alert that is for everybody; it stays for the others."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="seen")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "user"], name="alert_seen_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.alert_id}"
