"""The options in the list of settings: what counts for the server, and where it is set."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import options
from accounts.options import Option
from accounts.permissions import LEVEL_LABELS, Level
from config.kit import known_settings
from config.kit.known_settings import Setting, in_words


def register() -> None:
    known_settings.register(every_option)


def every_option() -> Iterator[Setting]:
    """Each entry of the catalogue; two queries. What the server has no value of counts as it is set below it."""
    found = options.resolve_all()
    url = reverse("accounts:server-options")
    for option in options.catalogue():
        resolved = found.get(option.name)
        value = option.default if resolved is None else resolved.value
        is_own = resolved is not None and resolved.source is not None
        yield Setting(
            name=option.name,
            group=_("Option: %(group)s") % {"group": option.group},
            label=option.label,
            value="" if option.is_secret else _words(option, value),
            source="page" if is_own else "default",
            effect=_effect(option),
            url=url if resolved is not None else "",
            is_secret=option.is_secret,
            is_set=option.is_secret and bool(value),
        )


def _words(option: Option, value: object) -> str:
    text = in_words(value, option.values)
    return f"{text} {option.unit}" if option.unit and text else text


def _effect(option: Option) -> str:
    """Its help, and where it can be set otherwise."""
    levels = [str(LEVEL_LABELS[level]) for level in Level if level in option.levels and level != Level.SERVER]
    said = str(option.help or option.label)
    return f"{said} {_('Can differ by: %(levels)s.') % {'levels': ', '.join(levels)}}" if levels else said
