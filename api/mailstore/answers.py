"""Answers in the Management API's shape: eight keys always, status 200 also for a function that failed.

Only who isn't let in, asks for no address of ours or holds no token of ours gets another status. A BOM goes first, as
its clients know it. Source: what clients read ("Wire format").
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from api.dialects.registry import Refusal

CONTENT_TYPE = "application/json; charset=utf-8"
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
CHALLENGE = 'Basic realm="MailStore Management API", charset="UTF-8"'
AT_ONCE = 2  # the status version of whatever has ended before anybody could ask
RUNNING, SUCCEEDED, FAILED, CANCELLED = "running", "succeeded", "failed", "cancelled"


class ApiFailure(Exception):
    """A function's error: what is wrong, in the words that clients show, and where."""

    permanent = True

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message, self.where = message, where


@dataclass(frozen=True, slots=True)
class Status:
    """One envelope. token: of a function that goes on, else None."""

    code: str
    version: int = AT_ONCE
    token: str | None = None
    percent: int | None = None
    text: str | None = None
    result: Any = None
    error: dict[str, str] | None = None
    log: str | None = None


def fault(message: str, where: str = "") -> dict[str, str]:
    """An error as clients read it: message for people, details for whoever looks closer."""
    return {"message": message, "details": f"System.Exception: {message}" + (f"\r\n   at {where}" if where else "")}


def body(value: Any, status: int = 200) -> HttpResponse:
    text = BOM + json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return HttpResponse(text.encode("utf-8", "replace"), status=status, content_type=CONTENT_TYPE)


def envelope(found: Status, status: int = 200) -> HttpResponse:
    return body(
        {
            "error": found.error,
            "token": found.token,
            "statusVersion": found.version,
            "statusCode": found.code,
            "percentProgress": found.percent,
            "statusText": found.text,
            "result": found.result,
            "logOutput": found.log,
        },
        status,
    )


def succeeded(result: Any) -> HttpResponse:
    return envelope(Status(SUCCEEDED, result=result))


def failed(message: str, where: str = "", status: int = 200) -> HttpResponse:
    return envelope(Status(FAILED, error=fault(message, where)), status)


def refuse(refusal: Refusal) -> HttpResponse:
    """What the frame refuses; a missing header and a wrong password get the challenge that clients wait for."""
    response = failed(refusal.text, status=refusal.status)
    if refusal.status == 401:
        response["WWW-Authenticate"] = CHALLENGE
    return response
