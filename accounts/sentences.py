"""What an audit event says to people: each app registers a sentence for each of its actions, and names for its fields.

An action without a sentence is shown by its name, and a field by its own; a test names the actions that lack one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from config.kit.nav import Text
from config.kit.templatetags.kit import number, size_text

SHOWN_VALUES = 5  # entries of a list before "and 12 more"
SHOWN_CHARACTERS = 120

_sentences: dict[str, Text] = {}
_fields: dict[str, Text] = {}


def register(sentences: Mapping[str, Text]) -> None:
    """{action: what was done, as a short sentence in the past}."""
    _sentences.update(sentences)


def register_fields(fields: Mapping[str, Text]) -> None:
    """{name in changes and details: what people call it}."""
    _fields.update(fields)


def of(action: str) -> Text:
    """The sentence of an action."""
    return _sentences.get(action, action)


def known() -> dict[str, Text]:
    """All of them, by action."""
    return dict(sorted(_sentences.items()))


def field(name: str) -> str:
    """What people call a field."""
    return str(_fields.get(name) or name.replace("_", " ").capitalize())


def value(name: str, value: Any) -> str:
    """A value of a field as people read it: sizes as sizes, lists one after the other, nothing as a dash."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, int):
        return size_text(value) if name.endswith("_bytes") and value >= 0 else number(value)
    if isinstance(value, list):
        rest = len(value) - SHOWN_VALUES
        shown = ", ".join(str(each) for each in value[:SHOWN_VALUES])
        return shown if rest <= 0 else _("%(shown)s and %(count)s more") % {"shown": shown, "count": number(rest)}
    if isinstance(value, dict):
        return ", ".join(f"{field(key)}: {each}" for key, each in value.items())[:SHOWN_CHARACTERS]
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def changes(found: Mapping[str, Any]) -> list[str]:
    """{field: [old, new]} as lines "Quota: 1.00 GiB → 2.00 GiB"."""
    return [f"{field(name)}: {value(name, old)} → {value(name, new)}" for name, (old, new) in found.items()]


def details(found: Mapping[str, Any]) -> list[str]:
    """{field: value} as lines "State: enabled"; what says nothing is left out."""
    return [f"{field(name)}: {value(name, each)}" for name, each in found.items() if each not in (None, "", [], {})]
