"""One call of the Cleanmail dialect, answered by version 1 of our API: the same operation, with Cleanmail's words put
into ours on the way in and ours into Cleanmail's on the way out (`words`).

So rights, limits, checks and versions are exactly those of version 1. Not for any operation of its own.
"""

from __future__ import annotations

import io
import json
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.urls import resolve

from accounts.models import User
from api.answering import PREFIX as OURS
from api.cleanmail import again, changes, folders, listing, queries, statuses, uploads
from api.cleanmail.routes import ROUTES
from api.cleanmail.words import inward, outward, queried
from api.dialects.call import Call, decoded
from api.dialects.registry import Refusal
from api.errors import TooLarge

PREFIX = "/api/v3"
JSON = "application/json"
UPLOADS = "POST /emails/attachments"
KEPT_HEADERS = ("X-Total-Count", "X-Total-Capped", "Retry-After", "WWW-Authenticate", "Allow", "Content-Disposition")
LONGEST_STREAM = 64 << 20


def answer(call: Call) -> HttpResponse:
    """Raises what isn't a matter of version 1's own checks; the frame translates it."""
    path = call.path.removeprefix(PREFIX)
    path = path.rstrip("/") or path
    parts = [decoded(part) if call.is_raw else part for part in path.split("/")[1:]]
    method = "GET" if call.method == "HEAD" else call.method
    found = ROUTES.find(method, parts, is_raw=True) or ROUTES.find(method, parts, is_raw=False)
    if found is None:
        return _no_operation(call, parts)
    call.operation = found[0].operation.name
    if call.operation in folders.TOLD or (call.operation in folders.OPERATIONS and parts[3] not in folders.OTHERS):
        place = call.prefix + PREFIX
        return folders.answer(call.operation, call.query, parts, place, lambda parts, query: _ask(call, parts, query))
    query = queries.fitted(call.operation, call.request.META.get("QUERY_STRING", ""))
    if listing.is_own(call, query):
        return listing.answer(call, query, lambda query: _ask(call, parts, query))
    if method in ("POST", "PATCH"):
        return _change(call, parts, query)
    return _ask(call, parts, query)


def _no_operation(call: Call, parts: list[str]) -> HttpResponse:
    others = ROUTES.methods(parts, is_raw=True)
    if not others:
        return refuse(Refusal(404, "not-found", "There is no such operation."))
    made = refuse(Refusal(405, "not-allowed", f"This path answers {', '.join(others)}."))
    made["Allow"] = ", ".join(others)
    return made


def _change(call: Call, parts: list[str], query: str) -> HttpResponse:
    """A document that a client wrote or read before; a user's may have a signature in it, which is set beside."""
    body, sign = changes.take_signature(call.operation, call.body)
    if call.operation == changes.TRIES:
        body = changes.for_a_domain(body, lambda: _ask(call, ["domains"], "pageSize=1", method="GET", body=b""))
    answer = _patched(call, parts, body) if call.method == "PATCH" else _ask(call, parts, query, body=body)
    if answer.status_code == 409 and call.operation in again.MAKES:
        answer = _made_again(call, parts, body) or answer
    if sign is None or answer.status_code not in (201, 204):
        return answer
    user = parts if call.method == "PATCH" else [*parts, json.loads(answer.content)["id"]]
    signed = changes.set_signature(user, sign, lambda way, place, body: _ask(call, place, "", method=way, body=body))
    return answer if signed.status_code < 300 or call.method == "POST" else signed  # who was made is made


def _patched(call: Call, parts: list[str], body: bytes) -> HttpResponse:
    answer = _ask(call, parts, "", method="PATCH", body=body)
    if answer.status_code not in (400, 422):
        return answer
    less = changes.without_told(body, answer, lambda: _ask(call, parts, "", method="GET"))
    return answer if less is None else _ask(call, parts, "", method="PATCH", body=less)


def _made_again(call: Call, parts: list[str], body: bytes) -> HttpResponse | None:
    """What was deleted and comes back by being made; None where the name is taken otherwise."""

    def ask(way: str, place: list[str], query: str, body: bytes) -> HttpResponse:
        return _patched(call, place, body) if way == "PATCH" else _ask(call, place, query, method=way, body=body)

    found = again.bring_back(call.operation, parts[0], changes.read(body) or {}, ask)
    if found is not None and found.status_code == 201:
        found["Location"] = f"{call.prefix}{PREFIX}/{parts[0]}/{json.loads(found.content)['id']}"
    return found


def _ask(
    call: Call, parts: list[str], query: str, *, method: str | None = None, body: bytes | None = None
) -> HttpResponse:
    """What version 1 answers, in Cleanmail's words; with another method or body than the caller's where given."""
    request = _inner(call, parts, query, method, body)
    match = resolve(request.path_info, "config.urls")
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    call.actor = getattr(request, "auth", None)
    return _outer(call, response)


def refuse(refusal: Refusal) -> HttpResponse:
    """An error with a message, as every error here."""
    return _json({"status": refusal.status, "error": refusal.kind, "message": refusal.text}, refusal.status)


def _inner(call: Call, parts: list[str], query: str, way: str | None, given: bytes | None) -> WSGIRequest:
    """The request as version 1 reads it."""
    kind = call.request.META.get("CONTENT_TYPE", "")
    method = way or call.method
    body = call.body if given is None and way is None else given or b""
    if call.operation == statuses.ASKS_TOKEN:
        asked = {"username": call.query.get("username", ""), "validity": call.query.get("validity", "4")}
        validity = asked["validity"]
        body, kind, query, method = (
            json.dumps({**asked, "validity": int(validity[:6]) if validity.isdecimal() else 0}).encode(),
            JSON,
            "",
            "POST",
        )
    elif call.operation == UPLOADS and kind.startswith("multipart/"):
        body, kind = uploads.as_document(call.request), JSON
    elif body:
        body, kind = _read(body, kind)
    if parts[0] == "users" and len(parts) > 1 and "@" in parts[1]:
        parts = [parts[0], str(_person(parts[1])), *parts[2:]]
    environ = {
        **call.request.META,
        "REQUEST_METHOD": method,
        "PATH_INFO": f"{OURS}/{'/'.join(parts)}".encode().decode("latin-1"),
        "QUERY_STRING": queried(query),
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    if listing.EXCEL in environ.get("HTTP_ACCEPT", ""):
        environ["HTTP_ACCEPT"] = JSON  # a sheet is made here
    request = WSGIRequest(environ)
    request.dialect = call.dialect.name  # type: ignore[attr-defined]  # whom the audit trail names
    return request


def _read(body: bytes, kind: str) -> tuple[bytes, str]:
    """A body in JSON, whatever it says that it is, in our words; anything else (an upload) as it is."""
    if kind.startswith("multipart/"):
        return body, kind
    try:
        return json.dumps(inward(json.loads(body))).encode(), JSON
    except (ValueError, RecursionError):
        return body, JSON


def _person(address: str) -> int:
    """The id that version 1 knows somebody by; it is version 1 that says whether the caller may see them."""
    found = User.objects.filter(email=address.strip().lower()[:254]).values_list("pk", flat=True).first()
    return found or 0


def _outer(call: Call, response: HttpResponseBase) -> HttpResponse:
    """Version 1's answer in Cleanmail's words."""
    if isinstance(response, StreamingHttpResponse):
        content = _whole(response)
    else:
        assert isinstance(response, HttpResponse)
        content = response.content
    status = statuses.theirs(call.operation, response.status_code)
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("application/problem+json"):
        found = json.loads(content)
        status = statuses.refused(call.operation, status, [fault["field"] for fault in found.get("errors", [])])
        told = {"status": status, "error": found["title"], "message": found["detail"]}
        made = _json(told | ({"errors": found["errors"]} if "errors" in found else {}), status)
    elif kind.startswith(JSON) and content:
        made = _json(outward(json.loads(content), place=call.prefix + PREFIX), status)
    else:
        made = HttpResponse(content, status=status, content_type=kind if content and kind else JSON)
    for name in KEPT_HEADERS:
        if name in response.headers:
            made[name] = response.headers[name]
    if "Location" in response.headers:
        made["Location"] = call.prefix + PREFIX + response.headers["Location"].removeprefix(OURS)
    return made


def _whole(response: StreamingHttpResponse) -> bytes:
    """What is made while it is sent, up to a limit that no answer of these operations reaches."""
    parts: list[bytes] = []
    size = 0
    for part in response:
        parts.append(bytes(part))
        size += len(parts[-1])
        if size > LONGEST_STREAM:
            raise TooLarge("What was asked for is too large to be answered here.")
    return b"".join(parts)


def _json(value: Any, status: int) -> HttpResponse:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text, status=status, content_type=JSON)
