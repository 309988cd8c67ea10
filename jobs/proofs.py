"""What a service that can't be undone wants to see: that exactly this was approved.

A task carries its approval into the command (`run.approved`), the command hands it to the service, and the service asks
`require`. There is no way to make one but `approvals` and the exceptions of the rule, which leave a row too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import chain_of
from jobs import two_people
from jobs.commands import Command, get_command
from jobs.dry_runs import Plan
from jobs.errors import NeedsApproval
from jobs.models import Approval, Task

RESTARTS_FOR = timedelta(days=7)
State = Approval.State


@dataclass(frozen=True, slots=True)
class Approved:
    """A command with its arguments that may be done, and on what grounds."""

    approval_id: int
    command: str
    basis: str
    reason: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


def require(
    actor: Actor, approved: Approved | None, name: str, *, subject: str, within: object | None = None, **about: object
) -> None:
    """That this command was approved, with these arguments among its own; asked by what can't be undone.

    Where the rule isn't in force nothing needs to have been asked; that it was done is kept as a request all the same.
    Raises: NeedsApproval.
    """
    if approved is not None:
        if not _covers(approved, name, about):
            raise NeedsApproval(name)
        return
    command = get_command(name)
    basis = two_people.exception(command.needs or "", within, actor.user)
    if basis is None:
        raise not_approved(command)
    grant_exception(actor, build(actor, command, about, Plan(subject, within=within), ""), basis, "approval.skip")


def _covers(approved: Approved, name: str, about: Mapping[str, object]) -> bool:
    wanted = approved.command == name and all(approved.arguments.get(key) == value for key, value in about.items())
    return wanted and Approval.objects.filter(pk=approved.approval_id, command=name, state=State.APPROVED).exists()


def of_task(task: Task) -> Approved | None:
    """What a task was approved for, if it was."""
    row = Approval.objects.filter(task=task, command=task.type, state=State.APPROVED).first()
    if row is None or row.arguments != task.arguments:
        return None
    return Approved(row.pk, row.command, row.basis, row.reason, row.arguments)


def restartable(task: Task) -> Approval | None:
    """The approval under which a task that broke off may be started again: the same thing, within a week."""
    since = timezone.now() - RESTARTS_FOR
    return Approval.objects.filter(task=task, state=State.APPROVED, decided_at__gt=since).first()


def build(actor: Actor, command: Command, stored: dict[str, object], plan: Plan, reason: str) -> Approval:
    """The row of a request, not saved yet."""
    scopes = {ref.level: ref.id for ref in chain_of(plan.within)}
    assert command.needs is not None
    now = timezone.now()
    return Approval(
        command=command.name,
        arguments=stored,
        subject=plan.subject[:300],
        numbers=plan.as_json(),
        note=plan.note,
        reason=reason,
        requester=actor.user,
        requester_label=actor.label[:300],
        rights=None if actor.allowed is None else sorted(actor.allowed),
        need=command.needs,
        domain_id=scopes.get(Level.DOMAIN),
        customer_id=scopes.get(Level.CUSTOMER),
        about_user_id=scopes.get(Level.USER),
        created_at=now,
        expires_at=now + two_people.lifetime(),
    )


def grant_exception(actor: Actor, approval: Approval, basis: Approval.Basis, action: str) -> Approval:
    """Save a request as approved without a second person, and say so in the trail."""
    approval.state, approval.basis, approval.decided_at = State.APPROVED, basis, timezone.now()
    approval.save()
    audit.record(
        actor,
        action,
        approval,
        reason=approval.reason,
        command=approval.command,
        subject=approval.subject,
        basis=str(basis),
        arguments=approval.arguments,
        numbers=[f"{count} {what}" for count, what in approval.numbers],
    )
    return approval


def not_approved(command: Command) -> NeedsApproval:
    """For who tried without asking."""
    return NeedsApproval(
        command.name,
        _("“%(what)s” can't be undone and takes two people: ask for it, and a second person approves it.")
        % {"what": command.label or command.name},
    )
