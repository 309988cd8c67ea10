"""One call of the James dialect: who asks, which route, its answer, and errors in James's shape."""

from __future__ import annotations

from django.http import Http404, HttpResponse

from accounts.errors import Forbidden
from api.dialects.call import Call
from api.james import credentials
from api.james.answers import JamesError, error, not_found, nothing
from api.james.asking import Asked
from api.james.routes import ROUTES


def answer(call: Call) -> HttpResponse:
    """Raises what services raise; the frame translates it, and `answers.refuse` says it."""
    if call.method == "OPTIONS":
        return _allowed(call)
    segments = call.segments
    found = ROUTES.find(call.method, segments, is_raw=call.is_raw)
    if found is None and call.method == "HEAD":
        found = ROUTES.find("GET", segments, is_raw=call.is_raw)
    if found is not None:
        call.operation = found[0].operation.name
    if found is None or not found[0].operation.public:
        call.actor = credentials.actor_of(call)
    try:
        if found is None or any("\0" in segment for segment in segments):
            raise not_found(f"{call.method} {call.path} can not be found")
        route, named = found
        if call.actor is not None and call.actor.read_only and not route.operation.reads:
            raise Forbidden("this token may only read")
        response = route.handler(Asked(call.actor, named, call))  # type: ignore[arg-type]  # public ones need nobody
        if "Location" in response.headers:
            response["Location"] = call.prefix + response.headers["Location"]
        return response
    except JamesError as refused:
        return error(refused)
    except Http404:
        return error(not_found(f"{call.method} {call.path} can not be found"))


def _allowed(call: Call) -> HttpResponse:
    """What a browser asks before it calls; no other origin is ever let in."""
    response = nothing(200)
    response["Allow"] = ", ".join([*ROUTES.methods(call.segments, is_raw=call.is_raw), "OPTIONS"])
    return response
