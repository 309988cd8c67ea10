"""What the handlers of routes share: the request of a known actor, and its form as iRedAdmin-Pro reads it.

A form is a form whatever its content type says, in the body or in the address; what is given twice counts as the last.
Names that nobody knows are passed over, and an empty value takes away what was set.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from accounts.actors import Actor
from accounts.models import User
from api.dialects.call import Call
from api.iredadmin.answers import BAD_VALUE, Failure
from domains.limits import UNLIMITED

MOST_FIELDS = 500
MB = 1 << 20
LARGEST = 1 << 60
LANGUAGES = frozenset(value for value in User.Language.values if value)
NORWEGIAN = "no"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: who, the path's values, and the form."""

    actor: Actor
    named: dict[str, str]
    form: Mapping[str, str]

    def given(self, *names: str) -> str | None:
        """The field under the first of its names that was sent, the present one first; None where none was."""
        return next((self.form[name].strip() for name in names if name in self.form), None)

    def megabytes(self, *names: str) -> int | None:
        """A size in bytes, UNLIMITED for 0. Raises: Failure. Ask `has` first: None is an empty field."""
        value = self.number(*names)
        return None if value is None else UNLIMITED if value == 0 else value * MB

    def count(self, *names: str) -> int | None:
        """How many accounts at most: 0 is any number, −1 none at all. Raises: Failure."""
        value = self.number(*names, least=-1)
        return None if value is None else UNLIMITED if value == 0 else max(value, 0)

    def number(self, *names: str, least: int = 0) -> int | None:
        """A whole number; None for an empty field. Raises: Failure."""
        text = self.given(*names) or ""
        if not text:
            return None
        try:
            value = int(text) if len(text) < 20 else LARGEST
        except ValueError:
            value = LARGEST
        if not least <= value < LARGEST // MB:
            raise Failure(BAD_VALUE, f"{names[0]} is a whole number from {least} up.")
        return value

    def has(self, *names: str) -> bool:
        return any(name in self.form for name in names)

    def words(self, *names: str) -> list[str]:
        """What is separated by commas."""
        return [each.strip() for each in (self.given(*names) or "").split(",") if each.strip()]

    def fields(self, known: Mapping[str, tuple[tuple[str, ...], Callable[..., Any]]]) -> dict[str, Any]:
        """Those of these that were sent, by the service's name: {ours: (their names, how it is read)}."""
        return {ours: read(self, *names) for ours, (names, read) in known.items() if self.has(*names)}


def language_of(text: str) -> str:
    """Our language of a word like en_US; "" for one that we don't speak."""
    word = text.replace("-", "_").partition("_")[0].lower()
    word = "nb" if word == NORWEGIAN else word
    return word if word in LANGUAGES else ""


def form_of(call: Call, *, with_query: bool = True) -> dict[str, str]:
    """Raises: Failure."""
    found = {name: values[-1] for name, values in call.query.lists()} if with_query else {}
    kind = str(call.request.META.get("CONTENT_TYPE", ""))
    try:
        if kind.startswith("multipart/form-data"):
            return found | _parts(call)
        text = call.body.decode("utf-8")
        found |= dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except (UnicodeDecodeError, ValueError, MultiPartParserError) as error:
        raise Failure(BAD_VALUE, "The form can't be read.") from error
    if any("\0" in text for pair in found.items() for text in pair):
        raise Failure(BAD_VALUE, "The form can't be read.")
    return found


def _parts(call: Call) -> dict[str, str]:
    """What some PHP clients send where a form was meant. Files are passed over."""
    parser = MultiPartParser(call.request.META, io.BytesIO(call.body), [MemoryFileUploadHandler()], "utf-8")
    return {name: str(values[-1]) for name, values in parser.parse()[0].lists() if values}
