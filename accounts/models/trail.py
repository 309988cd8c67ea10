"""The audit trail and its chain."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex, OpClass
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.people import User


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
    changes = models.JSONField(default=dict)  # {field: [old, new]}
    reason = models.CharField(max_length=500, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")  # where the request came from
    via = models.CharField(max_length=20, blank=True, default="")
    # The scopes the object lay in when it happened: who may read about a domain reads these.
    domain_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    about_user_id = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_by_object"),
            models.Index(fields=["domain_id", "-id"], name="audit_by_domain"),
            models.Index(fields=["customer_id", "-id"], name="audit_by_customer"),
            models.Index(fields=["about_user_id", "-id"], name="audit_about_user"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(fields=["via", "-id"], name="audit_by_door"),
            models.Index(OpClass(Lower("object_label"), "text_pattern_ops"), F("id").desc(), name="audit_by_label"),
            BrinIndex(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"


class AuditWaiting(models.Model):
    """An event that isn't sealed yet; a trigger of the database puts it here with the event (`services.sealing`)."""

    event_id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"event {self.event_id}"


class AuditSeal(models.Model):
    """The place of an event in the chain. `hash` is SHA-256 over the hash before it and the event's canonical form.

    Only ever added, as the events. `mac` signs the hash with a key that the database alone doesn't open; every batch
    ends in a signed one.
    """

    sequence = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    hash = models.CharField(max_length=64)
    mac = models.CharField(max_length=100, blank=True, default="")
    sealed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"seal {self.sequence}"
