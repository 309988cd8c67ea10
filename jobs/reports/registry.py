"""The sections of the status report: each app registers its own in `AppConfig.ready()`; this one imports no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from accounts.actors import Actor
from jobs.reports.blocks import Content
from jobs.reports.periods import Period, Text


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom a report is (they see only their part), and about which time."""

    actor: Actor
    period: Period


class Load(Protocol):
    """Answers what a section says, in the present language, with the right `VIEW_REPORTS`; None: nothing for them.

    It may take some seconds (a report is a task), writes nothing, and what it raises takes away its section only.
    """

    def __call__(self, asked: Asked, /) -> Content | None: ...


@dataclass(frozen=True, slots=True)
class Section:
    """One section. name: stays for ever; order: where it stands."""

    name: str
    title: Text
    load: Load
    order: int = 100


_sections: dict[str, Section] = {}


def register(section: Section) -> None:
    """Add a section. Raises: ValueError for a name that another section has."""
    known = _sections.get(section.name)
    if known is not None and known.load is not section.load:
        raise ValueError(f"the report has a section {section.name!r} already")
    _sections[section.name] = section


def sections() -> list[Section]:
    """All of them, in their order."""
    return sorted(_sections.values(), key=lambda each: (each.order, each.name))
