"""Answers in James's shapes: JSON always, nothing at all on 204, errors as {statusCode, type, message, details}.

Source: WebAdmin's manual, "Errors"; its clients compare status, type and message literally. Not for deciding.
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse

from api.dialects.registry import Refusal

JSON = "application/json"
INVALID, NOT_FOUND, WRONG_STATE, SERVER_ERROR = "InvalidArgument", "notFound", "WrongState", "ServerError"
ARGUMENTS = "Invalid arguments supplied in the user request"
PAYLOAD = "JSON payload of the request is not valid"


class JamesError(Exception):
    """What is answered instead. details: null where there is nothing more to say."""

    permanent = True

    def __init__(self, status: int, type_: str, message: str, details: str | None = None) -> None:
        super().__init__(message)
        self.status, self.type, self.message, self.details = status, type_, message, details


def invalid(message: str, details: str | None = None) -> JamesError:
    return JamesError(400, INVALID, message, details)


def arguments(details: str) -> JamesError:
    """An argument that WebAdmin's own checks refuse."""
    return JamesError(400, INVALID, ARGUMENTS, details)


def bad_domain(name: str) -> JamesError:
    """A name that can't be a domain's, where the routes have no sentence of their own for it."""
    return arguments(f"Domain parts ASCII chars must be a-z A-Z 0-9 - or _ in {name[:300]}")


def not_found(message: str, *, type_: str = NOT_FOUND) -> JamesError:
    return JamesError(404, type_, message)


def conflict(message: str, details: str | None = None) -> JamesError:
    return JamesError(409, WRONG_STATE, message, details)


def body(value: Any, status: int = 200) -> HttpResponse:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text, status=status, content_type=JSON)


def nothing(status: int = 204) -> HttpResponse:
    return HttpResponse(status=status, content_type=JSON)


def task(task_id: str) -> HttpResponse:
    """A task was begun."""
    response = body({"taskId": task_id}, 201)
    response["Location"] = f"/tasks/{task_id}"
    return response


def error(found: JamesError) -> HttpResponse:
    document = {
        "statusCode": found.status,
        "type": found.type,
        "message": found.message,
        "details": found.details,
    }
    return body(document, found.status)


def refuse(refusal: Refusal) -> HttpResponse:
    """What the frame refuses, or a service did and no handler says better."""
    if refusal.kind == "unauthenticated":
        return HttpResponse(refusal.text, status=401, content_type=JSON)
    if refusal.status >= 500 and refusal.kind == "failed":
        return error(JamesError(500, SERVER_ERROR, "WebAdmin encountered an unexpected internal error"))
    if refusal.status in (400, 422):
        return error(JamesError(400, INVALID, ARGUMENTS, refusal.text))
    type_ = {404: NOT_FOUND, 409: WRONG_STATE, 503: SERVER_ERROR}.get(refusal.status, INVALID)
    return error(JamesError(refusal.status, type_, refusal.text))
