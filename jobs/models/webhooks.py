"""Webhooks: where programs want to hear of events, and what was sent to them.

A webhook lies on a scope (the server, a customer, a domain) and hears of what happens there only. A delivery is one
event for one webhook: its body as it is sent, and what the other side answered last.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import LEVELS
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned


class Webhook(Versioned):
    """An address that hears of events. The secret signs what is sent; it is shown once, when it is made."""

    class Stopped(models.TextChoices):
        NO = "", _("by a person")
        FAILING = "failing", _("because nothing was taken for days")
        GONE = "gone", _("because the other side said that it is gone for good")

    level = models.CharField(max_length=10, choices=LEVELS, default=Level.SERVER)
    object_id = models.BigIntegerField(default=0)
    name = models.CharField(_("name"), max_length=100)
    url = models.CharField(_("address"), max_length=500)
    secret = SealedTextField(purpose="webhook secret")
    events = models.JSONField(_("events"), default=list)  # types, and audit.… with a * at the end
    is_enabled = models.BooleanField(_("in use"), default=True)
    stopped = models.CharField(max_length=10, choices=Stopped.choices, blank=True, default="")
    failing_since = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(_("last delivery"), null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["name", "pk"]
        indexes = [
            models.Index(fields=["level", "object_id"], name="webhook_by_scope"),
            models.Index(fields=["name", "id"], name="webhook_by_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)

    @property
    def state(self) -> str:
        if not self.is_enabled:
            return "stopped" if self.stopped else "disabled"
        return "failing" if self.failing_since else "enabled"


class WebhookDelivery(models.Model):
    """One event on its way to one webhook. `next_at`: when it is tried next; while it is, when that takes too long."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Given up")

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=80)  # the same however often it is sent
    type = models.CharField(_("event"), max_length=120)
    body = models.TextField()
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_at = models.DateTimeField(null=True, default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(_("last try"), null=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=500, blank=True, default="")
    took_ms = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["webhook", "event_id"], name="webhook_event_once")]
        indexes = [
            models.Index(fields=["next_at", "id"], name="webhook_due", condition=Q(state="waiting")),
            models.Index(fields=["webhook", "-id"], name="webhook_newest"),
            models.Index(fields=["created_at"], name="webhook_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class WebhookCursor(models.Model):
    """How far the audit trail was looked through for events: a single row."""

    sequence = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="webhook_one_cursor")]

    def __str__(self) -> str:
        return str(self.sequence)
