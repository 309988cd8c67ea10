"""The kinds of documents: what is read (`Body`, strict), what is answered (`Answer`), and the types of their fields.

camelCase outside, snake_case inside. Shape only; rules raise in the services. A body takes no text for a number, no 1
for true and no field it doesn't know, so that a slip is said and not guessed at.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

MAX_ID = 2**63 - 1
MAX_INT = 2**31 - 1


class Body(BaseModel):
    """What a request's body may hold."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        allow_inf_nan=False,
        frozen=True,
        json_schema_serialization_defaults_required=False,
    )

    def changes(self) -> dict[str, Any]:
        """Only the fields that were sent, null included, by their names inside."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def left_out() -> Any:
    """The default of a PATCH's field that may be left out and can't be null: only `changes()` tells it from a value."""
    return Field(default_factory=_nothing)


def _nothing() -> None:
    return None


class Answer(BaseModel):
    """What an answer holds: always every field, null where there is nothing."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=False,
        json_schema_serialization_defaults_required=True,
    )


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)")
_YEARS = range(1970, 9999)


def _read_moment(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            moment = dt.datetime.fromisoformat(value.upper())
            if moment.year in _YEARS:
                return moment
    except ValueError:
        pass
    raise PydanticCustomError("moment", "Write a moment in ISO 8601 with its zone, as 2026-03-01T12:00:00Z")


def _written_out(value: dt.datetime) -> str:
    """UTC, with Z: the same moment is always the same text."""
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


_MOMENT_SCHEMA = {"type": "string", "format": "date-time", "examples": ["2026-03-01T12:00:00Z"]}
Moment = Annotated[
    dt.datetime,
    BeforeValidator(_read_moment),
    PlainSerializer(_written_out, return_type=str, when_used="json"),
    WithJsonSchema(_MOMENT_SCHEMA),
]
Id = Annotated[int, Field(ge=1, le=MAX_ID, examples=[42])]
Count = Annotated[int, Field(ge=0, le=MAX_ID)]
Port = Annotated[int, Field(ge=1, le=65_535, examples=[25])]
Address = Annotated[str, Field(max_length=320, examples=["user@example.org"])]
Name = Annotated[str, Field(max_length=253)]
Line = Annotated[str, Field(max_length=500)]
Prose = Annotated[str, Field(max_length=100_000)]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


UpperCase = BeforeValidator(_upper)  # for words that the manual writes in both cases


def unique(values: list[str]) -> list[str]:
    """The same without repetitions, in the first order."""
    return list(dict.fromkeys(values))


Unique = AfterValidator(unique)
