"""Whose mail a store holds, and giving away what is nobody's here, for programs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.actors import Actor
from api.operations import Created, Group
from api.schemas import Answer, Body, Id
from api.v1.stores import store
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from archive import storefacts
from archive.models import Store
from archive.services import unclaimed
from archive.services.unclaimed import GiveArguments
from jobs.services import submit

group = Group("Mail of stores", "Whose mail lies in a store, and giving away what is nobody's here.")


class OwnerAnswer(Answer):
    """Whose mail lies in a store: how much, and whether that is nobody here."""

    owner: Id
    address: str
    folders: int
    messages: int
    is_nobodys: Annotated[bool, Field(description="No archive here shows it; it can be given away.")]


class GiveBody(Body):
    owner: Annotated[int, Field(ge=1, lt=1 << 53)]
    user_name: (
        Annotated[
            str,
            Field(max_length=320, description="All of it to this mailbox. Without: each message to those it names."),
        ]
        | None
    ) = None


@group.get("/stores/{int:storeId}/mailboxes", admit=store)
def store_mailboxes(actor: Actor, found: Store) -> list[OwnerAnswer]:
    """List whose mail a store holds, with counts; most first."""
    lines = storefacts.list_mailboxes(found)
    return [
        OwnerAnswer(
            owner=each.number, address=each.address, folders=each.folders, messages=each.messages,
            is_nobodys=each.is_nobodys,
        )
        for each in lines
    ]  # fmt: skip


@group.post("/stores/{int:storeId}/giving", admit=store, status=202)
def store_give(actor: Actor, found: Store, body: GiveBody) -> Created[TaskAnswer]:
    """Give mail that is nobody's here to the mailboxes it names, as a task.

    All of it to one mailbox takes two people: where that rule is in force, ask with `POST /approvals`
    (`GiveUnclaimedMail`).
    """
    task = submit(actor, unclaimed.COMMAND, GiveArguments(found.pk, body.owner, body.user_name))
    return Created(present_task(task), f"/tasks/{task.pk}")
