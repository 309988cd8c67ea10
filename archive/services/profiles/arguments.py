"""What the commands of profiles take. Names and meaning are those archive programs know them by.

Source: the MailStore administration API, "Archiving and exporting profiles".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext_lazy as _

from jobs.commands import About, SecretObject

Number = Annotated[int, About(_("Number"), least=1)]


@dataclass(frozen=True, slots=True)
class RawArguments:
    """Only `true` is supported."""

    raw: bool


@dataclass(frozen=True, slots=True)
class PropertiesArguments:
    """A profile as GetProfiles gives it, without `id` and `version`, with its passwords."""

    properties: SecretObject
    raw: bool


@dataclass(frozen=True, slots=True)
class ChangeArguments:
    """Which profile, and what becomes different; passwords that aren't named stay."""

    id: Number
    properties: SecretObject
    raw: bool


@dataclass(frozen=True, slots=True)
class ProfileArguments:
    """Which profile."""

    id: Number


@dataclass(frozen=True, slots=True)
class AutomaticRunArguments:
    """Which profile; the clock asks."""

    id: Number


@dataclass(frozen=True, slots=True)
class ExecutionArguments:
    """On takes a pause in seconds; the window is a span such as 22:00-04:00 in which it doesn't run."""

    id: Number
    automatic: bool
    automatic_pause_between_executions: int | None = None
    automatic_maintenance_windows: str | None = None


@dataclass(frozen=True, slots=True)
class ResultsArguments:
    """A time range, whose start belongs to it and whose end doesn't, in a time zone (`$Local`: the server's)."""

    from_including: str
    to_excluding: str
    time_zone_id: str
    profile_id: int | None = None
    user_name: str | None = None


@dataclass(frozen=True, slots=True)
class ResultArguments:
    """Which result."""

    id: Number
