"""How the parts of the server are, by name, from a shell and a schedule.

Source: GET /healthcheck and /healthcheck/checks/{componentName} of the Apache James WebAdmin API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import health
from jobs.commands import About, command
from jobs.errors import BadArguments, JobsError
from jobs.running import TaskRun


class UnknownComponent(LookupError):
    """No component has this name."""


class NotWell(JobsError):
    """Some part doesn't work; `result` says which."""

    permanent = False

    def __init__(self, text: str, result: dict[str, object]) -> None:
        super().__init__(text)
        self.result = result


@dataclass(frozen=True, slots=True)
class CheckHealthArguments:
    """The name of a component; without one all of them."""

    component: Annotated[str, About(gettext_lazy("Component"))] = ""


def check_component(actor: Actor, name: str) -> list[health.Report]:
    """How one component is now. Raises: Forbidden, UnknownComponent."""
    actor.require(Right.VIEW_HEALTH)
    found = health.run_named(name.strip())
    if not found:
        raise UnknownComponent(name)
    return found


@command(
    "CheckHealth", needs=Right.VIEW_HEALTH, arguments=CheckHealthArguments, label=gettext_lazy("Check of the server")
)
def check_health(actor: Actor, run: TaskRun, arguments: CheckHealthArguments) -> dict[str, object]:
    """Look at every part of the server, or one; it fails when one doesn't work."""
    actor.require(Right.VIEW_HEALTH)
    try:
        reports = check_component(actor, arguments.component) if arguments.component else health.run_all()
    except UnknownComponent as error:
        known = ", ".join(health.names())
        text = _("There is no component %(name)s; there are: %(known)s.")
        raise BadArguments(text % {"name": arguments.component, "known": known}, field="component") from error
    found = [
        {
            "component": str(report.name),
            "state": report.state,
            "text": str(report.text),
            "facts": {str(key): str(value) for key, value in report.facts.items()},
        }
        for report in reports
    ]
    result: dict[str, object] = {"components": found, "well": all(report.state == "ok" for report in reports)}
    broken = [str(report.name) for report in reports if report.state == "error"]
    if broken:
        text = ngettext("%(names)s doesn't work", "These don't work: %(names)s", len(broken))
        raise NotWell(text % {"names": ", ".join(broken)}, result)
    return result
