"""What a stranger was asked and may answer within ten minutes: how an identity provider answers, or a passkey.

Kept by their own browser in a signed cookie, so that who only knocks makes no row of a session. Each question is
answered once, wherever its cookie was copied to: that it was is kept in the cache as long as the answer would count.
Who is signed in, or half way in, has a session; what they were asked is kept there (`half_way`, `views.providers`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

COOKIE = "__Host-postkeep-asked" if settings.SESSION_COOKIE_SECURE else "postkeep-asked"
SALT = "accounts.open_questions"
LASTS_S = 600
AT_ONCE = 5
MOST_BYTES = 3_500  # browsers keep 4,096 with name and attributes (RFC 6265 §6.1)


def keep(request: HttpRequest, response: HttpResponse, name: str, question: Mapping[str, Any]) -> None:
    """Let the browser keep a question until it is answered; of more than some at once the oldest go.

    name: by what the answer says which one it answers; nobody else can know it.
    """
    found = [*_kept(request)[-AT_ONCE + 1 :], {**question, "name": name, "at": time.time()}]
    value = signing.dumps(found, salt=SALT, compress=True)
    while len(value) > MOST_BYTES and len(found) > 1:
        del found[0]
        value = signing.dumps(found, salt=SALT, compress=True)
    response.set_cookie(
        COOKIE, value, max_age=LASTS_S, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def last_name(request: HttpRequest, kind: str) -> str:
    """The name of the question of a kind (its value "kind") that was asked last; "" for none."""
    return next((str(each["name"]) for each in reversed(_kept(request)) if each.get("kind") == kind), "")


def take(request: HttpRequest, name: str, **wanted: Any) -> dict[str, Any] | None:
    """The question of this name and these values, if it was asked of this browser and isn't answered yet: it is now."""
    for each in _kept(request):
        if each["name"] == name and all(each.get(key) == value for key, value in wanted.items()):
            mark = f"answered:{hashlib.sha256(name.encode()).hexdigest()}"
            return each if cache.add(mark, 1, timeout=LASTS_S) else None
    return None


def _kept(request: HttpRequest) -> list[dict[str, Any]]:
    """The questions of this browser that may still be answered, the oldest first."""
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=LASTS_S)
    except signing.BadSignature:
        return []
    return [each for each in found if each["at"] > time.time() - LASTS_S]
