"""What a command takes: its fields read from a JSON object or from a shell's words, with what pages say about them.

A command's arguments are a dataclass. Its fields are `str`, `int`, `bool`, `list[str]`, or JSON of any shape:
`JsonObject`, `JsonList`, `Json`; each may be `| None`. More about a field stands beside its type:

    properties: Annotated[JsonObject, About(_("Properties"), _("As GetProfiles gives them."))]
    password: Secret | None = None

A secret field is never in a task's row but sealed, nor in an answer, a page or a log. Names are read in every spelling
(`user_name`, `userName`, `user-name`). Not for what a command means by its arguments: its service judges that.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from jobs.errors import BadArguments

Text = str | Promise
JsonObject = dict[str, Any]
JsonList = list[Any]
Json = Any
RESERVED = frozenset({"json", "no_wait", "list", "help", "ask", "emergency"})  # words of `manage.py invoke` itself

_HALVES = re.compile("[\ud800-\udfff]")
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})


class Kind(StrEnum):
    """What values a parameter takes, as `invoke --list` and the API name it."""

    TEXT = "str"
    NUMBER = "int"
    FLAG = "bool"
    TEXTS = "list of str"
    OBJECT = "json object"
    ARRAY = "json list"
    JSON = "json"

    @property
    def is_json(self) -> bool:
        return self in (Kind.OBJECT, Kind.ARRAY, Kind.JSON)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)  # hashed as itself: `| None` wants a hash
class About:
    """What stands beside a field's type. choices: the only values of a text, with their words; least and most: of a
    number; secret: never shown, kept sealed; long: a text of several lines.
    """

    label: Text = ""
    help: Text = ""
    choices: Mapping[str, Text] = dataclasses.field(default_factory=dict)
    least: int | None = None
    most: int | None = None
    secret: bool = False
    long: bool = False


Secret = Annotated[str, About(secret=True)]
SecretObject = Annotated[JsonObject, About(secret=True)]

_KINDS: list[tuple[Any, Kind]] = [
    (str, Kind.TEXT),
    (int, Kind.NUMBER),
    (bool, Kind.FLAG),
    (list[str], Kind.TEXTS),
    (dict[str, Any], Kind.OBJECT),
    (dict[str, object], Kind.OBJECT),
    (list[Any], Kind.ARRAY),
    (list[object], Kind.ARRAY),
    (list[dict[str, Any]], Kind.ARRAY),
    (Any, Kind.JSON),
    (object, Kind.JSON),
]


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One field of a command's arguments: its kind, and whether None and absence are allowed."""

    name: str
    kind: Kind
    optional: bool
    required: bool
    default: object
    about: About = About()

    @property
    def label(self) -> str:
        """What a form calls it."""
        return str(self.about.label) or self.name.replace("_", " ").capitalize()

    def describe(self) -> dict[str, object]:
        """For `invoke --list --json`."""
        shown: dict[str, object] = {"name": self.name, "type": str(self.kind), "required": self.required}
        if self.about.choices:
            shown["choices"] = list(self.about.choices)
        if self.about.secret:
            shown["secret"] = True
        return shown if self.required else shown | {"default": self.default}

    def from_json(self, value: object) -> object:
        """Raises: BadArguments."""
        if value is None and (self.optional or self.kind is Kind.JSON):
            return None
        if not _fits(self.kind, value):
            raise self.wrong(_("%(name)s must be %(kind)s") % {"name": self.name, "kind": self.kind})
        return self._judged(value)

    def from_words(self, values: Sequence[str]) -> object:
        """What a shell gave, every value in order. Raises: BadArguments."""
        if self.kind is Kind.TEXTS:
            return self._judged(list(values))
        if len(values) != 1:
            raise self.wrong(_("%(name)s is given more than once") % {"name": self.name})
        (value,) = values
        return self._judged(self._read(value)) if value or not self.optional or self.kind is Kind.TEXT else None

    def wrong(self, text: str) -> BadArguments:
        return BadArguments(text, field=self.name)

    def _read(self, value: str) -> object:
        said: dict[str, object] = {"name": self.name, "value": repr(value)}
        if self.kind is Kind.NUMBER:
            try:
                return int(value)
            except ValueError:
                raise self.wrong(_("%(name)s must be a whole number, not %(value)s") % said) from None
        if self.kind is Kind.FLAG:
            if value.lower() not in _TRUE | _FALSE:
                raise self.wrong(_("%(name)s must be true or false, not %(value)s") % said)
            return value.lower() in _TRUE
        if self.kind.is_json:
            return self.from_json(self._parsed(value))
        return value

    def _parsed(self, text: str) -> object:
        """JSON as RFC 8259 has it, in which NaN is no number."""
        try:
            return json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            said = {"name": self.name, "reason": error}
            raise self.wrong(_("%(name)s must be JSON: %(reason)s") % said) from None

    def _judged(self, value: object) -> object:
        about = self.about
        if not _is_kept(value):
            raise self.wrong(_("%(name)s holds signs that no text has") % {"name": self.name})
        if about.choices and isinstance(value, str) and value not in about.choices:
            words = ", ".join(about.choices)
            raise self.wrong(_("%(name)s must be one of: %(words)s") % {"name": self.name, "words": words})
        if type(value) is int:
            if abs(value) >= 1 << 63:
                raise self.wrong(_("%(name)s is too large a number") % {"name": self.name})
            if about.least is not None and value < about.least:
                raise self.wrong(_("%(name)s must be at least %(number)d") % {"name": self.name, "number": about.least})
            if about.most is not None and value > about.most:
                raise self.wrong(_("%(name)s must be at most %(number)d") % {"name": self.name, "number": about.most})
        return value


def parameters_of(arguments: type[Any]) -> list[Parameter]:
    """The fields of a dataclass of arguments. Raises: TypeError for a type that no shell can give."""
    hints = typing.get_type_hints(arguments, include_extras=True)
    return [_parameter(field, hints[field.name]) for field in dataclasses.fields(arguments)]


def folded(name: str) -> str:
    """The same for every spelling of a name: userName, user_name, user-name."""
    return name.replace("_", "").replace("-", "").lower()


def _parameter(field: dataclasses.Field[Any], hint: Any) -> Parameter:
    if field.name in RESERVED:
        raise TypeError(f"{field.name} is a word of the shell's own")
    default: object = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    required = default is dataclasses.MISSING
    hint, about = _bare(hint, About())
    optional = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [each for each in typing.get_args(hint) if each is not type(None)]
        optional = len(rest) < len(typing.get_args(hint))
        hint, about = _bare(rest[0], about) if len(rest) == 1 else (hint, about)
    kind = next((kind for known, kind in _KINDS if known == hint), None)
    if kind is None:
        raise TypeError(f"{field.name}: a command's arguments are str, int, bool, list[str] or JSON, not {hint}")
    return Parameter(field.name, kind, optional, required, None if required else default, about)


def _bare(hint: Any, about: About) -> tuple[Any, About]:
    """The type without what stands beside it; of several notes each gives what it says."""
    if typing.get_origin(hint) is not Annotated:
        return hint, about
    inner, *notes = typing.get_args(hint)
    for note in notes:
        if isinstance(note, About):
            said = {each.name: getattr(note, each.name) for each in dataclasses.fields(note)}
            silent = About()
            news = {name: value for name, value in said.items() if value != getattr(silent, name)}
            about = dataclasses.replace(about, **news)
    return inner, about


def _fits(kind: Kind, value: object) -> bool:
    if kind is Kind.TEXTS:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    wanted: dict[Kind, type] = {
        Kind.TEXT: str, Kind.NUMBER: int, Kind.FLAG: bool, Kind.OBJECT: dict, Kind.ARRAY: list,
    }  # fmt: skip
    return kind is Kind.JSON or type(value) is wanted[kind]  # exactly: True is no int here


def _is_kept(value: object) -> bool:
    """Whether the database can keep it: a text without NUL and without halves of characters; JSON of such texts."""
    if isinstance(value, str):
        return "\0" not in value and not _HALVES.search(value)
    if isinstance(value, Mapping):
        return all(_is_kept(name) and _is_kept(each) for name, each in value.items())
    return not isinstance(value, list) or all(_is_kept(each) for each in value)


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no number of JSON")
