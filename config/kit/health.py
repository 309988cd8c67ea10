"""The registry of health checks: each app says how its parts are, the health page and `/healthz` ask them all.

Not for history or alerts. A check is quick (it answers within a request) and never changes anything.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable
from typing import Literal

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

State = Literal["ok", "warning", "error"]
Text = str | Promise
logger = logging.getLogger("postkeep.health")


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """How one component is. `name` is only needed where one check reports on several (each store)."""

    state: State
    text: Text = ""
    facts: dict[str, str] = dataclasses.field(default_factory=dict)
    needed: bool = False
    name: Text = ""


Check = Callable[[], Report | Iterable[Report]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Registered:
    name: Text
    check: Check
    needed: bool


_checks: list[_Registered] = []


def register(name: Text, check: Check, *, needed: bool = False) -> None:
    """Add a component to the health page; with `needed`, `/healthz` says 503 while its state is "error"."""
    entry = _Registered(name, check, needed)
    if entry not in _checks:
        _checks.append(entry)


def run_all() -> list[Report]:
    """Every component, in the order of registration, each with its name."""
    return [report for entry in _checks for report in _run(entry)]


def run_all_in_english() -> list[Report]:
    """The same with the names that stand for the parts everywhere: in metrics, addresses and commands."""
    with translation.override("en"):
        return [dataclasses.replace(report, name=str(report.name), text=str(report.text)) for report in run_all()]


def names() -> list[str]:
    """What can be asked for by name: the registered components, in English."""
    with translation.override("en"):
        return [str(entry.name) for entry in _checks]


def run_named(name: str) -> list[Report]:
    """The components of this name, in the reader's language or in English; [] where there is none."""
    wanted = name.casefold()
    entries = [entry for entry in _checks if wanted in _names(entry.name)]
    reports = [report for entry in entries or _checks for report in _run(entry)]
    return reports if entries else [report for report in reports if wanted in _names(report.name)]


def _names(text: Text) -> set[str]:
    with translation.override("en"):
        english = str(text).casefold()
    return {english, str(text).casefold()}


def all_needed_answer() -> bool:
    """Whether the whole works; asks only the needed components and stops at the first that doesn't."""
    return all(report.state != "error" for entry in _checks if entry.needed for report in _run(entry))


def _run(entry: _Registered) -> list[Report]:
    """A check that raises is a component in error; the details are for the log, not for the page."""
    try:
        result = entry.check()
        reports = [result] if isinstance(result, Report) else list(result)
    except Exception:
        logger.exception("the health check %s failed", entry.name)
        reports = [Report("error", _("does not answer"))]
    return [dataclasses.replace(report, name=report.name or entry.name, needed=entry.needed) for report in reports]
