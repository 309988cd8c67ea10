"""What waits to leave: one row per recipient, claimed with SKIP LOCKED, gone when it is delivered or given up.

Rows of one message for one destination leave in one SMTP transaction. Not for what became of it (`messages`).
"""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kit.versions import Versioned
from domains.models import Relay
from gateway.models.content import Content
from gateway.models.messages import Message, Recipient


class QueueItem(models.Model):
    """A message for one recipient that waits to leave.

    `destination` is what concurrency and statistics count by: "relay:<id>", "mx:<domain>" or "route:<host>:<port>".
    `headers` are lines to be put before the message; `subject_prefix` goes into its Subject.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        HELD = "held", _("held back")

    queue = models.CharField(_("queue"), max_length=50, default="outgoing")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="queued")
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, null=True, related_name="queued")
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="queued")
    sender = models.CharField(_("envelope sender"), max_length=320, blank=True, default="")
    address = models.CharField(_("recipient"), max_length=320)
    relay = models.ForeignKey(Relay, on_delete=models.SET_NULL, null=True, related_name="+")
    destination = models.CharField(_("destination"), max_length=300)
    domain_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    headers = models.JSONField(default=list)
    subject_prefix = models.CharField(max_length=60, blank=True, default="")
    parameters = models.JSONField(default=dict)  # SMTPUTF8, BODY, NOTIFY, ORCPT, RET, ENVID
    priority = models.SmallIntegerField(default=5)  # 0 first
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    next_at = models.DateTimeField(_("next try"), default=timezone.now)
    expires_at = models.DateTimeField(_("given up at"))
    # in hand of a delivery process until then; `claimed_by` without it: was in hand of one that ended meanwhile
    claimed_until = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    attempts = models.PositiveIntegerField(_("tries"), default=0)
    last_reply = models.TextField(_("last answer"), blank=True, default="")
    was_warned = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["next_at", "pk"]
        indexes = [
            # delivery takes the next of each destination, so that a long backlog of one holds up no other
            models.Index(
                fields=["destination", "priority", "next_at", "id"], condition=Q(state="waiting"), name="gw_queue_next"
            ),
            models.Index(fields=["destination", "next_at", "id"], name="gw_queue_by_destination"),
            models.Index(fields=["claimed_by", "id"], condition=~Q(claimed_by=""), name="gw_queue_in_hand"),
            models.Index(fields=["queue", "id"], name="gw_queue_by_name"),
            models.Index(fields=["created_at", "id"], name="gw_queue_by_age"),
            models.Index(fields=["domain_id", "id"], name="gw_queue_by_domain"),
            models.Index(fields=["sender", "id"], name="gw_queue_by_sender"),
            models.Index(fields=["address", "id"], name="gw_queue_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.address} ({self.destination})"


class QueueSettings(Versioned):
    """How the queue is worked off: one row, or none for these usual values."""

    lifetime_hours = models.PositiveIntegerField(_("given up after"), default=120)
    warning_hours = models.PositiveIntegerField(_("the sender hears of a delay after"), default=4)  # 0: never
    first_retry_s = models.PositiveIntegerField(_("first wait"), default=120)
    longest_retry_s = models.PositiveIntegerField(_("longest wait"), default=14_400)
    per_destination = models.PositiveIntegerField(_("connections to one destination"), default=10)
    connections = models.PositiveIntegerField(_("connections in all"), default=100)
    most_recipients = models.PositiveIntegerField(_("recipients of one transaction"), default=100)

    class Meta:
        constraints = [models.CheckConstraint(name="gw_queue_settings_once", condition=Q(id=1))]

    def __str__(self) -> str:
        return "queue"

    @property
    def lifetime(self) -> timedelta:
        return timedelta(hours=self.lifetime_hours)

    @property
    def warned_after(self) -> timedelta:
        return timedelta(hours=self.warning_hours)


class DestinationHour(models.Model):
    """What came of the tries to reach one destination in one hour, for the statistics."""

    destination = models.CharField(max_length=300)
    hour = models.DateTimeField()
    delivered = models.PositiveIntegerField(default=0)
    deferred = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["-hour", "destination"]
        constraints = [models.UniqueConstraint(fields=["hour", "destination"], name="gw_destination_hour_once")]

    def __str__(self) -> str:
        return f"{self.destination} {self.hour:%Y-%m-%d %H}"
