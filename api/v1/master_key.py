"""The master key, under which the keys of all stores and secrets are wrapped: what renewing touches, and doing it."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Created, Group, holding
from api.schemas import Answer, Count
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from archive.services import keys
from jobs.commands import NoArguments
from jobs.services import submit

group = Group("Master key", "The key that opens the keys of all stores and of stored secrets. It is never answered.")
_server = holding(Right.MANAGE_SERVER)


class MasterKeyAnswer(Answer):
    """What a renewal would touch: keys of stores and of secrets that are wrapped anew.

    detachedStores: those that only their recovery key opens afterwards.
    """

    stores: Count
    secrets: Count
    detached_stores: Count


@group.get("/master-key", admit=_server)
def master_key(actor: Actor) -> MasterKeyAnswer:
    """Read what renewing the master key would touch."""
    found = keys.plan_renewal(actor)
    return MasterKeyAnswer(stores=found["stores"], secrets=found["secrets"], detached_stores=found["detached"])


@group.post("/master-key/renewal", admit=_server, status=202)
def master_key_renew(actor: Actor) -> Created[TaskAnswer]:
    """Give the installation another master key and wrap all keys under it, as a task.

    This takes two people: where that rule is in force, ask with `POST /approvals` (`RenewMasterKey`).
    """
    task = submit(actor, keys.RENEW, NoArguments())
    return Created(present_task(task), f"/tasks/{task.pk}")
