"""Reads what was sent: a JSON body and a query string, into their declared schemas, with every fault named.

The body is read as strictly as it is declared; nothing of it is looked at before the caller's right has been asked
(`api.operations` sees to that). PostgreSQL keeps no NUL in text, so one is refused here for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import pydantic
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from pydantic import TypeAdapter
from pydantic_core import ErrorDetails, from_json

from api.errors import BadRequest, Fault, Invalid, UnsupportedMediaType

T = TypeVar("T")
JSON_TYPES = ("application/json", "application/merge-patch+json")
MAX_FAULTS = 100


def read_body(request: HttpRequest, adapter: TypeAdapter[T], *, is_optional: bool) -> T | None:
    """The body as declared. Raises: BadRequest, TooLarge (by Django), UnsupportedMediaType, Invalid."""
    raw = request.body
    if not raw.strip():
        if is_optional:
            return None
        raise BadRequest(_("A body in JSON is missing."))
    _require_json(request)
    if b"\\u0000" in raw:
        _refuse_nul(raw)
    try:
        return adapter.validate_json(raw, strict=True, by_alias=True, by_name=False)
    except pydantic.ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        if details[0]["type"] == "json_invalid":
            raise BadRequest(details[0]["msg"]) from error
        raise Invalid.of(_faults(details)) from error


def read_query(query: QueryDict, adapter: TypeAdapter[T]) -> T:
    """The query string as declared; what isn't declared is refused by name. Raises: Invalid."""
    faults = [Fault(name, _("This parameter is given more than once.")) for name, values in query.lists() if values[1:]]
    faults += [Fault(name, _("Text can't hold a NUL character.")) for name, value in query.items() if "\0" in value]
    try:
        found = adapter.validate_python(query.dict(), by_alias=True, by_name=False)
    except pydantic.ValidationError as error:
        known = {fault.field for fault in faults}
        faults += [f for f in _faults(error.errors(include_url=False, include_input=False)) if f.field not in known]
    if faults:
        raise Invalid.of(faults)
    return found


def _require_json(request: HttpRequest) -> None:
    charset = request.content_params.get("charset", "utf-8") if request.content_params else "utf-8"
    if request.content_type not in JSON_TYPES or charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(
            _("Send the body as “Content-Type: application/json” in UTF-8."), headers={"Accept": ", ".join(JSON_TYPES)}
        )


def _refuse_nul(raw: bytes) -> None:
    try:
        document = from_json(raw)
    except ValueError:
        return  # said with the other faults of form
    faults = [Fault(_path(place), _("Text can't hold a NUL character.")) for place in _nuls(document, ())]
    if faults:
        raise Invalid.of(faults[:MAX_FAULTS])


def _nuls(document: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(document, str):
        if "\0" in document:
            yield place
    elif isinstance(document, list):
        for number, each in enumerate(document):
            yield from _nuls(each, (*place, number))
    elif isinstance(document, dict):
        for key, each in document.items():
            yield from _nuls(key, (*place, key.replace("\0", "�")))
            yield from _nuls(each, (*place, key.replace("\0", "�")))


def _faults(details: list[ErrorDetails]) -> list[Fault]:
    return [Fault(_path(detail["loc"]), _words(detail)) for detail in details[:MAX_FAULTS]]


def _path(place: tuple[str | int, ...]) -> str:
    """("platforms", 0, "transportPort") → platforms[0].transportPort; the whole document is ""."""
    found = ""
    for step in place:
        found += f"[{step}]" if isinstance(step, int) else f".{step}" if found else step
    return found


def _words(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return _("There is no such field.")
    if detail["type"] == "missing":
        return _("This field is needed.")
    return detail["msg"].removeprefix("Value error, ")
