"""The types of options: what may be a value, how it is read from text, how it is shown as text.

Pure. Source of the names: the value types of the Cleanmail API (`OptionDef.type`), and INTEGER, which it lacks.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Callable
from enum import StrEnum
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from accounts.addresses import canonical_domain, parse_address
from accounts.errors import BadAddress, BadOption

STRING_MAX, TEXT_MAX, DOC_MAX, LIST_MAX = 500, 10_000, 200_000, 200


class OptionType(StrEnum):
    """What kind of value an option has."""

    STRING = "STRING"
    TEXT = "TEXT"
    COLOR = "COLOR"
    EMAIL = "EMAIL"
    BOOL = "BOOL"
    URL = "URL"
    LIST = "LIST"
    DOC = "DOC"
    TIMEZONE = "TIMEZONE"
    HOST = "HOST"
    CREDENTIALS = "CREDENTIALS"
    PASSWORD = "PASSWORD"  # noqa: S105  # a type's name
    INTEGER = "INTEGER"


SECRET_TYPES = frozenset({OptionType.CREDENTIALS, OptionType.PASSWORD})
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def parse(type: OptionType, value: object) -> object:
    """A value as it is kept: text, a bool, an int, a list of texts, or {"username", "password"}.

    Text is understood for every type, as programs send it: "1" and "true", one line a list's item, "user:password".
    Raises: BadOption.
    """
    return _READERS[type](value)


def to_text(type: OptionType, value: object) -> str:
    """A value as one text, from which `parse` reads the same value; of secrets nothing but the user name."""
    if value is None or type == OptionType.PASSWORD:
        return ""
    if type == OptionType.CREDENTIALS:
        return str(value.get("username", "")) if isinstance(value, dict) else ""
    if type == OptionType.BOOL:
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return str(value)


def _text(value: object, most: int, *, lines: bool = False) -> str:
    if not isinstance(value, str):
        raise BadOption(_("This must be a text."))
    text = value.replace("\r\n", "\n").strip()
    if "\0" in text or (not lines and "\n" in text):
        raise BadOption(_("This must be one line of text."))
    if len(text) > most:
        raise BadOption(_("This may have %(most)d characters at most.") % {"most": most})
    return text


def _color(value: object) -> str:
    text = _text(value, 7).lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", text):
        raise BadOption(_("A colour is written as # and six hexadecimal digits, such as #1d4ed8."))
    return text


def _email(value: object) -> str:
    try:
        return str(parse_address(_text(value, STRING_MAX)))
    except BadAddress as error:
        raise BadOption(str(error)) from error


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = _WORDS.get(str(value).strip().lower())
    if known is None:
        raise BadOption(_("This must be yes or no."))
    return known


def _url(value: object) -> str:
    text = _text(value, 2_000)
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s<>\"]", text):
        raise BadOption(_("A web address begins with https:// or http:// and names a host."))
    return text


def _list(value: object) -> list[str]:
    items = value.replace("\r\n", "\n").split("\n") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise BadOption(_("This must be a list of texts."))
    read = [_text(item, STRING_MAX) for item in items]
    kept = list(dict.fromkeys(item for item in read if item))
    if len(kept) > LIST_MAX:
        raise BadOption(_("A list may have %(most)d items at most.") % {"most": LIST_MAX})
    return kept


def _timezone(value: object) -> str:
    text = _text(value, 100)
    if text not in zoneinfo.available_timezones():
        raise BadOption(_("“%(name)s” is no time zone; examples are Europe/Berlin and UTC.") % {"name": text})
    return text


def _host(value: object) -> str:
    text = _text(value, STRING_MAX)
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        pass
    try:
        return canonical_domain(text.rstrip("."))
    except BadAddress as error:
        raise BadOption(str(error)) from error


def _credentials(value: object) -> dict[str, str]:
    if isinstance(value, str) and ":" in value:
        username, _colon, password = value.partition(":")
        value = {"username": username, "password": password}
    if not isinstance(value, dict) or set(value) - {"username", "password"} or not value.get("username"):
        raise BadOption(_("Give a user name and a password."))
    return {"username": _text(value["username"], STRING_MAX), "password": _password(value.get("password", ""))}


def _password(value: object) -> str:
    if not isinstance(value, str) or len(value) > 1_000 or "\0" in value:
        raise BadOption(_("This must be a text of at most 1,000 characters."))
    return value


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip() if isinstance(value, str) else ""
    if not re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII):
        raise BadOption(_("This must be a whole number."))
    return int(text)


_READERS: dict[OptionType, Callable[[object], object]] = {
    OptionType.STRING: lambda value: _text(value, STRING_MAX),
    OptionType.TEXT: lambda value: _text(value, TEXT_MAX, lines=True),
    OptionType.DOC: lambda value: _text(value, DOC_MAX, lines=True),
    OptionType.COLOR: _color,
    OptionType.EMAIL: _email,
    OptionType.BOOL: _bool,
    OptionType.URL: _url,
    OptionType.LIST: _list,
    OptionType.TIMEZONE: _timezone,
    OptionType.HOST: _host,
    OptionType.CREDENTIALS: _credentials,
    OptionType.PASSWORD: _password,
    OptionType.INTEGER: _integer,
}
