"""The server's log for people: searching it, writing a line, and how much of it is kept.

Where the lines lie and how they get there is `config.kit.logbook`. Source of the commands' purposes: WRITELOG,
SETLOGALL, GETLOGSETTINGS and UPDATELOGSETTINGS of the CommuniGate Pro CLI.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.models import AuditEvent
from accounts.permissions import Right, Text
from config.kit import clock, log_search, logbook
from config.kit.log_search import Found, LogLine, Wanted
from config.kit.logbook import LogSettings
from jobs.commands import About, JsonObject, NoArguments, command
from jobs.errors import BadArguments, BadValue
from jobs.running import TaskRun

Result = dict[str, object]
logger = logging.getLogger("postkeep.system")
TIDY_EVERY_S = 600.0
LONGEST = 2_000
LEVEL_WORDS: dict[str, Text] = {
    "debug": gettext_lazy("Everything"),
    "info": gettext_lazy("Notes"),
    "warning": gettext_lazy("Warnings"),
    "error": gettext_lazy("Errors"),
}
PART_WORDS: dict[str, Text] = {
    "accounts": gettext_lazy("People and signing in"),
    "jobs": gettext_lazy("Jobs, tasks, reports and alerts"),
    "archive": gettext_lazy("Archive and index"),
    "gateway": gettext_lazy("Gateway (mail coming in)"),
    "delivery": gettext_lazy("Delivery (mail going out)"),
    "api": gettext_lazy("API"),
    "dialects": gettext_lazy("Dialects"),
    "pages": gettext_lazy("Pages"),
    "server": gettext_lazy("The server itself"),
    "libraries": gettext_lazy("Libraries that others wrote"),
}
GOES_ON_H = 12  # for so long somebody goes on in a search that the trail has
# CommuniGate's numbers, from the worst to the smallest detail.
_NUMBERS = {"1": "error", "2": "error", "3": "warning", "4": "info", "5": "debug"}


def register() -> None:
    """The clock keeps the log within its bounds."""
    clock.register_chore(TIDY_EVERY_S, "keep the log within its bounds", logbook.tidy)


def search_log(actor: Actor, wanted: Wanted, *, limit: int = log_search.LIMIT) -> Found:
    """The newest lines that fit. Searching for words is noted in the audit trail, going on in it isn't.

    Raises: Forbidden, BadValue.
    """
    actor.require(Right.VIEW_LOGS)
    if wanted.level and wanted.level not in logbook.LEVELS:
        raise BadValue(_("There is no such level."), field="level")
    if not 1 <= limit <= log_search.LIMIT_MAX:
        raise BadValue(
            _("From %(least)d to %(most)d lines.") % {"least": 1, "most": log_search.LIMIT_MAX}, field="limit"
        )
    if (wanted.text or wanted.request) and not (wanted.after and _searched_lately(actor, wanted)):
        audit.record(actor, "log.search", None, text=wanted.text[:300], request=wanted.request[:40])
    return log_search.search(wanted, limit=limit)


def _searched_lately(actor: Actor, wanted: Wanted) -> bool:
    """Whether this search is one that the trail has: a place to go on from alone proves nothing."""
    said = {"details__text": wanted.text[:300], "details__request": wanted.request[:40]}
    since = timezone.now() - timedelta(hours=GOES_ON_H)
    return AuditEvent.objects.filter(actor=actor.user, action="log.search", at__gte=since, **said).exists()


def write_log(actor: Actor, level: str, text: str) -> None:
    """Put a line of one's own into the log. Raises: Forbidden, BadValue."""
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    level = read_level(level)
    line = " ".join(text.replace("\0", " ").split())
    if not line or len(line) > LONGEST:
        raise BadValue(_("A line of 1 to %(most)d characters.") % {"most": LONGEST}, field="text")
    numbers = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
    logger.log(numbers[level], "%s: %s", actor.label, line)
    audit.record(actor, "log.write", None, level=level)


def get_log_settings(actor: Actor) -> LogSettings:
    """Raises: Forbidden."""
    actor.require(Right.VIEW_LOGS)
    return logbook.read_settings()


def set_log_settings(
    actor: Actor,
    *,
    level: str | None = None,
    days: int | None = None,
    megabytes: int | None = None,
    parts: Mapping[str, str | None] | None = None,
) -> LogSettings:
    """Change what is kept; every process follows within seconds.

    parts: levels of single parts (keys of `logbook.PARTS`); None or "" lets one follow the general level again, and
    those that aren't named stay. Raises: Forbidden, BadValue.
    """
    actor.require(Right.MANAGE_SERVER)
    actor.require_writing()
    before = logbook.read_settings()
    given: dict[str, object] = {
        "level": None if level is None else read_level(level),
        "days": days,
        "megabytes": megabytes,
        "parts": None if parts is None else _parts(before.parts, parts),
    }
    after = replace(before, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    _check(after.days, 1, logbook.DAYS_MAX, "days")
    _check(after.megabytes, logbook.MEGABYTES_LEAST, logbook.MEGABYTES_MAX, "megabytes")
    changes = {
        name: (old, new) for (name, old), new in zip(asdict(before).items(), asdict(after).values(), strict=True)
        if old != new
    }  # fmt: skip
    if changes:
        logbook.write_settings(after)
        audit.record(actor, "log.settings", None, changes=changes)
        logbook.tidy(after)
    return after


def set_log_everything(actor: Actor, enabled: bool) -> LogSettings:
    """Keep every detail of every part, or what is usual again. Raises: Forbidden."""
    level = "debug" if enabled else logbook.USUAL.level
    return set_log_settings(actor, level=level, parts=dict.fromkeys(logbook.PARTS))


def _parts(before: Mapping[str, str], given: Mapping[str, str | None]) -> dict[str, str]:
    """Raises: BadValue."""
    found = dict(before)
    for name, level in given.items():
        if name not in logbook.PARTS:
            known = ", ".join(logbook.PARTS)
            raise BadValue(_("The part is one of: %(known)s.") % {"known": known}, field="parts")
        if level is None or level == "":
            found.pop(name, None)
            continue
        if not isinstance(level, str):
            raise BadValue(_("A level is a word."), field="parts")
        try:
            found[name] = read_level(level)
        except BadValue as error:
            raise BadValue(str(error), field="parts") from error
    return dict(sorted(found.items()))


def read_level(text: str) -> str:
    """A level by its name, or by CommuniGate's number. Raises: BadValue."""
    level = _NUMBERS.get(text.strip(), text.strip().lower())
    if level not in logbook.LEVELS:
        known = ", ".join(logbook.LEVELS)
        raise BadValue(_("The level is one of: %(known)s, or a number from 1 to 5.") % {"known": known}, field="level")
    return level


def line_as_json(line: LogLine) -> Result:
    found: Result = {**asdict(line), "at": line.at.isoformat()}
    del found["place"]
    return found


def _check(value: int, least: int, most: int, field: str) -> None:
    if not least <= value <= most:
        raise BadValue(_("From %(least)d to %(most)d.") % {"least": least, "most": most}, field=field)


# --- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SearchLogArguments:
    """What must fit: words, at least a level, a request's id, a process, a time (ISO 8601, UTC without a zone)."""

    text: str = ""
    level: Annotated[str, About(choices={"": gettext_lazy("Any"), **LEVEL_WORDS})] = ""
    request: str = ""
    part: str = ""
    since: str | None = None
    before: str | None = None
    limit: Annotated[int, About(least=1, most=log_search.LIMIT_MAX)] = log_search.LIMIT


@dataclass(frozen=True, slots=True)
class WriteLogArguments:
    """The level (a name, or 1 to 5), and the line."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class LogSettingsArguments:
    """What is left out stays."""

    level: Annotated[str | None, About(gettext_lazy("Level"), choices=LEVEL_WORDS)] = None
    days: Annotated[int | None, About(gettext_lazy("Days"), least=1, most=logbook.DAYS_MAX)] = None
    megabytes: Annotated[int | None, About(gettext_lazy("Megabytes"), least=logbook.MEGABYTES_LEAST)] = None
    parts: Annotated[
        JsonObject | None, About(gettext_lazy("Levels of parts"), gettext_lazy('Such as {"gateway": "debug"}.'))
    ] = None


@dataclass(frozen=True, slots=True)
class LogEverythingArguments:
    """Whether every detail is kept."""

    enabled: bool


@command(
    "SearchLog", needs=Right.VIEW_LOGS, arguments=SearchLogArguments, label=gettext_lazy("Search in the server's log")
)
def search_log_command(actor: Actor, run: TaskRun, arguments: SearchLogArguments) -> Result:
    """Search the server's own log, newest lines first."""
    wanted = Wanted(
        text=arguments.text,
        level=arguments.level,
        request=arguments.request,
        part=arguments.part,
        since=_moment(arguments.since, "since"),
        before=_moment(arguments.before, "before"),
    )
    found = search_log(actor, wanted, limit=arguments.limit)
    return {"lines": [line_as_json(line) for line in found.lines], "complete": not found.more}


@command("WriteLog", needs=Right.MANAGE_SERVER, arguments=WriteLogArguments, label=gettext_lazy("Line for the log"))
def write_log_command(actor: Actor, run: TaskRun, arguments: WriteLogArguments) -> Result:
    """Put a line into the server's own log."""
    write_log(actor, arguments.level, arguments.text)
    return {"written": True}


@command("GetLogSettings", needs=Right.VIEW_LOGS, arguments=NoArguments, label=gettext_lazy("Settings of the log"))
def get_log_settings_command(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Read what the server's log keeps, and how long."""
    return asdict(get_log_settings(actor))


@command(
    "SetLogSettings", needs=Right.MANAGE_SERVER, arguments=LogSettingsArguments, label=gettext_lazy("Change of the log")
)
def set_log_settings_command(actor: Actor, run: TaskRun, arguments: LogSettingsArguments) -> Result:
    """Change what the server's log keeps, and how long."""
    changed = set_log_settings(
        actor, level=arguments.level, days=arguments.days, megabytes=arguments.megabytes, parts=arguments.parts
    )
    return asdict(changed)


@command(
    "SetLogEverything",
    needs=Right.MANAGE_SERVER,
    arguments=LogEverythingArguments,
    label=gettext_lazy("Every detail in the log"),
)
def set_log_everything_command(actor: Actor, run: TaskRun, arguments: LogEverythingArguments) -> Result:
    """Keep every detail in the log, or what is usual again."""
    return asdict(set_log_everything(actor, arguments.enabled))


def _moment(text: str | None, field: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadArguments(_("A date and time, such as 2026-01-31T02:30:00."), field=field) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
