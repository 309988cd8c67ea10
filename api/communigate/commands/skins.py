"""Skins. The one without a name is the branding of a domain or the server: its logo.png is the logo that pages show.
Other files, and skins with names, are kept and given back; this server's pages are its own and don't use them.
"""

from __future__ import annotations

from pathlib import Path

from django.contrib.staticfiles import finders

from accounts.permissions import Level, Right
from accounts.scopes import SERVER
from api.communigate import skin_files
from api.communigate.context import Context
from api.communigate.format import PAST
from api.communigate.grammar import Arguments
from api.communigate.keeping import Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, Handler, command, done
from domains.brands import Place, looks_of, own_logo
from domains.models import Domain
from domains.services import branding

LOGO = "logo"
UNNAMED = ""
STOCK = ("favicon.svg",)  # what of this server's own pages is a picture that a skin could take over


def _place(context: Context, arguments: Arguments, level: Level, *, change: bool = False) -> Place:
    if level == Level.SERVER:
        context.actor.require(Right.MANAGE_SERVER)
        return SERVER
    return context.domain(arguments.get("domain"), Right.EDIT_DOMAINS if change else Right.VIEW_DOMAINS)


def _of(place: Place) -> Domain | None:
    return place if isinstance(place, Domain) else None


def _has_own(place: Place) -> bool:
    return own_logo(place) is not None or any(said.own is not None for said in looks_of(place).values.values())


def _skin(arguments: Arguments) -> str:
    """A widespread client sends nothing at all for the name of the one without a name."""
    name: str = arguments.get("skin", UNNAMED)
    return UNNAMED if name == "*" else name


def _is_logo(skin: str, file: str) -> bool:
    return skin == UNNAMED and LOGO in (file.lower(), file.rpartition(".")[0].lower())


def _begin(context: Context, place: Place) -> None:
    """The skin without a name is there with its first file, as is a branding with its first value."""
    if UNNAMED not in skin_files.skins(_of(place)):
        skin_files.make(context.actor, _of(place), UNNAMED)


def _family(level: Level) -> list[Command]:
    word = "DOMAIN" if level == Level.DOMAIN else "SERVER"
    of = f"of the {word.lower()}"

    def names(context: Context, arguments: Arguments) -> Data:
        place = _place(context, arguments, level)
        found = {*skin_files.skins(_of(place)), *([UNNAMED] if _has_own(place) else [])}
        return [*sorted(found)]

    def make(context: Context, arguments: Arguments) -> Data:
        place = _place(context, arguments, level, change=True)
        if _skin(arguments) and _has_own(place):
            _begin(context, place)
        skin_files.make(context.actor, _of(place), _skin(arguments))
        return done()

    def rename(context: Context, arguments: Arguments) -> Data:
        place = _place(context, arguments, level, change=True)
        skin_files.rename(context.actor, _of(place), _skin(arguments), arguments["new"])
        return done()

    def remove(context: Context, arguments: Arguments) -> Data:
        """Without a name: the branding goes with it."""
        place, skin = _place(context, arguments, level, change=True), _skin(arguments)
        has_own = skin == UNNAMED and _has_own(place)
        if not has_own or skin in skin_files.skins(_of(place)):
            skin_files.remove(context.actor, _of(place), skin)
        if has_own:
            branding.set_branding(context.actor, place, dict.fromkeys(("name", "colour", "greeting", "support")))
            branding.remove_logo(context.actor, place)
        return done()

    def files(context: Context, arguments: Arguments) -> Data:
        place, skin = _place(context, arguments, level), _skin(arguments)
        found: Dictionary = {}
        logo = own_logo(place) if skin == UNNAMED else None
        if logo is not None:
            found[f"{LOGO}.{logo.kind.rpartition('/')[2]}"] = {"STFileSize": str(logo.size_bytes)}
        kept = skin_files.skins(_of(place))
        if skin not in kept and (skin or not _has_own(place)):
            raise Refused(501, "there is no such skin")
        for name, (size, stored) in kept.get(skin, {}).items():
            found[name] = {"STFileSize": str(size), "STModified": stored}
        return found

    def read(context: Context, arguments: Arguments) -> Data:
        place, skin = _place(context, arguments, level), _skin(arguments)
        if not _is_logo(skin, arguments["file"]):
            return skin_files.read(_of(place), skin, arguments["file"])
        found = own_logo(place)
        if found is None:
            raise Refused(501, "there is no such file")
        return [bytes(found.content), PAST]  # when it was set is in the audit trail

    def store(context: Context, arguments: Arguments) -> Data:
        place, skin = _place(context, arguments, level, change=True), _skin(arguments)
        name = arguments["file"]
        if _is_logo(skin, name):
            if "delete" in arguments:
                branding.remove_logo(context.actor, place)
            else:
                branding.set_logo(context.actor, place, arguments["content"])
        elif "delete" in arguments:
            if not skin_files.remove_file(context.actor, _of(place), skin, name):
                raise Refused(501, "there is no such file")
        else:
            if skin == UNNAMED and _has_own(place):
                _begin(context, place)
            skin_files.store(context.actor, _of(place), skin, name, arguments["content"])
        return done()

    before = "[ domain SKIN:word ] " if level == Level.DOMAIN else ""
    storing = (f"{before}[ skin ] FILE file DATA content<>", f"{before}[ skin ] FILE file DELETE")
    every: list[tuple[str, str | tuple[str, ...], Handler, str, bool]] = [
        (f"LIST{word}SKINS", "[ domain ]" if before else "", names, f"List the skins {of}", True),
        (f"CREATE{word}SKIN", f"{before}[ skin ]", make, f"Begin a skin {of}", False),
        (f"RENAME{word}SKIN", f"{before}skin INTO new", rename, f"Rename a skin {of}", False),
        (f"DELETE{word}SKIN", f"{before}[ skin ]", remove, f"Give up a skin {of}", False),
        (f"LIST{word}SKINFILES", f"{before}[ skin ]", files, f"List the files of a skin {of}", True),
        (f"READ{word}SKINFILE", f"{before}[ skin ] FILE file", read, f"Read the logo or a kept file {of}", True),
        (f"STORE{word}SKINFILE", storing, store, f"Set the logo {of}, or keep another file", False),
    ]
    return [command(name, pattern, run, about, reads=reads) for name, pattern, run, about, reads in every]


# --- what this server comes with --------------------------------------------------------------------------------------


def _stock(arguments: Arguments) -> dict[str, Path]:
    """Everybody sees these: they are on the sign-in page. Raises: Refused."""
    if _skin(arguments) != UNNAMED:
        raise Refused(501, "there is no such skin: the one this server comes with has no name")
    found = {name: finders.find(name) for name in STOCK}
    return {name: Path(path) for name, path in found.items() if path}


def stock_files(context: Context, arguments: Arguments) -> Data:
    return {name: {"STFileSize": str(path.stat().st_size)} for name, path in _stock(arguments).items()}


def stock_file(context: Context, arguments: Arguments) -> Data:
    found = _stock(arguments).get(arguments["file"])
    if found is None:
        raise Refused(501, "there is no such file")
    return [found.read_bytes(), PAST]


COMMANDS: list[Command] = [
    *_family(Level.DOMAIN),
    *_family(Level.SERVER),
    command("LISTSTOCKSKINFILES", "[ skin ]", stock_files, "List the pictures this server comes with", reads=True),
    command("READSTOCKSKINFILE", "[ skin ] FILE file", stock_file, "Read a picture this server comes with", reads=True),
]
