"""What keeps mail: holds, retention policies and the days worked out by them, compliance, and what was deleted.

The days are kept in blocks of 4,096 messages of a store, so that a million of them are read in a moment; the numbers
of messages never change, so they survive a recovery of the store (docs/decisions/0016). Not for deciding
(`archive.keeping`).
"""

from __future__ import annotations

import datetime
from array import array
from pathlib import Path
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.keeping import dates
from archive.keeping.policies import Criteria, Policy
from archive.models.stores import Store
from archive.query.distances import put_down
from archive.query.language import parse
from archive.query.nodes import Node
from config.kit import paths
from config.kit.versions import Versioned

BLOCK = 4096
LONGEST = {"day": 36_500, "week": 5_200, "month": 1_200, "year": 100}


class LegalHold(Versioned):
    """Nothing that it covers is deleted or expires, whoever asks, until two people end it."""

    class State(models.TextChoices):
        ACTIVE = "active", _("In force")
        RELEASED = "released", _("Ended")

    name = models.CharField(_("name"), max_length=200)
    case = models.ForeignKey("archive.Case", on_delete=models.PROTECT, null=True, blank=True, related_name="holds")
    everything = models.BooleanField(_("everything"), default=False)
    mailboxes = models.ManyToManyField("domains.Mailbox", blank=True, related_name="holds")
    query = models.CharField(_("search"), max_length=4000, blank=True, default="")
    date_from = models.DateField(_("from"), null=True, blank=True)
    date_to = models.DateField(_("to"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_label = models.CharField(max_length=300)
    released_at = models.DateTimeField(null=True)
    released_by_label = models.CharField(max_length=300, blank=True, default="")
    release_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "-id"], name="hold_by_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE

    def words(self) -> Node:
        """What it searches; days counted from today are those of the day it was placed. Raises: QueryError."""
        return put_down(parse(self.query), self.created_at.astimezone(datetime.UTC).date())


class RetentionPolicy(Versioned):
    """One policy as it is now. Their order is `position`; a change of any makes a new `RetentionEdition`."""

    class Interval(models.TextChoices):
        DAY = "day", _("days")
        WEEK = "week", _("weeks")
        MONTH = "month", _("months")
        YEAR = "year", _("years")

    class Reference(models.TextChoices):
        ARCHIVE_DATE = "ArchiveDate", _("when it was archived")
        MESSAGE_DATE = "MessageDate", _("the message's own date")

    name = models.CharField(_("name"), max_length=200, unique=True)
    position = models.PositiveIntegerField(default=0)
    enabled = models.BooleanField(_("in force"), default=True)
    locked = models.BooleanField(_("locked"), default=False)
    period = models.PositiveIntegerField(_("keep for"), validators=[MinValueValidator(1), MaxValueValidator(36_500)])
    interval = models.CharField(_("unit"), max_length=5, choices=Interval.choices, default=Interval.YEAR)
    reference = models.CharField(
        _("counted from"), max_length=11, choices=Reference.choices, default=Reference.ARCHIVE_DATE
    )
    deletes = models.BooleanField(_("delete afterwards"), default=False)
    from_text = models.CharField(max_length=1000, blank=True, default="")
    to_text = models.CharField(max_length=1000, blank=True, default="")
    query = models.CharField(max_length=4000, blank=True, default="")
    in_subject = models.BooleanField(default=False)
    in_body = models.BooleanField(default=False)
    in_attachments = models.BooleanField(default=False)
    in_attachment_contents = models.BooleanField(default=False)
    included = ArrayField(models.CharField(max_length=320), null=True, blank=True)
    excluded = ArrayField(models.CharField(max_length=320), default=list, blank=True)
    known = models.JSONField(default=dict, blank=True)  # address → mailbox, as it was when the policy named it
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name

    def as_policy(self) -> Policy:
        """What the rules work with."""
        return Policy(
            id=self.pk or 0,
            name=self.name,
            period=self.period,
            interval=dates.Interval(self.interval),
            reference=dates.Reference(self.reference),
            delete=self.deletes,
            enabled=self.enabled,
            locked=self.locked,
            criteria=Criteria(
                from_=self.from_text,
                to=self.to_text,
                query=self.query,
                in_subject=self.in_subject,
                in_body=self.in_body,
                in_attachments=self.in_attachments,
                in_attachment_contents=self.in_attachment_contents,
                included=None if self.included is None else frozenset(self.included),
                excluded=frozenset(self.excluded),
                known=dict(self.known),
            ),
        )


class RetentionEdition(models.Model):
    """The policies as of one moment: what the days of messages are worked out by. The newest counts."""

    created_at = models.DateTimeField(default=timezone.now)
    by_label = models.CharField(max_length=300)
    shortens = models.BooleanField(default=False)  # two people agreed that days may come nearer
    policies = models.JSONField(default=list)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"policies of {self.created_at:%Y-%m-%d}"


class RetentionState(models.Model):
    """How far the days of a store's messages are worked out: all up to `number`, by the policies of `edition`.

    While policies change, `next_number` says how far the new edition has come.
    """

    store = models.OneToOneField(Store, on_delete=models.CASCADE, related_name="retention")
    number = models.BigIntegerField(default=0)
    edition = models.BigIntegerField(default=0)
    next_number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.store}: {self.number}"


class RetentionBlock(models.Model):
    """The days of 4,096 messages: four arrays of 32-bit numbers, by `number % 4096`.

    minimum, policy: from when one may go, and the policy that says so; maximum, last: when it goes, and by which.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="retention_blocks")
    block = models.BigIntegerField()
    minimum = models.BinaryField()
    maximum = models.BinaryField()
    policy = models.BinaryField()
    last = models.BinaryField(default=b"")  # empty: of before it was kept

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "block"], name="retention_block_once")]

    def __str__(self) -> str:
        return f"{self.store}: {self.block * BLOCK}"

    @classmethod
    def empty(cls, store: Store, block: int) -> RetentionBlock:
        """One of which nothing is known yet."""
        return cls(
            store=store,
            block=block,
            minimum=array("i", [dates.UNKNOWN] * BLOCK).tobytes(),
            maximum=array("i", [dates.NEVER] * BLOCK).tobytes(),
            policy=array("i", [0] * BLOCK).tobytes(),
            last=array("i", [0] * BLOCK).tobytes(),
        )

    def arrays(self) -> tuple[array[int], array[int], array[int], array[int]]:
        """(minimum, maximum, policy, last) to work with."""
        last = bytes(self.last) or bytes(4 * BLOCK)
        return tuple(array("i", bytes(part)) for part in (self.minimum, self.maximum, self.policy, last))  # type: ignore[return-value]

    def take(self, minimum: array[int], maximum: array[int], policy: array[int], last: array[int]) -> None:
        self.minimum, self.maximum = minimum.tobytes(), maximum.tobytes()
        self.policy, self.last = policy.tobytes(), last.tobytes()


class Compliance(Versioned):
    """One row: what the organisation has set about keeping and being watched."""

    admin_email_preview = models.BooleanField(default=True)
    legal_hold = models.BooleanField(default=False)  # nothing at all is deleted
    password_policy = models.BooleanField(default=True)
    deletion_allowed = models.BooleanField(default=True)  # by people, message by message
    logged_activities = ArrayField(models.CharField(max_length=60), default=list)

    def __str__(self) -> str:
        return "compliance"

    @classmethod
    def now(cls) -> Compliance:
        """The row, or what counts where nobody set anything."""
        return cls.objects.first() or cls()


class DeletionCertificate(models.Model):
    """What a run deleted for good from a store, and by which policies: a document that can be kept elsewhere."""

    store = models.ForeignKey(Store, on_delete=models.SET_NULL, null=True)
    store_name = models.CharField(max_length=100)
    store_identity = models.CharField(max_length=64)
    task = models.ForeignKey("jobs.Task", on_delete=models.SET_NULL, null=True)
    by_label = models.CharField(max_length=300)
    reason = models.CharField(max_length=500)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    first_record = models.BigIntegerField(default=0)  # of the journal
    last_record = models.BigIntegerField(default=0)
    messages = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    edition = models.ForeignKey(RetentionEdition, on_delete=models.PROTECT, null=True)

    objects: ClassVar[models.Manager[DeletionCertificate]] = models.Manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"certificate {self.pk}"

    @property
    def path(self) -> Path:
        return paths.home() / "certificates" / f"deletions-{self.pk}.jsonl"
