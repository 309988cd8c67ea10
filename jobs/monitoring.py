"""The monitoring elements for people and programs: reading them one by one, and setting those of one's own.

This app's own elements are here too. Source: GETSTATELEMENT, SETSTATELEMENT and GETNEXTSTATNAME of the CommuniGate Pro
CLI ("Custom" elements only may be set).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from config.kit import disks, health, monitoring
from config.kit.monitoring import CUSTOM, Element, Reading, UnknownElement, Value
from jobs.commands import About, command
from jobs.errors import BadArguments, BadValue
from jobs.models import Alert, CustomElement, Job, JobRun, Task
from jobs.running import TaskRun

Result = dict[str, object]
MOST_CUSTOM = 500
_CUSTOM_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_HEALTH = {"ok": 0, "warning": 1, "error": 2}


def register() -> None:
    """This app's elements, and those of the machine."""
    for element in (
        Element("tasks.tasks", "Tasks by state", _tasks, label="state"),
        Element("tasks.longest_wait_seconds", "Age of the oldest task that waits", _longest_wait, unit="seconds"),
        Element("jobs.enabled", "Jobs that are enabled", lambda: Job.objects.filter(is_enabled=True).count()),
        Element("jobs.failing", "Enabled jobs whose last run failed", _failing),
        Element("alerts.open", "Alerts that nobody acknowledged yet, by severity", _alerts, label="severity"),
        Element("people.accounts", "People with an account", _people),
        Element("health.state", "State of each part: 0 well, 1 warning, 2 error", _parts, label="component"),
        Element("disk.used_bytes", "Bytes used on a disk", _disk("used_bytes"), label="place", unit="bytes"),
        Element("disk.free_bytes", "Bytes free on a disk", _disk("free_bytes"), label="place", unit="bytes"),
        Element(f"{CUSTOM}.value", "What administrators keep themselves", _custom, label="name"),
    ):
        monitoring.register(element)


def list_elements(actor: Actor) -> list[Reading]:
    """Every element with its value, by id. Raises: Forbidden."""
    actor.require(Right.VIEW_HEALTH)
    return monitoring.readings()


def get_element(actor: Actor, element_id: str) -> Reading:
    """Raises: Forbidden, UnknownElement."""
    actor.require(Right.VIEW_HEALTH)
    return monitoring.read(_full_id(element_id))


def get_next_name(actor: Actor, element_id: str) -> str:
    """The id after this one; "" asks for the first. Raises: Forbidden, UnknownElement."""
    actor.require(Right.VIEW_HEALTH)
    return monitoring.following(_full_id(element_id))


def set_element(actor: Actor, name: str, value: float, *, add: bool = False) -> CustomElement:
    """Set an element of one's own, or add to it; it is made at its first use.

    Raises: Forbidden, BadValue (also for an element that isn't custom).
    """
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    name = _custom_name(name)
    if not math.isfinite(value):
        raise BadValue(_("A number, such as 12 or 0.5."), field="value")
    with transaction.atomic():
        row = CustomElement.objects.select_for_update().filter(name=name).first()
        if row is None:
            if CustomElement.objects.count() >= MOST_CUSTOM:
                raise BadValue(_("At most %(number)d elements of your own.") % {"number": MOST_CUSTOM})
            row = CustomElement(name=name, value=0)
        row.value = row.value + value if add else value
        row.updated_at, row.updated_by = timezone.now(), actor.label[:300]
        row.save()
        audit.record(actor, "element.set", row, value=row.value)
    return row


def delete_element(actor: Actor, name: str) -> None:
    """Forget an element of one's own; harmless for one that isn't there. Raises: Forbidden, BadValue."""
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    with transaction.atomic():
        row = CustomElement.objects.select_for_update().filter(name=_custom_name(name)).first()
        if row is not None:
            audit.record(actor, "element.delete", row)
            row.delete()


def reading_as_json(reading: Reading) -> Result:
    return {"id": reading.id, "value": reading.value, "kind": reading.element.kind, "help": reading.element.help}


def _custom_name(name: str) -> str:
    """`queue_len`, `custom.queue_len` or `custom.value[queue_len]`. Raises: BadValue."""
    full = _full_id(name.strip())
    inner = full.removeprefix(f"{CUSTOM}.value[").removesuffix("]") if "[" in full else full
    if not _CUSTOM_NAME.fullmatch(inner):
        text = _("Only elements of your own are set: letters, digits and underscores, such as custom.queue_length.")
        raise BadValue(text, field="name")
    return inner


def _full_id(element_id: str) -> str:
    """`custom.x` is short for `custom.value[x]`."""
    short = re.fullmatch(rf"{CUSTOM}\.([a-z][a-z0-9_]*)", element_id, re.IGNORECASE)
    if short is None or short[1].lower() == "value":
        return element_id
    return f"{CUSTOM}.value[{short[1].lower()}]"


# --- this app's own ------------------------------------------------------------------------------------------------


def _tasks() -> Mapping[str, Value]:
    found = Task.objects.filter(state__in=Task.ACTIVE).values_list("state").annotate(Count("pk"))
    return dict.fromkeys(map(str, Task.ACTIVE), 0) | dict(found)


def _longest_wait() -> float:
    oldest = Task.objects.filter(state=Task.State.WAITING).order_by("pk").values_list("created_at", flat=True).first()
    return 0.0 if oldest is None else round((timezone.now() - oldest).total_seconds(), 1)


def _failing() -> int:
    failed = (JobRun.State.FAILED, JobRun.State.INTERRUPTED)
    return Job.objects.filter(is_enabled=True, last_state__in=failed).count()


def _people() -> int:
    return User.objects.count()


def _alerts() -> Mapping[str, Value]:
    rows = Alert.objects.filter(acknowledged_at=None).values_list("severity").annotate(Count("pk"))
    return dict.fromkeys(Alert.Severity.values, 0) | dict(rows)


def _parts() -> Mapping[str, Value]:
    """Several reports may have one name; the worst counts."""
    found = Counter[str]()
    for report in health.run_all_in_english():
        found[str(report.name)] = max(found[str(report.name)], _HEALTH[report.state])
    return found


def _disk(field: str) -> monitoring.Read:
    return lambda: {disk.place: getattr(disk, field) for disk in disks.look()}


def _custom() -> Mapping[str, Value]:
    return {name: _whole(value) for name, value in CustomElement.objects.values_list("name", "value")}


def _whole(value: float) -> Value:
    return int(value) if value.is_integer() else value


# --- commands ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ElementArguments:
    """The id of an element."""

    object_id: Annotated[str, About(gettext_lazy("Element"))]


@dataclass(frozen=True, slots=True)
class NextElementArguments:
    """An id that was found already; nothing for the first one."""

    object_id: Annotated[str, About(gettext_lazy("Element"))] = ""


@dataclass(frozen=True, slots=True)
class SetElementArguments:
    """An element of one's own, and its value; INC adds it."""

    object_id: Annotated[str, About(gettext_lazy("Element"))]
    value: str
    operation: Annotated[str, About(choices={"SET": gettext_lazy("Set"), "INC": gettext_lazy("Add")})] = "SET"


@command(
    "GetStateElement", needs=Right.VIEW_HEALTH, arguments=ElementArguments, label=gettext_lazy("Monitoring element")
)
def get_state_element(actor: Actor, run: TaskRun, arguments: ElementArguments) -> Result:
    """Read a monitoring element."""
    try:
        return reading_as_json(get_element(actor, arguments.object_id))
    except UnknownElement as error:
        raise BadArguments(_("There is no element %(id)s.") % {"id": error}, field="object_id") from error


@command(
    "GetNextStateName",
    needs=Right.VIEW_HEALTH,
    arguments=NextElementArguments,
    label=gettext_lazy("Next monitoring element"),
)
def get_next_state_name(actor: Actor, run: TaskRun, arguments: NextElementArguments) -> Result:
    """Walk through the monitoring elements: the id after this one."""
    try:
        return {"id": get_next_name(actor, arguments.object_id)}
    except UnknownElement as error:
        raise BadArguments(_("There is no element after %(id)s.") % {"id": error}, field="object_id") from error


@command(
    "SetStateElement",
    needs=Right.MANAGE_SERVER,
    arguments=SetElementArguments,
    label=gettext_lazy("Change of a monitoring element"),
)
def set_state_element(actor: Actor, run: TaskRun, arguments: SetElementArguments) -> Result:
    """Set a monitoring element of one's own, or add to it."""
    try:
        value = float(arguments.value)
    except ValueError as error:
        raise BadArguments(_("A number, such as 12 or 0.5."), field="value") from error
    row = set_element(actor, arguments.object_id, value, add=arguments.operation.upper() == "INC")
    return {"id": str(row), "value": _whole(row.value)}
