"""Synchronisations with a directory: what each did, or would have done, and the list of it.

Not for how a directory is reached (`accounts.Source`) nor for who is who there (`accounts.Identity`).
"""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Source
from accounts.scopes import ScopeRef


class DirectoryRun(models.Model):
    """One run. counts: numbers by kind; stopped: it asks, because so many would be shut out."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    by_label = models.CharField(max_length=300, blank=True, default="")
    is_dry = models.BooleanField(default=False)
    entries = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    leavers = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    problem = models.CharField(max_length=500, blank=True, default="")
    needs_confirmation = models.BooleanField(default=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.source} {self.started_at:%Y-%m-%d %H:%M}"

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.source.scopes()

    @property
    def took(self) -> timedelta | None:
        return None if self.ended_at is None else self.ended_at - self.started_at


class DirectoryChange(models.Model):
    """One line of a run's list."""

    class Kind(models.TextChoices):
        CREATE = "create", _("Made")
        BIND = "bind", _("Bound to the directory")
        CHANGE = "change", _("Changed")
        MOVE = "move", _("Another address")
        DISABLE = "disable", _("Shut out")
        ENABLE = "enable", _("Let in again")
        CONFLICT = "conflict", _("Can’t be")
        LEFT = "left", _("New, and nobody is made")
        ELSEWHERE = "elsewhere", _("In no domain of this source")

    run = models.ForeignKey(DirectoryRun, on_delete=models.CASCADE, related_name="changes", db_index=False)
    kind = models.CharField(_("what"), max_length=10, choices=Kind.choices)
    address = models.CharField(_("address"), max_length=320)
    detail = models.CharField(_("detail"), max_length=500, blank=True, default="")

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["run", "id"], name="directory_change_by_run"),
            models.Index(fields=["run", "kind", "id"], name="directory_change_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"
