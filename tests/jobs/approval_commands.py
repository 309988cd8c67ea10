"""Commands that only tests run: one that can't be undone, and what it did."""

from __future__ import annotations

import dataclasses

from accounts.actors import Actor
from accounts.permissions import Right
from jobs import proofs
from jobs.commands import command
from jobs.dry_runs import Plan
from jobs.running import TaskRun

DONE: list[str] = []


@dataclasses.dataclass(frozen=True)
class BurnArguments:
    """What is burnt; only for show: nothing is."""

    what: str
    for_show: bool = False


def _plan(actor: Actor, arguments: BurnArguments) -> Plan | None:
    return None if arguments.for_show else Plan(arguments.what, [(len(arguments.what) + len(DONE), "letters")])


def burn_letters(actor: Actor, what: str, *, approved: proofs.Approved | None) -> None:
    """The service behind it."""
    proofs.require(actor, approved, "TestBurn", subject=what, what=what)
    DONE.append(what)


@command("TestBurn", needs=Right.MANAGE_STORES, arguments=BurnArguments, label="Burning of letters", two_people=_plan)
def burn(actor: Actor, run: TaskRun, arguments: BurnArguments) -> dict[str, object]:
    """Burns letters."""
    if not arguments.for_show:
        burn_letters(actor, arguments.what, approved=run.approved)
    return {"burnt": arguments.what}
