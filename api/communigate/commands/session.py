"""What a session asks about the server itself: that it is there, its version, its time, its commands."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from api.communigate.context import Context
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import NOTHING, Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, command
from config.kit import release


def noop(context: Context, arguments: Arguments) -> Data:
    return NOTHING


def echo(context: Context, arguments: Arguments) -> Data:
    found: Data = arguments["object"]
    return found


def version(context: Context, arguments: Arguments) -> Data:
    """Ours: the interface is that of 6.3."""
    return f"6.3.0-postkeep-{release.version()}"


def now(context: Context, arguments: Arguments) -> Data:
    return _now()


def _now() -> datetime:
    return timezone.now().replace(microsecond=0)


def system_info(context: Context, arguments: Arguments) -> Data:
    """What has an answer here: serverVersion, serverTime, mainDomainName."""
    what = arguments["what"]
    known = {"serverversion": lambda: version(context, arguments), "servertime": _now}
    known["maindomainname"] = lambda: context.main().name
    if what.lower() not in known:
        raise Refused(501, f"nothing is known of {what}")
    return known[what.lower()]()


COMMANDS: list[Command] = [
    command("NOOP", "", noop, "Do nothing", reads=True),
    command("ECHO", "object*", echo, "Answer what was sent", reads=True),
    command("GETVERSION", "", version, "Read the version", reads=True),
    command("GETCURRENTTIME", "", now, "Read the server's time", reads=True),
    command("GETSYSTEMINFO", "what", system_info, "Read a fact about the server", reads=True),
]
