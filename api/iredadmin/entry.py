"""One call of the iRedAdmin-Pro dialect: a login, or whose session it is, which route, its answer.

Its paths begin with /api, or /iredadmin/api: both are in use. A browser that was sent here by a page of another site is
refused, beside its cookie not coming along.
"""

from __future__ import annotations

from django.http import HttpResponse

from accounts.errors import Forbidden
from api.dialects import door
from api.dialects.call import Call
from api.errors import TooManyRequests, Unauthenticated
from api.iredadmin import answers, sessions
from api.iredadmin.answers import Failure
from api.iredadmin.asking import Asked, form_of
from api.iredadmin.routes import LOGIN, ROUTES

PREFIX = "/iredadmin"
OWN_SITE = ("", "none", "same-origin")


def answer(call: Call) -> HttpResponse:
    """Everything is answered in iRedAdmin's shape."""
    below = call.path.startswith(f"{PREFIX}/")
    call.path = call.path.removeprefix(PREFIX) if below else call.path
    try:
        return _answered(call)
    except Failure as error:
        return _failed(call, error.message)
    except Exception as error:  # services of any app; the frame knows what to say of each
        refusal = door.refusal_of(error, call)
        if refusal.status >= 500 or isinstance(error, TooManyRequests):
            call.result = f"!{refusal.status}"
            return door.refuse(call.dialect, refusal)
        code = answers.code_of(error)
        return _failed(call, code if code in answers.PLAIN else f"{code}: {refusal.text}")


def _answered(call: Call) -> HttpResponse:
    found = ROUTES.find(call.method, call.segments, is_raw=call.is_raw)
    if found is not None:
        call.operation = found[0].operation.name
    if call.header("Sec-Fetch-Site") not in OWN_SITE:
        raise Failure(answers.DENIED, "Pages of other sites can't call here.")
    if found is not None and found[0].operation is LOGIN:
        return _login(call)
    call.actor = sessions.actor_of(call)
    if found is None:
        raise Failure(answers.UNKNOWN)
    route, named = found
    if call.actor.read_only and not route.operation.reads:
        raise Forbidden("this token may only read")
    if any("\0" in value for value in named.values()):
        raise Failure(answers.BAD_VALUE)
    data = route.handler(Asked(call.actor, named, form_of(call)))
    call.result = "ok"
    return answers.done(data)


def _login(call: Call) -> HttpResponse:
    form = form_of(call, with_query=False)  # a password in an address would stand in logs
    try:
        value = sessions.begin(call, form.get("username", "").strip(), form.get("password", ""))
    except Unauthenticated:
        return _failed(call, answers.CREDENTIALS)
    response = answers.done()
    sessions.set_cookie(call, response, value)
    call.result = "ok"
    return response


def _failed(call: Call, message: str) -> HttpResponse:
    call.result = f"!{message}"
    return answers.failed(message)
