"""Copies that are kept for a while: in quarantine, in retention (“recent mail”), in the archive.

A row is made when the message is filed; `gateway.keeping` then puts the copy into a store, where one content serves
all recipients. A recipient without a mailbox of ours (a relay-only domain, outgoing mail of one) has no archive: the
bytes stay with the message until the row goes. The folders' names are the API's; pages translate them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from domains.models import Mailbox
from gateway.models.content import Content
from gateway.models.messages import Recipient


class Folder(models.TextChoices):
    QUARANTINE = "Quarantine", pgettext_lazy("folder", "Quarantine")
    RETENTION = "Retention", pgettext_lazy("folder", "Recent mail")
    ARCHIVE = "Archive", pgettext_lazy("folder", "Archive")


class Kept(models.Model):
    """One copy for one recipient in one folder until `until` (None: as retention policies of the archive say).

    WAITING: to be put into a store; KEPT: there (store, number), or with the message (both None); GONE: no more.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        KEPT = "kept"
        GONE = "gone"

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="kept")
    mailbox = models.ForeignKey(Mailbox, on_delete=models.SET_NULL, null=True, related_name="+")
    folder = models.CharField(max_length=12, choices=Folder.choices)
    place = models.CharField(max_length=200, blank=True, default="")  # in the archive: the folder that a rule named
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    until = models.DateTimeField(null=True)
    content = models.ForeignKey(Content, on_delete=models.SET_NULL, null=True, related_name="kept")
    store_id = models.BigIntegerField(null=True)  # archive.Store, by number: a store may be detached
    number = models.BigIntegerField(null=True)  # of the message in that store
    created_at = models.DateTimeField(default=timezone.now)
    sha256 = models.BinaryField(max_length=32, null=True)  # of what was kept, once it is
    problem = models.CharField(max_length=500, blank=True, default="")  # why it still waits

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recipient", "folder"], name="gw_kept_once")]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="gw_kept_waiting"),
            models.Index(fields=["until"], condition=Q(state="kept") & ~Q(until=None), name="gw_kept_due"),
            models.Index(fields=["store_id", "number"], name="gw_kept_by_place"),
        ]

    def __str__(self) -> str:
        return f"{self.folder} {self.recipient_id}"

    @property
    def path(self) -> str:
        """The folder of the mailbox's archive in which it lies."""
        return f"{self.folder}/{self.place}" if self.place else self.folder
