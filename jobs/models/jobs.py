"""Jobs (a command with its arguments and a schedule) and their runs.

`next_run_at` is what the clock looks at: a moment, computed from the schedule when it is set and after each run. A run
links the task that it started; how that ended is kept on the run, which outlives the task.
"""

from __future__ import annotations

import json
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned
from jobs.commands import label_of
from jobs.models.tasks import Task
from jobs.schedules import Schedule, read_schedule


class Job(Versioned):
    """A command that runs by itself."""

    class Missed(models.TextChoices):
        """What happens to runs whose time came while the server was down."""

        RUN_ONCE = "run_once", _("Run once on return")
        SKIP = "skip", _("Leave out")

    class Stopped(models.TextChoices):
        """Why the clock disabled it."""

        NO = "", _("Not stopped")
        OWNER_GONE = "owner_gone", _("its owner is gone or may not sign in")
        OWNER_POWERLESS = "owner_powerless", _("its owner is no administrator any more")
        RIGHT_GONE = "right_gone", _("its owner lacks the right that its command needs")
        COMMAND_GONE = "command_gone", _("its command doesn't exist any more")
        ARGUMENTS_WRONG = "arguments_wrong", _("its command takes other arguments now")

    name = models.CharField(_("name"), max_length=200)
    built_in = models.CharField(max_length=60, null=True, unique=True, editable=False)  # noqa: DJ001  # unique
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="jobs")
    owner_label = models.CharField(max_length=300, blank=True, default="")
    rights = models.JSONField(null=True)  # the only rights it may use, where a token made it
    command = models.CharField(_("command"), max_length=100)
    arguments = models.JSONField(default=dict)
    secrets = SealedTextField(purpose="job arguments")  # a JSON object of the secret ones
    schedule = models.JSONField()  # the dataset, see jobs.schedules
    missed = models.CharField(max_length=10, choices=Missed.choices, default=Missed.RUN_ONCE)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    stopped = models.CharField(max_length=20, choices=Stopped.choices, blank=True, default=Stopped.NO)
    next_run_at = models.DateTimeField(null=True)
    last_run_at = models.DateTimeField(null=True)
    last_state = models.CharField(max_length=20, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        indexes = [
            models.Index(fields=["name", "id"], name="job_by_name"),
            models.Index(fields=["next_run_at"], name="job_due", condition=Q(is_enabled=True)),
            models.Index(fields=["owner", "name"], name="job_by_owner"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name of its command as pages say it."""
        return label_of(self.command)

    @property
    def state(self) -> str:
        """enabled, done (its date has passed), disabled by somebody, or stopped by the clock."""
        if self.is_enabled:
            return "done" if self.next_run_at is None else "enabled"
        return "stopped" if self.stopped else "disabled"

    def when(self) -> Schedule:
        return read_schedule(self.schedule)

    def given(self) -> dict[str, object]:
        """All its arguments, also the secret ones: for whoever runs it. Raises: SealedError."""
        secrets: dict[str, object] = json.loads(self.secrets.reveal()) if self.secrets else {}
        return {**self.arguments, **secrets}


class JobRun(models.Model):
    """One time that a job was due or started by hand; also one that was left out, with the reason."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        IN_PROGRESS = "in_progress", _("In progress")
        CANCEL_REQUESTED = "cancel_requested", _("Stopping")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        INTERRUPTED = "interrupted", _("Interrupted")
        SKIPPED = "skipped", _("Left out")

    class Skipped(models.TextChoices):
        NO = "", ""
        OVERLAP = "overlap", _("the run before it hadn't ended")
        MISSED = "missed", _("the server was down at its time")

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    task = models.OneToOneField(Task, on_delete=models.SET_NULL, null=True, related_name="job_run")
    due_at = models.DateTimeField(null=True)  # by the schedule; null: started by hand
    started_by = models.CharField(max_length=300, blank=True, default="")  # by hand, by whom
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    skipped = models.CharField(max_length=10, choices=Skipped.choices, blank=True, default=Skipped.NO)
    times = models.PositiveIntegerField(default=1)  # left out so many times in a row
    error = models.TextField(blank=True, default="")
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["job", "-id"], name="job_run_by_job"),
            models.Index(fields=["ended_at"], name="job_run_by_end"),
            models.Index(fields=["state", "-id"], name="job_run_by_state"),
            models.Index(fields=["id"], name="job_run_open", condition=Q(ended_at=None)),
        ]
        constraints = [models.UniqueConstraint(fields=["job", "due_at"], name="job_run_once")]

    def __str__(self) -> str:
        return f"{self.job} #{self.pk}"

    @property
    def took(self) -> timedelta | None:
        return None if self.started_at is None or self.ended_at is None else self.ended_at - self.started_at
