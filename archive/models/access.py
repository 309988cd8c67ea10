"""Who opened whose archive, why, until when, and what they read there."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.models.stores import Store

ACCESS_MINUTES = 60  # where nobody says otherwise
ACCESS_CHOICES = (15, 30, 60, 120, 240, 480)


class AccessQuerySet(models.QuerySet["ArchiveAccess"]):
    def noticed(self, now: datetime | None = None) -> AccessQuerySet:
        """Those that the owner is told of by now."""
        return self.filter(models.Q(notice_at=None) | models.Q(notice_at__lte=now or timezone.now()))

    def standing(self, now: datetime | None = None) -> AccessQuerySet:
        return self.filter(closed_at=None, expires_at__gt=now or timezone.now())


class ArchiveAccess(models.Model):
    """An administrator opened somebody's archive: why, and until when. Its owner sees every one of them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="opened_archives")
    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.PROTECT, related_name="accesses")
    reason = models.TextField(_("reason"), max_length=500)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    exported_messages = models.BigIntegerField(default=0)
    query = models.TextField(blank=True, default="")  # of a package: what was searched for
    package = models.ForeignKey(
        "archive.EvidencePackage", on_delete=models.SET_NULL, null=True, related_name="accesses"
    )
    notice_at = models.DateTimeField(null=True)  # the owner sees it from then on; empty: at once

    objects: ClassVar[models.Manager[ArchiveAccess]] = AccessQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "expires_at"]),
            models.Index(fields=["mailbox", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.user} → {self.mailbox}"

    @property
    def stands(self) -> bool:
        return self.closed_at is None and self.expires_at > timezone.now()

    @property
    def ended_at(self) -> datetime:
        return self.closed_at or self.expires_at


class NoticeDelay(models.Model):
    """For a case, the owner of a mailbox learns only from a set day on that somebody opens it; two people agreed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notice_delays")
    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.PROTECT, related_name="notice_delays")
    case = models.CharField(max_length=200)  # as it was called
    of_case = models.ForeignKey("archive.Case", on_delete=models.PROTECT, null=True, related_name="delays")
    until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-until", "-pk"]
        indexes = [models.Index(fields=["user", "mailbox", "-until"], name="notice_delay_in_force")]

    def __str__(self) -> str:
        return f"{self.case}: {self.mailbox} until {self.until:%Y-%m-%d}"


class ArchiveRead(models.Model):
    """One message of another's archive that was opened under an access; first time only."""

    access = models.ForeignKey(ArchiveAccess, on_delete=models.PROTECT, related_name="reads")
    store = models.ForeignKey(Store, on_delete=models.PROTECT)
    number = models.BigIntegerField()
    subject = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["access", "store", "number"], name="archive_read_once"),
        ]

    @property
    def public_id(self) -> str:
        return f"{self.store_id}:{self.number}"
