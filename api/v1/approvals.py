"""Approvals: what can't be undone is asked for by one person and approved by another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import Field, JsonValue
from pydantic.alias_generators import to_camel

from accounts.actors import Actor
from api import filters
from api.answering import inside
from api.listing import Listing
from api.operations import Created, Group, anyone
from api.schemas import Answer, Body, Moment
from api.v1.tasks import command_named
from jobs import approvals, selectors, services, two_people
from jobs.commands import get_command
from jobs.models import Approval

group = Group(
    "Approvals",
    "What can't be undone takes two people: one asks, another who holds the same right approves, and it runs as a task "
    "of who asked. Where nobody else could approve, or the rule is switched off, it runs at once and is listed all the "
    "same.",
)

State = Literal["WAITING", "APPROVED", "REJECTED", "WITHDRAWN", "EXPIRED"]
Basis = Literal["NONE", "SECOND_PERSON", "NOBODY_ELSE", "RULE_OFF", "EMERGENCY"]


class ApprovalAdd(Body):
    """A command that takes two people, what it takes, and why."""

    command: Annotated[str, Field(min_length=1, max_length=100, examples=["switch_off_two_person_approval"])]
    params: Annotated[dict[str, JsonValue], Field(max_length=50)] = Field(default_factory=dict)
    reason: Annotated[str, Field(min_length=3, max_length=500, examples=["The case is closed"])]


class Decision(Body):
    """A word to it. Whoever rejects says why."""

    answer: Annotated[str, Field(max_length=500)] = ""


class Rejection(Body):
    """Why not."""

    answer: Annotated[str, Field(min_length=3, max_length=500)]


class Counted(Answer):
    """One number of a dry run."""

    count: int
    what: str


class ApprovalRow(Answer):
    """A request in a list."""

    id: int
    command: str
    label: Annotated[str, Field(description="What it is called on pages.")]
    subject: str
    state: State
    basis: Annotated[Basis, Field(description="On what grounds it was let happen.")]
    reason: str
    asked_by: str
    created_at: Moment
    expires_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    task_id: Annotated[int | None, Field(description="The task that does it, once approved.")]


class ApprovalAnswer(ApprovalRow):
    """A request with what it would do."""

    params: dict[str, JsonValue]
    numbers: Annotated[list[Counted], Field(description="The dry run, as of when it was asked or approved.")]
    note: str
    answer: str | None


class RuleAnswer(Answer):
    """How the rule of two people stands on this server."""

    switched_on: bool
    in_force: bool
    administrators: int
    in_force_until: Annotated[Moment | None, Field(description="Where only one administrator is left since a while.")]


def _common(row: Approval) -> dict[str, Any]:
    return {
        "id": row.pk,
        "command": row.command,
        "label": row.label,
        "subject": row.subject,
        "state": row.state.upper(),
        "basis": (row.basis or "none").upper(),
        "reason": row.reason,
        "asked_by": row.requester_label,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "decided_by": row.decider_label or None,
        "decided_at": row.decided_at,
        "task_id": row.task_id,
    }


def present(row: Approval) -> ApprovalAnswer:
    return ApprovalAnswer(
        **_common(row),
        params={to_camel(name): value for name, value in row.arguments.items()},
        numbers=[Counted(count=count, what=what) for count, what in row.numbers],
        note=row.note,
        answer=row.answer or None,
    )


def _present_all(actor: Actor, rows: Sequence[Approval]) -> list[ApprovalRow]:
    return [ApprovalRow(**_common(row)) for row in rows]


APPROVALS = Listing(
    ApprovalRow,
    _present_all,
    sorts={"id": "pk"},
    default="-id",
    filters={
        "state": filters.choice(
            "state", "The state.", {str(each).upper(): str(each) for each in Approval.State.values}
        ),
        "basis": filters.choice(
            "basis", "On what grounds.", {(str(each) or "none").upper(): str(each) for each in Approval.Basis.values}
        ),
    },
)


@group.get("/approvals/rule", admit=anyone)
def approval_rule(actor: Actor) -> RuleAnswer:
    """Read whether the rule of two people is in force.

    It can't be with a single administrator.
    """
    standing = two_people.standing()
    return RuleAnswer(
        switched_on=standing.is_on,
        in_force=standing.in_force,
        administrators=standing.administrators,
        in_force_until=standing.stays_until,
    )


@group.list("/approvals", APPROVALS)
def approval_list(actor: Actor) -> QuerySet[Approval]:
    """List requests, the newest first.

    One's own, and those one could decide about.
    """
    return selectors.list_approvals(actor)


@group.post("/approvals", admit=anyone, status=202)
def approval_ask(actor: Actor, body: ApprovalAdd) -> Created[ApprovalAnswer]:
    """Ask for a command that takes two people.

    With the right that the command needs. Where nobody else could approve it, it is `APPROVED` at once and its task
    runs. 409 where the same waits already.
    """
    command = get_command(command_named(body.command))
    services.require_right(actor, command)
    arguments = command.arguments_from_json({inside(name): value for name, value in body.params.items()})
    asked = approvals.ask(actor, command.name, arguments, reason=body.reason)
    return Created(present(asked), f"/approvals/{asked.pk}")


def _seen(actor: Actor, approval_id: int) -> Approval:
    return selectors.get_approval(actor, approval_id)


def _decided(actor: Actor, approval_id: int) -> Approval:
    found = selectors.get_approval(actor, approval_id)
    approvals.require_deciding(actor, found)
    return found


@group.get("/approvals/{int:approvalId}", admit=_seen)
def approval_detail(actor: Actor, approval: Approval) -> ApprovalAnswer:
    """Read a request, with what it would do."""
    return present(approval)


def _own(actor: Actor, approval_id: int) -> Approval:
    found = selectors.get_approval(actor, approval_id)
    approvals.require_own(actor, found)
    return found


@group.delete("/approvals/{int:approvalId}", admit=_own)
def approval_withdraw(actor: Actor, approval: Approval) -> None:
    """Withdraw one's own request.

    409 when it was decided.
    """
    approvals.withdraw(actor, approval)


@group.post("/approvals/{int:approvalId}/approve", admit=_decided, status=202)
def approval_approve(actor: Actor, approval: Approval, body: Decision) -> Created[ApprovalAnswer]:
    """Approve what somebody else asked for.

    Its task starts; the rights of who asked are asked again. Nobody approves their own request.
    """
    decided = approvals.approve(actor, approval, answer=body.answer)
    return Created(present(decided), f"/tasks/{decided.task_id}")


@group.post("/approvals/{int:approvalId}/reject", admit=_decided, status=200)
def approval_reject(actor: Actor, approval: Approval, body: Rejection) -> ApprovalAnswer:
    """Reject what somebody else asked for, and say why."""
    return present(approvals.reject(actor, approval, answer=body.answer))
