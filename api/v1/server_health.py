"""The server's own parts: database, broker, workers, stores, and how each is now."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.errors import NotFound
from api.operations import Group
from api.schemas import Answer
from api.v1 import subjects
from config.kit import health

group = Group("Server health", "How the parts of this server are, looked at now.")


class Component(Answer):
    """One part."""

    name: str
    state: Literal["OK", "WARNING", "ERROR"]
    text: str
    facts: dict[str, str]
    needed: Annotated[bool, Field(description="Without it nothing works, and /healthz says 503.")]


@group.get("/server/health", admit=subjects.server(Right.VIEW_HEALTH))
def server_health(actor: Actor, server: subjects.Server) -> list[Component]:
    """How is every part of the server?

    `/healthz` answers without a token, and only whether the whole works.
    """
    return [_component(report) for report in health.run_all()]


def _named(actor: Actor, component_name: str) -> health.Report:
    actor.require(Right.VIEW_HEALTH)
    found = health.run_named(component_name)
    if not found:
        raise NotFound()
    return found[0]


@group.get("/server/health/{path:componentName}", admit=_named)
def server_health_component(actor: Actor, report: health.Report) -> Component:
    """How is one part of the server?

    Only that part is looked at. By its name as the list has it, or in English.
    """
    return _component(report)


def _component(report: health.Report) -> Component:
    facts = {str(name): str(value) for name, value in report.facts.items()}
    return Component(
        name=str(report.name),
        state=report.state.upper(),  # type: ignore[arg-type]
        text=str(report.text),
        facts=facts,
        needed=report.needed,
    )
