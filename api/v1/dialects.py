"""The interfaces of other systems: which there are, which are on, who may call them, and their last calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.dialects import addresses, calls, settings
from api.dialects.registry import Dialect, find, known
from api.errors import NotFound
from api.operations import Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects

group = Group("Dialects", "Interfaces of other mail systems, for scripts that were written for them.")


class DialectUpdate(Body):
    """What is left out stays."""

    is_on: bool | None = None
    clients: (
        Annotated[
            list[str], Field(max_length=100, description="Addresses and networks; none: those of the environment.")
        ]
        | None
    ) = None
    options: Annotated[dict[str, str], Field(description="Settings of the dialect's own.")] | None = None


class DialectAnswer(Answer):
    """A dialect and how it is set."""

    name: str
    label: str
    addresses: list[str]
    is_on: bool
    is_on_by_environment: bool
    clients: list[str]
    options: dict[str, str]
    operations: Annotated[int, Field(description="How many it has.")]
    operations_refused: Annotated[int, Field(description="How many of them are answered with a clear no.")]


class DialectOperation(Answer):
    """One operation, and why it is refused; "" where it works."""

    operation: str
    about: str
    refused: str


class DialectCall(Answer):
    """A call that was answered lately."""

    at: Moment
    actor: str
    operation: str
    result: str
    is_good: bool
    client: str
    took_ms: int


def _dialect(actor: Actor, name: str) -> Dialect:
    actor.require(Right.MANAGE_SERVER)
    found = find(name)
    if found is None:
        raise NotFound()
    return found


def _present(dialect: Dialect) -> DialectAnswer:
    state, operations = settings.state(dialect), dialect.operations()
    return DialectAnswer(
        name=dialect.name,
        label=dialect.label,
        addresses=addresses.of(dialect),
        is_on=state.is_on,
        is_on_by_environment=state.by_environment,
        clients=state.clients,
        options=state.options,
        operations=len(operations),
        operations_refused=sum(bool(each.refused) for each in operations),
    )


@group.get("/server/dialects", admit=subjects.server(Right.MANAGE_SERVER))
def dialect_list(actor: Actor, server: subjects.Server) -> list[DialectAnswer]:
    """List the dialects."""
    return [_present(dialect) for dialect in known()]


@group.get("/server/dialects/{name}", admit=_dialect)
def dialect_detail(actor: Actor, dialect: Dialect) -> DialectAnswer:
    """Read how a dialect is set."""
    return _present(dialect)


@group.patch("/server/dialects/{name}", admit=_dialect)
def dialect_change(actor: Actor, dialect: Dialect, body: DialectUpdate) -> None:
    """Switch a dialect on or off, or set who may call it."""
    settings.set_dialect(actor, dialect, is_on=body.is_on, clients=body.clients, options=body.options)


@group.get("/server/dialects/{name}/operations", admit=_dialect)
def dialect_operations(actor: Actor, dialect: Dialect) -> list[DialectOperation]:
    """List the operations of a dialect, with how each is answered."""
    return [
        DialectOperation(operation=each.name, about=each.about, refused=each.refused) for each in dialect.operations()
    ]


@group.get("/server/dialects/{name}/calls", admit=_dialect)
def dialect_calls(actor: Actor, dialect: Dialect) -> list[DialectCall]:
    """List the last calls of a dialect, the newest first."""
    return [
        DialectCall(
            at=datetime.fromtimestamp(each.at, UTC),
            actor=each.actor,
            operation=each.operation,
            result=each.result,
            is_good=each.is_good,
            client=each.client,
            took_ms=each.took_ms,
        )
        for each in calls.last(dialect.name)
    ]
