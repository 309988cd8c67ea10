"""Requests for what can't be undone, and how each was decided. Kept for ever: they say who let what happen.

States: waiting → approved | rejected | withdrawn | expired. What began without a second person (`basis`) is approved
from the start. Only `jobs.approvals` moves them.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Level
from accounts.scopes import ScopeRef, scope_ref
from jobs.commands import label_of
from jobs.models.tasks import Task


class Approval(models.Model):
    """One command with its arguments that somebody asked to be allowed."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for a second person")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Expired")

    class Basis(models.TextChoices):
        """On what grounds it was let happen."""

        NONE = "", _("Not yet")
        SECOND_PERSON = "second_person", _("A second person approved it")
        NOBODY_ELSE = "nobody_else", _("Nobody else could approve it")
        RULE_OFF = "rule_off", _("The rule of two people was switched off")
        EMERGENCY = "emergency", _("Done at once, as an emergency")

    command = models.CharField(max_length=100)
    arguments = models.JSONField(default=dict)
    subject = models.CharField(max_length=300)
    numbers = models.JSONField(default=list)  # [[how many, of what]], as they were when it was asked
    note = models.TextField(blank=True, default="")
    reason = models.CharField(max_length=500)
    requester = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="asked_approvals")
    requester_label = models.CharField(max_length=300)
    rights = models.JSONField(null=True)  # the only rights it may use, where a token asked
    need = models.CharField(max_length=40)  # the right that requester and approver both hold on the scope
    domain_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    about_user_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    basis = models.CharField(max_length=20, choices=Basis.choices, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    decider = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="decided_approvals")
    decider_label = models.CharField(max_length=300, blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True, default="")
    task = models.ForeignKey(Task, on_delete=models.SET_NULL, null=True, related_name="approvals")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state", "-id"], name="approval_by_state"),
            models.Index(fields=["requester", "-id"], name="approval_by_requester"),
            models.Index(fields=["task"], name="approval_by_task"),
        ]

    def __str__(self) -> str:
        return f"{self.command} #{self.pk}"

    @property
    def label(self) -> str:
        """The name of its command as pages say it."""
        return label_of(self.command)

    @property
    def is_waiting(self) -> bool:
        """Whether somebody can still decide it."""
        return self.state == self.State.WAITING and self.expires_at > timezone.now()

    def scopes(self) -> tuple[ScopeRef, ...]:
        """Where what it is about lies (accounts.scopes.Scoped)."""
        return (
            *scope_ref(Level.USER, self.about_user_id),
            *scope_ref(Level.DOMAIN, self.domain_id),
            *scope_ref(Level.CUSTOMER, self.customer_id),
        )


class AdministratorsSeen(models.Model):
    """When two people last could have agreed on something: one row (see `jobs.two_people`)."""

    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"two administrators at {self.at}"
