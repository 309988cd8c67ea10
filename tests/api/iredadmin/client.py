"""A program that speaks the iRedAdmin-Pro dialect: it logs in, keeps the first cookie, and sends forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from api.iredadmin.sessions import COOKIE
from tests.api.dialects.calling import call

Form = Mapping[str, str] | None
FORM = "application/x-www-form-urlencoded"


def post_login(email: str, password: str, *, base: str = "/iredadmin/api", **how: Any) -> Any:
    body = urlencode({"username": email, "password": password})
    return call("POST", f"{base}/login", body, content_type=FORM, **how)


def log_in(email: str, password: str) -> str:
    """The cookie's value."""
    answer = post_login(email, password)
    assert answer.json() == {"_success": True}, answer.content
    return str(answer.cookies[COOKIE].value)


def ask(
    session: str, method: str, path: str, form: Form = None, *, base: str = "/iredadmin/api", raw: bool = True
) -> Any:
    """The answer's document; it comes with status 200 whatever it says."""
    answer = send(session, method, f"{base}{path}", form, raw=raw)
    assert answer.status_code == 200, answer.content
    return answer.json()


def send(session: str, method: str, address: str, form: Form = None, **how: Any) -> Any:
    if session:
        how["Cookie"] = f"{COOKIE}={session}"
    return call(method, address, urlencode(form or {}), content_type=FORM, **how)


OK = {"_success": True}


def no(code: str) -> dict[str, Any]:
    return {"_success": False, "_msg": code}
