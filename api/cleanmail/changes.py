"""Documents that Cleanmail's clients send back as they read them, and signatures that come with a user.

Version 1 refuses a field that it doesn't know, and one that it only tells; Cleanmail's clients read an object, change
a field and send the whole. So what a read of the same object tells, and nobody can set, is passed over; what it doesn't
tell is refused still.
Source: cleanmail.md §5.5 and §5.14 (PATCH), §6.39 and §6.61 (`sign`), §5.16.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import override

TRIES = "POST /health/try-relay"
SIGNED = ("POST /users", "PATCH /users/{userId}")
_STEP = re.compile(r"[^.\[\]]+")
Ask = Callable[[str, list[str], bytes], HttpResponse]


def take_signature(operation: str, body: bytes) -> tuple[bytes, str | None]:
    """A user's document without its signature, and that; None where there is none in it."""
    found = read(body) if operation in SIGNED else None
    if found is None or not isinstance(found.get("sign"), str | None) or "sign" not in found:
        return body, None
    sign = found.pop("sign")
    return json.dumps(found).encode(), sign


def set_signature(parts: list[str], html: str, ask: Ask) -> HttpResponse:
    """HTML as the signature of the user of a path; an empty one takes it away."""
    place = [*parts, "sign"]
    if not html:
        gone = ask("DELETE", place, b"")
        return HttpResponse(status=204) if gone.status_code == 404 else gone
    return ask("PUT", place, json.dumps({"sign": base64.b64encode(html.encode()).decode()}).encode())


def read(body: bytes) -> dict[str, Any] | None:
    """A document that is an object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def for_a_domain(body: bytes, ask: Callable[[], HttpResponse]) -> bytes:
    """A relay to be tried, for the first of the caller's domains where none is said: version 1 wants to know whose."""
    found = read(body)
    if found is None or found.get("id") or found.get("domainId"):
        return body
    told = ask()
    rows = json.loads(told.content) if told.status_code == 200 else []
    return json.dumps(found | {"domainId": rows[0]["id"]}).encode() if rows else body


def without_told(body: bytes, refused: HttpResponse, ask: Callable[[], HttpResponse]) -> bytes | None:
    """The document without fields that a read tells and none sets; None where it is wrong in another way too."""
    found = read(body)
    faults = json.loads(refused.content).get("errors", []) if refused.status_code in (400, 422) else []
    fields = [fault["field"] for fault in faults if fault["detail"] in _unknown()]
    if found is None or not fields:
        return None
    told = ask()
    names = _names(json.loads(told.content)) if told.status_code == 200 else set()
    steps = [_STEP.findall(field) for field in fields]
    if not all(each and each[-1] in names for each in steps):
        return None
    for each in steps:
        _drop(found, each)
    return json.dumps(found).encode()


@cache
def _unknown() -> frozenset[str]:
    """What version 1 says of a field that isn't one, in whichever language it speaks to the caller."""
    said = set()
    for code, _name in settings.LANGUAGES:
        with override(code):
            said.add(_("There is no such field."))
    return frozenset(said)


def _names(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_names, value))
    return set(value).union(*map(_names, value.values())) if isinstance(value, dict) else set()


def _drop(value: Any, steps: list[str]) -> None:
    for step in steps[:-1]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    value.pop(steps[-1], None)
