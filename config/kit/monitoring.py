"""The figures that programs watch: each app registers its elements, one registry reads them all.

    monitoring.register(Element("tasks.waiting", "Tasks that wait for a worker", waiting))
    monitoring.register(Element("store.messages", "Messages in a store", by_store, label="store"))

An element is a number now, or several by one label. Elements are walked by id (`store.messages[Main]`, sorted), as
SNMP does, or all written down as OpenMetrics text. Reading one is quick and changes nothing; what raises is left out
and stands in the log.

Source: OpenMetrics 1.0 (github.com/OpenObservability/OpenMetrics), §3 and §4; GETSTATELEMENT and GETNEXTSTATNAME of
the CommuniGate Pro CLI.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

logger = logging.getLogger("postkeep.monitoring")

Value = int | float
Read = Callable[[], Value | Mapping[str, Value] | None]
Kind = Literal["gauge", "counter"]
MEDIA = "application/openmetrics-text; version=1.0.0"
PREFIX = "postkeep"
CUSTOM = "custom"
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True)
class Element:
    """One figure, or one for each value of a label. help: English, one line. unit: bytes or seconds, the name's end.

    kind: a counter only grows (until it is reset).
    """

    name: str
    help: str
    read: Read
    kind: Kind = "gauge"
    label: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """An element's value now; id is what it is asked for by."""

    id: str
    element: Element
    labelled: str
    value: Value


class UnknownElement(LookupError):
    """There is no element of this id, or none after it."""


_elements: dict[str, Element] = {}


def register(element: Element) -> None:
    """Add an element. Raises: ValueError for a name that can't be one, or that another has."""
    if not _NAME.fullmatch(element.name) or (element.unit and not element.name.endswith(f"_{element.unit}")):
        raise ValueError(f"{element.name!r} is no name of an element")
    known = _elements.get(element.name)
    if known is not None and known.read is not element.read:
        raise ValueError(f"the element {element.name} is registered twice")
    _elements[element.name] = element


def elements() -> list[Element]:
    """All of them, by name."""
    return [_elements[name] for name in sorted(_elements)]


def readings() -> list[Reading]:
    """Every figure now, by id."""
    return sorted((reading for element in elements() for reading in _read(element)), key=lambda each: each.id)


def read(element_id: str) -> Reading:
    """One of them. Raises: UnknownElement."""
    name, _, labelled = element_id.removesuffix("]").partition("[")
    element = _elements.get(name)
    found = [] if element is None else [each for each in _read(element) if each.labelled == labelled]
    if not found:
        raise UnknownElement(element_id)
    return found[0]


def following(element_id: str) -> str:
    """The id after this one, the first one after "". Raises: UnknownElement: for one that isn't there, and the last."""
    ids = [each.id for each in readings()]
    if element_id and element_id not in ids:
        raise UnknownElement(element_id)
    at = bisect_right(ids, element_id) if element_id else 0
    if at >= len(ids):
        raise UnknownElement(element_id)
    return ids[at]


def exposition() -> Iterator[str]:
    """Everything as OpenMetrics text, family by family, with its end."""
    for element in elements():
        lines = _read(element)
        if not lines:
            continue
        name = f"{PREFIX}_{element.name.replace('.', '_')}"
        yield f"# TYPE {name} {element.kind}\n"
        if element.unit:
            yield f"# UNIT {name} {element.unit}\n"
        yield f"# HELP {name} {_escaped(element.help)}\n"
        suffix = "_total" if element.kind == "counter" else ""
        for line in lines:
            labels = f'{{{element.label}="{_escaped(line.labelled, quotes=True)}"}}' if element.label else ""
            yield f"{name}{suffix}{labels} {line.value}\n"
    yield "# EOF\n"


def _read(element: Element) -> list[Reading]:
    try:
        found = element.read()
    except Exception:
        logger.exception("the element %s can't be read", element.name)
        return []
    if found is None:
        return []
    if isinstance(found, Mapping):
        return [Reading(f"{element.name}[{key}]", element, key, value) for key, value in sorted(found.items())]
    return [Reading(element.name, element, "", found)]


def _escaped(text: str, *, quotes: bool = False) -> str:
    clean = text.replace("\\", r"\\").replace("\n", r"\n")
    return clean.replace('"', r"\"") if quotes else clean
