"""The log: what it keeps in general and of single parts, and lines of one's own.

A module's `LogLevel` is the level of the parts that do its work here; `Parts` in the settings of the log names them
all: {LogLevel=4;Parts={gateway=5;};}. Levels are numbers (1 errors, 3 warnings, 4 notes, 5 everything) or words. What a
module says beside that is kept and given back.
"""

from __future__ import annotations

from typing import Any

from accounts.permissions import Right
from accounts.scopes import SERVER
from api.communigate import keeping
from api.communigate.context import Context
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.keeping import DEFAULT, Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, command, done
from jobs import logs

LEVEL, PARTS = "LogLevel", "Parts"
_GENERAL = {LEVEL: "level", "KeepDays": "days", "KeepMegabytes": "megabytes"}
MODULES: dict[str, tuple[str, ...]] = {  # the parts of the log that do a module's work here
    "SMTP": ("gateway", "delivery"),
    "LOCAL": ("archive",),
    "LIST": (),
    "RPOP": (),
    "RIMAP": (),
    "HTTPA": ("pages", "api"),
    "HTTPU": ("pages",),
    "PWD": ("dialects",),
}


def write_log(context: Context, arguments: Arguments) -> Data:
    logs.write_log(context.actor, str(arguments["level"]), arguments["text"])
    return done()


def log_all(context: Context, arguments: Arguments) -> Data:
    logs.set_log_everything(context.actor, arguments.get("state") != "OFF")
    return done()


def log_settings(context: Context, arguments: Arguments) -> Data:
    found = logs.get_log_settings(context.actor)
    own: Dictionary = {key: str(getattr(found, field)) for key, field in _GENERAL.items()}
    if found.parts:
        own[PARTS] = dict(found.parts)
    return {**keeping.kept("log"), **own}


def update_log_settings(context: Context, arguments: Arguments) -> Data:
    values = arguments["settings"]
    given: dict[str, Any] = {}
    for key, field in _GENERAL.items():
        if values.get(key, DEFAULT) == DEFAULT:
            continue
        text = str(values[key])
        if field != "level" and not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise Refused(501, f"{key}: a number is expected")
        given[field] = text if field == "level" else int(text)
    if PARTS in values:
        if not isinstance(values[PARTS], dict):
            raise Refused(501, f"{PARTS}: a dictionary of levels is expected")
        given["parts"] = {part: _level(level) for part, level in values[PARTS].items()}
    logs.set_log_settings(context.actor, **given)
    others = {key: value for key, value in values.items() if key not in _GENERAL and key != PARTS}
    if others:
        keeping.keep(context.actor, "log", None, others, replace=False)
    return done()


def _level(value: Value) -> str | None:
    """None: as the log in general."""
    return None if value is None or value == DEFAULT else str(value)


# --- modules ----------------------------------------------------------------------------------------------------------


def list_modules(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.MANAGE_SERVER, SERVER)
    return list(MODULES)


def _module(context: Context, arguments: Arguments) -> str:
    context.actor.require(Right.MANAGE_SERVER, SERVER)
    name = str(arguments["name"]).upper()
    if name not in MODULES:
        raise Refused(501, f"there is no module {arguments['name']}")
    return name


def get_module(context: Context, arguments: Arguments) -> Data:
    name = _module(context, arguments)
    found = keeping.kept(f"module {name}")
    levels = logs.get_log_settings(context.actor).parts
    own = next((levels[part] for part in MODULES[name] if part in levels), None)
    return found if own is None else {**found, LEVEL: own}


def _set(context: Context, arguments: Arguments, *, replace: bool) -> Data:
    name = _module(context, arguments)
    values = dict(arguments["settings"])
    if MODULES[name] and (replace or LEVEL in values):
        level = _level(values.pop(LEVEL, None))
        logs.set_log_settings(context.actor, parts=dict.fromkeys(MODULES[name], level))
    keeping.keep(context.actor, f"module {name}", None, values, replace=replace)
    return done()


def set_module(context: Context, arguments: Arguments) -> Data:
    return _set(context, arguments, replace=True)


def update_module(context: Context, arguments: Arguments) -> Data:
    return _set(context, arguments, replace=False)


COMMANDS: list[Command] = [
    command("WRITELOG", "level text…", write_log, "Write a line into the log"),
    command("SETLOGALL", "[ ON|OFF:state ]", log_all, "Keep every detail in the log, or what is usual"),
    command("GETLOGSETTINGS", "", log_settings, "Read what the log keeps", reads=True),
    command("UPDATELOGSETTINGS", "settings{}", update_log_settings, "Change what the log keeps"),
    command("LISTMODULES", "", list_modules, "List the server's parts", reads=True),
    command("GETMODULE", "name", get_module, "Read a part's level in the log, and what is kept about it", reads=True),
    command("SETMODULE", "name settings{}", set_module, "Set a part's level in the log; keep what else is said of it"),
    command("UPDATEMODULE", "name settings{}", update_module, "Change a part's level in the log, and what is kept"),
]
