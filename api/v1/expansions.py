"""Who gets mail for an address: the whole way, with the reason for each step."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Group
from api.schemas import Answer
from api.v1 import subjects
from domains import selectors
from domains.expansion import Expansion, How, Outcome

group = Group("Expansion", "Who gets mail for an address, and why.")


class ExpansionQuery(BaseModel):
    """Who sends: groups may take mail of some people only."""

    model_config = ConfigDict(extra="forbid")

    sender: Annotated[str | None, Field(max_length=320, description="As if this address sent.")] = None


class StepAnswer(Answer):
    """One address on the way. `parent` is the number of the step it comes from; null for the address asked for."""

    number: int
    parent: int | None
    level: int
    email: str
    how: How
    outcome: Outcome
    kind: Annotated[str | None, Field(description="mailbox, alias, group, forward or list; null for what isn't ours.")]
    data: Annotated[dict[str, Any], Field(description="More, for some outcomes.")]


class DeliveryAnswer(Answer):
    """Where a message ends, once."""

    email: str
    outcome: Outcome
    step: int


class ExpansionAnswer(Answer):
    """Steps, parents before children, and where the message ends."""

    email: str
    sender: str | None
    deliveries: list[DeliveryAnswer]
    steps: list[StepAnswer]
    counts: Annotated[dict[str, int], Field(description="How many steps ended how.")]


def present(found: Expansion) -> ExpansionAnswer:
    return ExpansionAnswer(
        email=found.email,
        sender=found.sender or None,
        deliveries=[
            DeliveryAnswer(email=each.email, outcome=Outcome(each.outcome), step=each.step) for each in found.deliveries
        ],
        steps=[
            StepAnswer(
                number=step.number,
                parent=step.parent if step.parent >= 0 else None,
                level=step.level,
                email=step.email,
                how=How(step.how),
                outcome=Outcome(step.outcome),
                kind=step.kind or None,
                data=step.data or {},
            )
            for step in found.steps
        ],
        counts=found.counts(),
    )


@group.get("/addresses/{address}/expansion", admit=subjects.somewhere(Right.VIEW_USERS))
def address_expansion(actor: Actor, address: str, query: ExpansionQuery) -> ExpansionAnswer:
    """Who gets mail for this address?

    The whole way through aliases, groups, lists, forwards and the catch-all, with the reason for each step. Of
    addresses beyond the caller's domains nothing more than the address is said.
    """
    return present(selectors.expand_for(actor, address, sender=query.sender or ""))
