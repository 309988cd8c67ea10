"""What a branding's values may be: plain texts within bounds, a colour, an address. Pure; `branding` keeps them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.models import User
from domains import brand_colours
from domains.errors import Invalid

NAME_MAX, GREETING_MAX, GREETING_LINES, SUPPORT_MAX, ADDRESS_MAX = 60, 500, 8, 120, 300
LANGUAGES = tuple(choice for choice, _label in User.Language.choices if choice)


def checked(name: str, value: object) -> Any:
    """One of brands.FIELDS as it is kept. Raises: Invalid."""
    return _CHECKS[name](value)


def checked_name(value: object) -> str | None:
    """Raises: Invalid."""
    return _line(value, NAME_MAX, field="name") or None


def checked_colour(value: object) -> str | None:
    """Raises: Invalid."""
    text = _line(value, 20, field="colour").lower()
    if not text:
        return None
    if not brand_colours.is_colour(text):
        wrong = _("A colour is written as # and six hexadecimal digits, such as #1d4ed8.")
        raise Invalid(wrong, field="colour")
    return text


def checked_greeting(value: object) -> dict[str, str] | None:
    """Raises: Invalid."""
    found = {
        language: _lines(text, field=_at("greeting", language))
        for language, text in _by_language(value, "greeting").items()
    }
    return {language: text for language, text in found.items() if text} or None


def checked_support(value: object) -> dict[str, Any] | None:
    """Raises: Invalid."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) - {"address", "text"}:
        raise Invalid(_("This must be an address and a text."), field="support")
    address = _support_address(value.get("address"))
    texts = _by_language(value.get("text"), "support.text")
    found = {
        language: _line(text, SUPPORT_MAX, field=_at("support.text", language)) for language, text in texts.items()
    }
    kept = {language: text for language, text in found.items() if text}
    return {"address": address, "text": kept} if address or kept else None


def _support_address(value: object) -> str:
    text = _line(value, ADDRESS_MAX, field="support.address")
    if not text:
        return ""
    wrong = Invalid(_("Write an e-mail address, or a web address that begins with https://."), field="support.address")
    if not text.lower().startswith("https:"):
        try:
            return str(parse_address(text))
        except BadAddress as error:
            raise wrong from error
    try:
        parts = urlsplit(text)
        sound = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError as error:
        raise wrong from error
    if not sound or any(sign in text for sign in " \"'<>\\`{}|^"):
        raise wrong
    return "https:" + text[6:]


def _at(field: str, language: str) -> str:
    """Which of the texts is meant: greeting.de."""
    return f"{field}.{language}" if language else field


def _by_language(value: object, field: str) -> dict[str, object]:
    """{"": text, language: text}; a text alone is for everybody."""
    if value is None or isinstance(value, str):
        return {"": value or ""}
    if not isinstance(value, Mapping):
        raise Invalid(_("This must be a text."), field=field)
    unknown = [key for key in value if key not in ("", *LANGUAGES)]
    if unknown:
        wrong = _("“%(value)s” is not one of the languages here.") % {"value": str(unknown[0])[:20]}
        raise Invalid(wrong, field=field)
    return dict(value)


def _line(value: object, most: int, *, field: str) -> str:
    text = _text(value, most, field=field)
    if "\n" in text:
        raise Invalid(_("This must be one line of text."), field=field)
    return text


def _lines(value: object, *, field: str) -> str:
    text = _text(value, GREETING_MAX, field=field)
    if text.count("\n") >= GREETING_LINES:
        raise Invalid(_("This may have %(most)d lines at most.") % {"most": GREETING_LINES}, field=field)
    return text


def _text(value: object, most: int, *, field: str) -> str:
    """Plain text without signs that steer terminals or turn lines around."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(_("This must be a text."), field=field)
    if len(value) > 4 * most + 1_000:  # before anything is looked at
        raise _too_long(most, field)
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(text) > most:
        raise _too_long(most, field)
    if any(
        unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for sign in text if sign not in "\n\u200d"
    ):
        raise Invalid(_("Only visible characters and spaces."), field=field)
    return text


def _too_long(most: int, field: str) -> Invalid:
    return Invalid(_("This may have %(most)d characters at most.") % {"most": most}, field=field)


_CHECKS: dict[str, Callable[[object], Any]] = {
    "name": checked_name,
    "colour": checked_colour,
    "greeting": checked_greeting,
    "support": checked_support,
}
