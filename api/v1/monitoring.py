"""The figures that programs watch: one by one, and all as OpenMetrics text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from django.http import Http404
from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Group
from api.schemas import Answer, Body
from api.v1 import subjects
from config.kit.monitoring import MEDIA, Reading, UnknownElement, exposition
from jobs import monitoring

group = Group("Monitoring", "The figures that programs watch: queues, stores, disks, people, health.")


class ElementAnswer(Answer):
    """A figure now."""

    id: str
    value: float
    kind: Literal["gauge", "counter"]
    help: str


class NextAnswer(Answer):
    """The id that follows."""

    id: str


class NextQuery(BaseModel):
    """Behind which id."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[str, Field(max_length=300, description="An id; empty for the first one.")] = ""


class ElementSet(Body):
    """INC adds the value, SET puts it there."""

    operation: Literal["SET", "INC"] = "SET"
    value: float


def _present(reading: Reading) -> ElementAnswer:
    return ElementAnswer(
        id=reading.id, value=float(reading.value), kind=reading.element.kind, help=reading.element.help
    )


@group.get("/server/elements", admit=subjects.server(Right.VIEW_HEALTH))
def element_list(actor: Actor, server: subjects.Server) -> list[ElementAnswer]:
    """List every figure with its value, by id."""
    return [_present(each) for each in monitoring.list_elements(actor)]


@group.get("/server/elements/next", admit=subjects.server(Right.VIEW_HEALTH))
def element_next(actor: Actor, server: subjects.Server, query: NextQuery) -> NextAnswer:
    """Walk through the figures: the id after one, the first one after an empty one.

    404 when there is none after it, or no figure of that id.
    """
    try:
        return NextAnswer(id=monitoring.get_next_name(actor, query.after))
    except UnknownElement as error:
        raise Http404("no element follows") from error


def _element(actor: Actor, element_id: str) -> Reading:
    actor.require(Right.VIEW_HEALTH)
    try:
        return monitoring.get_element(actor, element_id)
    except UnknownElement as error:
        raise Http404("no such element") from error


@group.get("/server/elements/{path:elementId}", admit=_element)
def element_detail(actor: Actor, reading: Reading) -> ElementAnswer:
    """Read a figure."""
    return _present(reading)


@group.put("/server/elements/{path:elementId}", admit=subjects.server(Right.MANAGE_SERVER))
def element_set(actor: Actor, server: subjects.Server, element_id: str, body: ElementSet) -> None:
    """Set a figure of one's own (`custom.…`), or add to it; it is made at its first use."""
    monitoring.set_element(actor, element_id, body.value, add=body.operation == "INC")


@group.delete("/server/elements/{path:elementId}", admit=subjects.server(Right.MANAGE_SERVER))
def element_delete(actor: Actor, server: subjects.Server, element_id: str) -> None:
    """Forget a figure of one's own."""
    monitoring.delete_element(actor, element_id)


@group.stream("/server/metrics", admit=subjects.server(Right.VIEW_HEALTH), media=MEDIA)
def server_metrics(actor: Actor, server: subjects.Server) -> Iterator[bytes]:
    """Read every figure as OpenMetrics text, as Prometheus does.

    With an access token that only reads and holds the right to see the server's health.
    """
    return (line.encode() for line in exposition())
