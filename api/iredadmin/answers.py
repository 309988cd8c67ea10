"""Answers as iRedAdmin-Pro gives them: JSON with `_success`, with `_msg` where it is false, with `_data` where asked.

The status is 200 also for failures: its clients look at `_success` alone, and some compare the code in `_msg`
("ALREADY_EXISTS"). A code that says too little is followed by a sentence for people.
Source: wire/iredadmin.md.
"""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpResponse

from accounts import errors as accounts
from api import errors as house
from api.dialects.registry import Refusal
from domains import errors as domains

NO_DOMAIN, NO_ACCOUNT = "NO_SUCH_DOMAIN", "NO_SUCH_ACCOUNT"
EXISTS, DENIED = "ALREADY_EXISTS", "PERMISSION_DENIED"
LOGIN, CREDENTIALS = "LOGIN_REQUIRED", "INVALID_CREDENTIALS"
BAD_DOMAIN, BAD_MAIL, BAD_PASSWORD, BAD_VALUE = (
    "INVALID_DOMAIN_NAME",
    "INVALID_MAIL",
    "INVALID_PASSWORD",
    "INVALID_VALUE",
)
LIMIT, IN_USE, UNKNOWN, UNSUPPORTED = "EXCEEDED_LIMIT", "IN_USE", "UNKNOWN_API", "NOT_SUPPORTED"

# The first line that fits counts.
CODES: tuple[tuple[type[Exception], str], ...] = (
    (Http404, NO_ACCOUNT),
    (accounts.Forbidden, DENIED),
    (accounts.AddressTaken, EXISTS),
    (domains.Taken, EXISTS),
    (domains.LimitReached, LIMIT),
    (accounts.BadPassword, BAD_PASSWORD),
    (accounts.BadAddress, BAD_MAIL),
    (domains.BadAddress, BAD_MAIL),
    (domains.InUse, IN_USE),
    (domains.WrongState, IN_USE),
    (house.Unauthenticated, LOGIN),
)
PLAIN = frozenset({NO_ACCOUNT, EXISTS, DENIED, LOGIN})
OF_KINDS = {"unauthenticated": LOGIN, "forbidden": DENIED, "not-found": NO_ACCOUNT, "too-large": "TOO_LARGE"}
OF_KINDS |= {"too-many": "TOO_MANY_REQUESTS", "unavailable": "UNAVAILABLE", "off": UNKNOWN, "client": DENIED}


class Failure(Exception):
    """What is answered instead. `code` is one of iRedAdmin's words."""

    permanent = True

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.message = f"{code}: {text}" if text else code


def code_of(error: Exception) -> str:
    """The word for what a service raised."""
    if isinstance(error, domains.Invalid) and error.field == "password":
        return BAD_PASSWORD
    return next((code for kind, code in CODES if isinstance(error, kind)), BAD_VALUE)


def done(data: Any = None) -> HttpResponse:
    return _body({"_success": True} if data is None else {"_success": True, "_data": data})


def failed(message: str, status: int = 200) -> HttpResponse:
    return _body({"_success": False, "_msg": message}, status)


def refuse(refusal: Refusal) -> HttpResponse:
    """What the frame refuses: with the status that says so, since no manual documents these."""
    code = OF_KINDS.get(refusal.kind, "FAILED")
    return failed(code if refusal.kind in ("off", "unauthenticated") else f"{code}: {refusal.text}", refusal.status)


def _body(value: Any, status: int = 200) -> HttpResponse:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text, status=status, content_type="application/json")
