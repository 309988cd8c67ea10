"""E-discovery cases: whose mail of which period is looked through, what was searched for, and what was found in it.

A case owns the holds, packages and delayed notices that were made for it. Messages are named, not copied: the row says
which, and what lists show of them. Not for reading mail, nor for who may (`archive.services.cases`).
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.models.stores import Store
from config.kit.versions import Versioned


class Case(Versioned):
    """One investigation. Its custodians are the people whose mailboxes it is about."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    name = models.CharField(_("name"), max_length=200, unique=True)
    reason = models.CharField(_("reason"), max_length=500)
    mailboxes = models.ManyToManyField("domains.Mailbox", related_name="cases")
    date_from = models.DateField(_("from"), null=True, blank=True)
    date_to = models.DateField(_("to"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_label = models.CharField(max_length=300)
    closed_at = models.DateTimeField(null=True)
    closed_by_label = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "-id"], name="case_by_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN


class CaseSearch(models.Model):
    """A search that is kept with a case, and how much it found when it was last asked."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="searches")
    name = models.CharField(_("name"), max_length=200)
    query = models.CharField(_("search"), max_length=4000)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_label = models.CharField(max_length=300)
    found = models.BigIntegerField(null=True)
    found_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint("case", Lower("name"), name="case_search_once")]

    def __str__(self) -> str:
        return self.name


class CaseTag(models.Model):
    """A word that marks messages of a case."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(_("name"), max_length=60)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint("case", Lower("name"), name="case_tag_once")]

    def __str__(self) -> str:
        return self.name


class CaseMessage(models.Model):
    """A message that belongs to a case. store: empty where it is no longer attached."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="messages")
    store = models.ForeignKey(Store, on_delete=models.SET_NULL, null=True)
    store_identity = models.CharField(max_length=64)
    number = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    subject = models.CharField(max_length=300, blank=True, default="")
    sender = models.CharField(max_length=300, blank=True, default="")
    date = models.BigIntegerField()  # seconds since 1970, UTC
    size_bytes = models.BigIntegerField()
    tags = models.ManyToManyField(CaseTag, blank=True, related_name="messages")
    added_at = models.DateTimeField(default=timezone.now)
    added_by_label = models.CharField(max_length=300)

    class Meta:
        ordering = ["-date", "-pk"]
        indexes = [models.Index(fields=["case", "-date", "-id"], name="case_message_by_date")]
        constraints = [
            models.UniqueConstraint(fields=["case", "store_identity", "number"], name="case_message_once"),
        ]

    def __str__(self) -> str:
        return self.subject or self.sha256[:12]

    @property
    def public_id(self) -> str:
        """Empty where its store is gone."""
        return "" if self.store_id is None else f"{self.store_id}:{self.number}"


class CaseNote(models.Model):
    """What somebody wrote about a case, or about one message of it. Notes are not changed, only added."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    message = models.ForeignKey(CaseMessage, on_delete=models.SET_NULL, null=True, related_name="notes")
    about = models.CharField(max_length=300, blank=True, default="")  # the message's subject, which may have left
    text = models.TextField(_("note"), max_length=4000)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    by_label = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["message", "-id"], name="case_note_by_message")]

    def __str__(self) -> str:
        return self.text[:40]
