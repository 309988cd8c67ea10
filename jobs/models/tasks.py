"""Tasks and their log lines. The row is the truth about a task; the broker only carries hints.

States: waiting → in_progress (→ cancel_requested) → completed | failed | cancelled | interrupted; waiting →
cancelled. Only `jobs.running` and `jobs.services` move them.
"""

from __future__ import annotations

import json

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from config.kit.sealed import SealedTextField
from jobs.commands import label_of


class Task(models.Model):
    """One run of a command."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        IN_PROGRESS = "in_progress", _("In progress")
        CANCEL_REQUESTED = "cancel_requested", _("Stopping")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        INTERRUPTED = "interrupted", _("Interrupted")

    RUNNING = (State.IN_PROGRESS, State.CANCEL_REQUESTED)
    ACTIVE = (State.WAITING, *RUNNING)
    ENDED = (State.COMPLETED, State.FAILED, State.CANCELLED, State.INTERRUPTED)
    RESTARTABLE = (State.FAILED, State.CANCELLED, State.INTERRUPTED)

    type = models.CharField(max_length=100)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="tasks")
    actor_label = models.CharField(max_length=300)
    arguments = models.JSONField(default=dict)
    secrets = SealedTextField(purpose="task arguments")  # a JSON object of the secret ones, until it has completed
    rights = models.JSONField(null=True)  # the only rights it may use, where a token or link asked for it
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    progress = models.JSONField(default=dict)
    kept = models.JSONField(null=True)  # where it was, for the run that goes on with it
    result = models.JSONField(null=True)
    error = models.TextField(blank=True, default="")
    worker = models.CharField(max_length=200, blank=True, default="")
    origin = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="restarts")
    resumes = models.PositiveSmallIntegerField(default=0)  # it went on by itself so many times
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    dispatches = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state", "-id"], name="task_by_state"),
            models.Index(fields=["actor", "-id"], name="task_by_actor"),
            models.Index(fields=["type", "-id"], name="task_by_type"),
            models.Index(fields=["ended_at"], name="task_by_end"),
            models.Index(fields=["created_at"], name="task_by_asking"),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.pk}"

    @property
    def label(self) -> str:
        """The name of its command as pages say it."""
        return label_of(self.type)

    def given(self) -> dict[str, object]:
        """All its arguments, also the secret ones: for whoever runs it. Raises: SealedError."""
        secrets: dict[str, object] = json.loads(self.secrets.reveal()) if self.secrets else {}
        return {**self.arguments, **secrets}

    @property
    def is_active(self) -> bool:
        """Waiting or running: its page polls."""
        return self.state in self.ACTIVE

    @property
    def is_cancellable(self) -> bool:
        return self.state in (self.State.WAITING, self.State.IN_PROGRESS)

    @property
    def is_restartable(self) -> bool:
        return self.state in self.RESTARTABLE


class TaskLog(models.Model):
    """One line a task wrote about what it did."""

    class Level(models.TextChoices):
        INFO = "info", _("Information")
        WARNING = "warning", _("Warning")
        ERROR = "error", _("Error")

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="logs")
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.INFO)
    text = models.TextField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text
