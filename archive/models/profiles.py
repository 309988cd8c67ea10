"""Profiles: where mail is taken from or handed to, what each run did, and what is known of the source.

A `SourceMessage` is only written after the engine acknowledged the message (archive/store/README.md, I2): killed at any
moment, a run finds on its return what it had, and what it lacks. Secrets are sealed in one column, as a JSON object.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.models.stores import Store
from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned


class ProfileKind(models.TextChoices):
    IMAP = "imap", _("IMAP mailbox")
    IMAP_USERS = "imapUsers", _("IMAP, many mailboxes")
    POP3 = "pop3", _("POP3 mailbox")
    JOURNAL = "journal", _("Journaling mailbox")
    FILES = "files", _("Folder of files")
    MBOX = "mbox", _("mbox files")
    PST = "pst", _("Outlook data file (PST)")
    EXPORT_IMAP = "exportImap", _("To an IMAP server")
    EXPORT_FILES = "exportFiles", _("To a folder, as .eml files")
    EXPORT_MBOX = "exportMbox", _("To a folder, as mbox files")
    EXPORT_SMTP = "exportSmtp", _("To an SMTP server")

    @property
    def exports(self) -> bool:
        return self.value.startswith("export")


class Profile(Versioned):
    """What is archived or exported, and how. `settings` holds what isn't secret, as `archive.profiles.fields` says.

    mailbox: whose archive it fills, for kinds with one. is_temporary: run once, and gone after it.
    """

    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=20, choices=ProfileKind)
    settings = models.JSONField(default=dict)
    secrets = SealedTextField(purpose="profile secrets")
    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.PROTECT, null=True, related_name="profiles")
    is_temporary = models.BooleanField(default=False)
    automatic = models.BooleanField(_("automatic"), default=False)
    pause_s = models.PositiveIntegerField(_("pause between runs"), default=300)
    window = models.CharField(_("maintenance window"), max_length=11, blank=True, default="")
    next_run_at = models.DateTimeField(null=True, blank=True)
    task = models.ForeignKey("jobs.Task", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]
        indexes = [
            models.Index(fields=["name", "id"], name="profile_by_name"),
            models.Index(fields=["next_run_at"], condition=models.Q(automatic=True), name="profile_due"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def exports(self) -> bool:
        return ProfileKind(self.kind).exports


class RunOutcome(models.TextChoices):
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    INCOMPLETE = "incomplete", _("With errors")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    PAUSED = "paused", _("Stopped for the maintenance window")
    INTERRUPTED = "interrupted", _("Interrupted")


class Trigger(models.TextChoices):
    PERSON = "person", _("By a person")
    AUTOMATIC = "automatic", _("Automatic")
    TEMPORARY = "temporary", _("Temporary profile")
    TEST = "test", _("Test")


class ProfileRun(models.Model):
    """One execution ("worker result"). The profile may be gone; its name and kind stay.

    kept_at: when all that the source gave was durable, written down and counted; the index may come after.
    """

    profile = models.ForeignKey(Profile, on_delete=models.SET_NULL, null=True, related_name="runs")
    profile_name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=ProfileKind)
    task = models.ForeignKey("jobs.Task", on_delete=models.SET_NULL, null=True, related_name="profile_runs")
    asked_by = models.CharField(max_length=300)
    trigger = models.CharField(max_length=10, choices=Trigger, default=Trigger.PERSON)
    outcome = models.CharField(max_length=12, choices=RunOutcome, default=RunOutcome.RUNNING)
    started_at = models.DateTimeField(default=timezone.now)
    kept_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    archived = models.BigIntegerField(default=0)
    known = models.BigIntegerField(default=0)
    left_out = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    deleted = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="profile_run_by_start"),
            models.Index(fields=["profile", "-started_at"], name="profile_run_by_profile"),
        ]

    def __str__(self) -> str:
        return f"{self.profile_name} #{self.pk}"


class RunFolder(models.Model):
    """One line of a run's report: a folder of the source (or target), and what became of its messages.

    found: in it; archived: new in the archive (or exported); known: there before; left_out: by a filter; failed: with
    the first reason; vanished: gone before they could be read; deleted: at the source.
    """

    run = models.ForeignKey(ProfileRun, on_delete=models.CASCADE, related_name="folders")
    mailbox = models.CharField(max_length=320)
    path = models.TextField()
    target = models.TextField(blank=True, default="")
    found = models.BigIntegerField(default=0)
    archived = models.BigIntegerField(default=0)
    known = models.BigIntegerField(default=0)
    left_out = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    vanished = models.BigIntegerField(default=0)
    deleted = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    note = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["run", "id"], name="run_folder_by_run")]


class SourceFolder(models.Model):
    """What is known of one folder at a source. seen: its state when it was last read to its end, to pass over it."""

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="source_folders")
    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.PROTECT, null=True, related_name="+")
    path = models.TextField()
    validity = models.CharField(max_length=100, blank=True, default="")
    seen = models.CharField(max_length=200, blank=True, default="")
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["profile", "mailbox", "path"], name="source_folder_once", nulls_distinct=False
            )
        ]


class SourceMessage(models.Model):
    """One message of a source: in the archive (store, number, hash of its bytes), or failed with its reason.

    key: its name at the source (a UID, a unique id, a file and place). gone: we deleted it there, after comparing.
    """

    pk = models.CompositePrimaryKey("folder_id", "key")
    folder = models.ForeignKey(SourceFolder, on_delete=models.CASCADE, related_name="messages", db_index=False)
    key = models.CharField(max_length=300)
    received_at = models.DateTimeField()
    store = models.ForeignKey(  # a store may be detached, or merged into another, where the hash finds the message
        Store, on_delete=models.DO_NOTHING, null=True, db_index=False, db_constraint=False, related_name="+"
    )
    number = models.BigIntegerField(null=True)
    sha256 = models.BinaryField(max_length=32, null=True)
    flags = models.CharField(max_length=200, blank=True, default="")
    message_id = models.CharField(max_length=300, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    gone = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["store", "number"], name="source_message_of")]


class FolderDay(models.Model):
    """What the last look at a folder of a source found of one day (UTC): there now, left out, archived and gone."""

    folder = models.ForeignKey(SourceFolder, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    source = models.BigIntegerField(default=0)
    left_out = models.BigIntegerField(default=0)
    gone = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["folder", "day"], name="folder_day_once")]


class SourceFile(models.Model):
    """A file that was read to its end and whose messages are all acknowledged; passed over while it stays the same."""

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="source_files")
    path = models.TextField()
    size = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    messages = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["profile", "path"], name="source_file_once")]


class Completeness(models.Model):
    """What one day (UTC) of one mailbox of a profile came to: all of the source is in the archive, and is found.

    source: there now; gone: archived, no longer at the source; left_out: by a filter; archived: in the archive now;
    removed: archived once, deleted there since; indexed: the index finds it; missing: named as gaps.
    source + gone = archived + removed + left_out + missing, and archived = indexed, or it is not complete.
    """

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="days")
    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.PROTECT, null=True, related_name="+")
    day = models.DateField()
    source = models.BigIntegerField(default=0)
    gone = models.BigIntegerField(default=0)
    left_out = models.BigIntegerField(default=0)
    archived = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)
    indexed = models.BigIntegerField(default=0)
    missing = models.BigIntegerField(default=0)
    checked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-day", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["profile", "mailbox", "day"], name="completeness_once", nulls_distinct=False
            )
        ]

    @property
    def is_complete(self) -> bool:
        return self.missing == 0 and self.archived == self.indexed


class Gap(models.Model):
    """A message of the source that isn't in the archive, or that the index doesn't find: its name, and why."""

    folder = models.ForeignKey(SourceFolder, on_delete=models.CASCADE, related_name="gaps")
    is_unindexed = models.BooleanField(default=False)  # it is archived, and the index doesn't find it
    key = models.CharField(max_length=300)
    message_id = models.CharField(max_length=300, blank=True, default="")
    day = models.DateField()
    reason = models.CharField(max_length=500)
    first_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-day", "pk"]
        indexes = [models.Index(fields=["folder", "-day"], name="gap_by_folder")]


class Sent(models.Model):
    """A message that an export handed over and the other side took; `in_doubt` while it is being handed over.

    A run that died in between leaves one in doubt: the other side may have it.
    """

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="sent")
    store = models.ForeignKey(Store, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    number = models.BigIntegerField()
    folder = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now)
    in_doubt = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "store", "folder", "number"], name="export_sent_once")
        ]
