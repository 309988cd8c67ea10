"""Skins, which are the branding here: each domain and the server have one, without a name; its one file is the logo."""

from __future__ import annotations

from accounts.permissions import Level, Right
from accounts.scopes import SERVER
from api.communigate.context import Context
from api.communigate.format import PAST
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, Handler, command, done
from domains.brands import Place, looks_of, own_logo
from domains.services import branding

LOGO = "logo"
UNNAMED = ""


def _place(context: Context, arguments: Arguments, level: Level, *, change: bool = False) -> Place:
    if level == Level.SERVER:
        context.actor.require(Right.MANAGE_SERVER)
        return SERVER
    return context.domain(arguments.get("domain"), Right.EDIT_DOMAINS if change else Right.VIEW_DOMAINS)


def _has_own(place: Place) -> bool:
    return own_logo(place) is not None or any(said.own is not None for said in looks_of(place).values.values())


def _unnamed(arguments: Arguments) -> None:
    if arguments.get("skin", UNNAMED) not in (UNNAMED, "*"):
        raise Refused(501, "skins have no names here: each domain and the server have one")


def _logo_alone(arguments: Arguments) -> None:
    if arguments["file"].rpartition(".")[0].lower() != LOGO and arguments["file"].lower() != LOGO:
        raise Refused(501, "pages and their sheets are this server's own; the logo can be changed: logo.png")


def _family(level: Level) -> list[Command]:
    word = "DOMAIN" if level == Level.DOMAIN else "SERVER"
    about = f"skin of the {word.lower()}"

    def names(context: Context, arguments: Arguments) -> Data:
        return [UNNAMED] if _has_own(_place(context, arguments, level)) else []

    def make(context: Context, arguments: Arguments) -> Data:
        """It is there with its first value."""
        _place(context, arguments, level, change=True)
        _unnamed(arguments)
        return done()

    def remove(context: Context, arguments: Arguments) -> Data:
        place = _place(context, arguments, level, change=True)
        _unnamed(arguments)
        branding.set_branding(context.actor, place, dict.fromkeys(("name", "colour", "greeting", "support")))
        branding.remove_logo(context.actor, place)
        return done()

    def files(context: Context, arguments: Arguments) -> Data:
        place = _place(context, arguments, level)
        _unnamed(arguments)
        found = own_logo(place)
        if found is None:
            return {}
        return {f"{LOGO}.{found.kind.rpartition('/')[2]}": {"STFileSize": str(found.size_bytes)}}

    def read(context: Context, arguments: Arguments) -> Data:
        place = _place(context, arguments, level)
        _unnamed(arguments)
        _logo_alone(arguments)
        found = own_logo(place)
        if found is None:
            raise Refused(501, "there is no such file")
        return [bytes(found.content), PAST]  # when it was set is in the audit trail

    def store(context: Context, arguments: Arguments) -> Data:
        place = _place(context, arguments, level, change=True)
        _unnamed(arguments)
        _logo_alone(arguments)
        if "delete" in arguments:
            branding.remove_logo(context.actor, place)
        else:
            branding.set_logo(context.actor, place, arguments["content"])
        return done()

    before = "[ domain SKIN ] " if level == Level.DOMAIN else ""
    storing = (f"{before}skin FILE file DATA content<>", f"{before}skin FILE file DELETE")
    every: list[tuple[str, str | tuple[str, ...], Handler, str, bool]] = [
        (f"LIST{word}SKINS", "[ domain ]" if before else "", names, f"Say whether there is a {about}", True),
        (f"CREATE{word}SKIN", f"{before}skin", make, f"Begin a {about}", False),
        (f"DELETE{word}SKIN", f"{before}skin", remove, f"Give up the {about}", False),
        (f"LIST{word}SKINFILES", f"{before}skin", files, f"List the files of the {about}", True),
        (f"READ{word}SKINFILE", f"{before}skin FILE file", read, f"Read the logo of the {about}", True),
        (f"STORE{word}SKINFILE", storing, store, f"Set or remove the logo of the {about}", False),
    ]
    return [command(name, pattern, run, about, reads=reads) for name, pattern, run, about, reads in every]


COMMANDS: list[Command] = [*_family(Level.DOMAIN), *_family(Level.SERVER)]
