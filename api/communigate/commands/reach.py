"""Which networks reach what, and where people's passwords are checked: settings of the server with counterparts here.

SETNETWORK: `ConsoleNetworks`, `APINetworks` and `MetricsNetworks`, arrays of addresses and networks, are the options of
those names; `default` lets one be as without it. SETDIRECTORYINTEGRATION: `Source` is the name of the server's source
of sign-ins ("local": passwords kept here), `CreatePeople` whether it makes people at their first sign-in; a source that
an administrator set up in person is chosen and changed in person only (510). What a script leaves out of these stays as
it is: a list that is forgotten shall open nothing. Other keys are kept and given back.
"""

from __future__ import annotations

from accounts import networks, options
from accounts.permissions import CONFIGURING, Right
from accounts.scopes import SERVER
from accounts.selectors.sources import choice_of, list_sources
from accounts.services.options import reset_option, set_option
from accounts.services.sources import choose_source, update_source
from api.communigate import keeping
from api.communigate.context import Context, is_yes, text_of, texts_of
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.keeping import DEFAULT, Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, command, done
from domains.commands.directory import SyncArguments, server_directory
from jobs.services import submit

NETWORK, DIRECTORY = "network", "directoryintegration"
LISTS = {"ConsoleNetworks": networks.CONSOLE, "APINetworks": networks.API, "MetricsNetworks": networks.METRICS}
SESSIONS = "sessionsettings"
LIMITS = {"SessionHours": "SESSION_HOURS", "IdleMinutes": "SESSION_IDLE_MINUTES", "SessionsMax": "SESSIONS_MAX"}
SOURCE, KIND, CREATES, LOCAL = "Source", "Kind", "CreatePeople", "local"


def network(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.MANAGE_SERVER, SERVER)
    found = options.resolve_some(list(LISTS.values()))
    own: Dictionary = {key: [str(each) for each in found[name].value or []] for key, name in LISTS.items()}
    return {**keeping.kept(NETWORK), **own}


def set_network(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.MANAGE_SERVER, SERVER)
    values = arguments["settings"]
    for key, name in LISTS.items():
        if key not in values:
            continue
        if _is_default(values[key]):
            reset_option(context.actor, SERVER, name)
        else:
            set_option(context.actor, SERVER, name, texts_of(values[key], key))
    others = {key: value for key, value in values.items() if key not in LISTS}
    keeping.keep(context.actor, NETWORK, None, others, replace=True)
    return done()


def directory(context: Context, arguments: Arguments) -> Data:
    _require_configuring(context)
    chosen = choice_of(SERVER)[0].source
    own: Dictionary = {SOURCE: LOCAL if chosen is None else chosen.name}
    if chosen is not None:
        own |= {KIND: chosen.kind, CREATES: "YES" if chosen.creates_people else "NO"}
    return {**keeping.kept(DIRECTORY), **own}


def set_directory(context: Context, arguments: Arguments) -> Data:
    _require_configuring(context)
    values = arguments["settings"]
    if SOURCE in values:
        name = LOCAL if _is_default(values[SOURCE]) else text_of(values[SOURCE], SOURCE)
        source = None if name == LOCAL else list_sources(context.actor).filter(level="server", name=name).first()
        if source is None and name != LOCAL:
            raise Refused(501, f"there is no source {name} of the server")
        choose_source(context.actor, SERVER, source)
    if CREATES in values:
        chosen = choice_of(SERVER)[0].source
        if chosen is None:
            raise Refused(501, f"{CREATES}: the server has no source; passwords are kept here")
        update_source(context.actor, chosen, {"creates_people": is_yes(values[CREATES], CREATES)})
    others = {key: value for key, value in values.items() if key not in (SOURCE, KIND, CREATES)}
    keeping.keep(context.actor, DIRECTORY, None, others, replace=True)
    return done()


def session_settings(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.MANAGE_SERVER, SERVER)
    found = options.resolve_some(list(LIMITS.values()))
    return {**keeping.kept(SESSIONS), **{key: str(found[name].value) for key, name in LIMITS.items()}}


def set_session_settings(context: Context, arguments: Arguments) -> Data:
    """What is left out of the limits stays as it is."""
    context.actor.require(Right.MANAGE_SERVER, SERVER)
    values = arguments["settings"]
    for key, name in LIMITS.items():
        if key not in values:
            continue
        if keeping.is_default(values[key]):
            reset_option(context.actor, SERVER, name)
            continue
        text = text_of(values[key], key)
        if not text.isdecimal() or len(text) > 9:
            raise Refused(501, f"{key}: a number is expected")
        set_option(context.actor, SERVER, name, int(text))
    keeping.keep(context.actor, SESSIONS, None, keeping.without(values, LIMITS), replace=True)
    return done()


def reload_directory(context: Context, arguments: Arguments) -> Data:
    """A task takes people over from the server's directory; leavers in number wait for a word on its page."""
    if server_directory() is None:
        context.actor.require(Right.MANAGE_SOURCES, SERVER)
        raise Refused(501, "the server has no directory")
    submit(context.actor, "SyncUsersWithDirectoryServices", SyncArguments())
    return done()


def _require_configuring(context: Context) -> None:
    for right in sorted(CONFIGURING):
        context.actor.require(right, SERVER)


def _is_default(value: Value) -> bool:
    return value is None or value == DEFAULT


COMMANDS: list[Command] = [
    command("GETSESSIONSETTINGS", "", session_settings, "Read how long people stay signed in", reads=True),
    command("SETSESSIONSETTINGS", "settings{}", set_session_settings, "Set how long people stay signed in"),
    command("GETNETWORK", "", network, "Read which networks reach what", reads=True),
    command("SETNETWORK", "settings{}", set_network, "Set which networks reach the pages, the API and the metrics"),
    command("GETDIRECTORYINTEGRATION", "", directory, "Read where people's passwords are checked", reads=True),
    command("RELOADDIRECTORYDOMAINS", "", reload_directory, "Take people over from the server's directory"),
    command("SETDIRECTORYINTEGRATION", "settings{}", set_directory, "Set where people's passwords are checked"),
]
