"""Directory units. A remote unit is a source of sign-ins of the server: its server, where to search in it, and who
searches are the source's. A local unit, and a remote one that nobody said the server of, are kept and given back:
people are in the database here.

Settings that count: Server, Port, Security (tls, starttls, none), BindDN, BindPassword (set, never given back),
CreatePeople. A unit's mount point is where its source searches.
"""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet

from accounts.models import Source
from accounts.permissions import CONFIGURING
from accounts.scopes import SERVER
from accounts.selectors.sources import list_sources
from accounts.services.sources import create_source, delete_source, update_source
from accounts.sources.kinds import Kind
from api.communigate import keeping
from api.communigate.context import Context, is_yes, text_of
from api.communigate.grammar import Arguments
from api.communigate.keeping import Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, command, done

UNITS = "directoryunits"
MOUNT, REMOTE, KIND, CREATES = "MountPoint", "Remote", "Kind", "CreatePeople"
SERVER_KEY, SECRET = "Server", "BindPassword"
_OURS = {SERVER_KEY: "host", "Port": "port", "Security": "security", "BindDN": "bind_dn"}
_TOLD = (MOUNT, REMOTE, KIND)  # facts of a unit that are no settings
MOST_UNITS = 100


def _require(context: Context, arguments: Arguments) -> None:
    if "shared" in arguments:
        raise Refused(501, "not supported: there are no clusters of servers here")
    for right in sorted(CONFIGURING):
        context.actor.require(right, SERVER)


def _sources(context: Context) -> QuerySet[Source]:
    return list_sources(context.actor).filter(level=SERVER.level)


def _source(context: Context, name: str) -> Source | None:
    return _sources(context).filter(name=name).first()


def _kept() -> dict[str, Dictionary]:
    return cast("dict[str, Dictionary]", keeping.kept(UNITS))


def _keep(context: Context, name: str, unit: Dictionary | None) -> None:
    keeping.keep(context.actor, UNITS, None, {name: unit}, replace=False)


def _find(context: Context, arguments: Arguments) -> tuple[str, Source | None, Dictionary | None]:
    """(name, its source, what is kept of it). Raises: Refused (there is none)."""
    _require(context, arguments)
    name = arguments["unit"]
    source, kept = _source(context, name), _kept().get(name)
    if source is None and kept is None:
        raise Refused(501, f"there is no unit {name[:60]}, and no source {name[:60]} of the server")
    return name, source, kept


def list_units(context: Context, arguments: Arguments) -> Data:
    """Mount point: name. Of a source made at its page its name stands in both places."""
    _require(context, arguments)
    kept = _kept()
    found: Dictionary = {each.name: each.name for each in _sources(context) if each.name not in kept}
    return {**found, **{text_of(unit.get(MOUNT), MOUNT) or name: name for name, unit in kept.items()}}


def create_unit(context: Context, arguments: Arguments) -> Data:
    _require(context, arguments)
    name, mount, present = arguments["unit"], arguments["mount"], _kept()
    if not name or len(name) > 100 or not name.isprintable() or not mount:
        raise Refused(501, "this is no name")
    if name in present or _source(context, name) is not None:
        raise Refused(501, "there is a unit of this name already")
    if any(unit.get(MOUNT) == mount for unit in present.values()):
        raise Refused(501, "there is a unit at this mount point already")
    if len(present) >= MOST_UNITS:
        raise Refused(501, f"there are {MOST_UNITS} units already")
    _keep(context, name, {MOUNT: mount, REMOTE: "YES" if "remote" in arguments else "NO"})
    return done()


def relocate_unit(context: Context, arguments: Arguments) -> Data:
    name, source, kept = _find(context, arguments)
    if source is not None and source.kind_of.is_directory:
        update_source(context.actor, source, {"settings": {"base_dn": arguments["mount"]}})
    elif source is not None:
        raise Refused(501, "this source is no directory: it has no mount point")
    if kept is not None:
        _keep(context, name, {**kept, MOUNT: arguments["mount"]})
    return done()


def get_unit(context: Context, arguments: Arguments) -> Data:
    """Its secret stays on its page."""
    _name, source, kept = _find(context, arguments)
    found = keeping.without(kept or {}, (SECRET,))
    if source is None:
        return found
    found |= {KIND: source.kind, CREATES: "YES" if source.creates_people else "NO"}
    if kept is not None:
        found |= {key: str(source.settings.get(field, "")) for key, field in _OURS.items()}
    return found


def set_unit(context: Context, arguments: Arguments) -> Data:
    """With a Server a remote unit becomes a source; what counts is left as it is where it isn't named."""
    name, source, kept = _find(context, arguments)
    values: Dictionary = keeping.without(arguments["settings"], _TOLD)
    others = keeping.without(values, (*_OURS, SECRET, CREATES))
    settings: dict[str, Any] = {
        field: _setting(key, values[key]) for key, field in _OURS.items() if not keeping.is_default(values.get(key))
    }
    if source is None and kept is not None and kept.get(REMOTE) == "YES" and "host" in settings:
        settings["base_dn"] = text_of(kept.get(MOUNT), MOUNT)
        source = create_source(context.actor, SERVER, kind=Kind.LDAP.value, name=name, settings=settings)
        settings = {}
    if source is None:
        others = keeping.without(values, (SECRET,))
    else:
        _change(context, source, settings, values)
    told = keeping.without(kept or {}, set(kept or {}) - set(_TOLD))
    if kept is not None or others:
        unit = {key: value for key, value in {**told, **others}.items() if not keeping.is_default(value)}
        _keep(context, name, unit or None)
    return done()


def _setting(key: str, value: Any) -> Any:
    text = text_of(value, key)
    if key != "Port":
        return text
    if not text.isdecimal() or len(text) > 5:
        raise Refused(501, "Port: a number is expected")
    return int(text)


def _change(context: Context, source: Source, settings: dict[str, Any], values: Dictionary) -> None:
    changed: dict[str, Any] = {}
    if settings:
        changed["settings"] = settings
    if not keeping.is_default(values.get(SECRET)):
        changed["secret"] = text_of(values[SECRET], SECRET)
    if not keeping.is_default(values.get(CREATES)):
        changed["creates_people"] = is_yes(values[CREATES], CREATES)
    if changed:
        update_source(context.actor, source, changed)


def delete_unit(context: Context, arguments: Arguments) -> Data:
    name, source, kept = _find(context, arguments)
    if source is not None:
        delete_source(context.actor, source)
    if kept is not None:
        _keep(context, name, None)
    return done()


COMMANDS: list[Command] = [
    command("LISTDIRECTORYUNITS", "[ SHARED ]", list_units, "List the sources of sign-ins and kept units", reads=True),
    command("CREATEDIRECTORYUNIT", "unit [ SHARED ] [ REMOTE ] mount", create_unit, "Begin a unit"),
    command("RELOCATEDIRECTORYUNIT", "unit [ SHARED ] mount", relocate_unit, "Say where a unit is searched"),
    command("DELETEDIRECTORYUNIT", "unit [ SHARED ]", delete_unit, "Delete a source that nothing uses, or a kept unit"),
    command("GETDIRECTORYUNIT", "unit [ SHARED ]", get_unit, "Read what a unit is", reads=True),
    command("SETDIRECTORYUNIT", "unit [ SHARED ] settings{}", set_unit, "Say which directory a unit is"),
]
