"""Quotas counted anew. Source of the task's name: james.md, quotas of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from domains.services.quotas import refresh_fill
from jobs.commands import About, command
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class RecomputeArguments:
    """users_per_second: taken for programs that say it; all are counted by one statement."""

    users_per_second: Annotated[int | None, About(gettext_lazy("Users per second"), least=1, most=1_000_000)] = None


@command(
    "RecomputeCurrentQuotas", needs=Right.MANAGE_QUOTAS, arguments=RecomputeArguments,
    label=gettext_lazy("Quotas counted anew"),
)  # fmt: skip
def recompute_current_quotas(actor: Actor, run: TaskRun, arguments: RecomputeArguments) -> dict[str, object]:
    """Count anew how full every mailbox is."""
    actor.require(Right.MANAGE_QUOTAS)
    changed = refresh_fill()
    audit.record(actor, "quota.recompute", None, changed=changed)
    return {"changed": changed}
