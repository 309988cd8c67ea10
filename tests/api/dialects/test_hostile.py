"""Every operation of every dialect over HTTP with values that nobody sends in good faith: refused, never a 500."""

from __future__ import annotations

import base64
import json
import random
import re
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction

from api.dialects.served import BY_NAME
from api.iredadmin.sessions import COOKIE
from tests.api.callers import caller_for
from tests.api.dialects.calling import call, switch_on
from tests.api.iredadmin.client import post_login
from tests.api.mailstore.client import KEYS
from tests.archive.django.conftest import stores
from tests.domains.factories import make_domain, make_mailbox_in
from tests.factories import make_administrator

__all__ = ["stores"]
pytestmark = pytest.mark.django_db
OVER_HTTP = [name for name, dialect in BY_NAME.items() if dialect.answer is not None]
NAMES: list[str | bytes] = [
    "a/b", "\0", "\ud800".encode("utf-8", "surrogatepass"), b"\xff\xfe", "../..", "%2F", "1" * 400, "9" * 30, "-1", "é",
    "a@main.example", "main.example", "1", "٣", "x" * 5_000, " ", "\r\nX: y", "'\"><",
]  # fmt: skip
TIMES = 2
REAL: list[str | bytes] = ["main.example", "a@main.example", "1", "INBOX"]
BODIES = [
    b"", b"{", b"null", b"[]", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe\x00", b'"\\ud800"',
    b'{"\\ud800":"\\ud800"}',
    b"1e999", b"NaN", b'{"name":"\\u0000","domain":"\\u0000","email":"\\ud800@main.example","password":"\\ud800"}',
    b"9" * 5_000, b"name=a&name=b&id=1&id=2", b"name=%00&userName=%00&id=%ff&email=%ed%a0%80", b"a=" + b"x" * 100_000,
    b"=&=&&;", b'{"limit":1e400,"id":123456789012345678901234567890,"list":[[],{}]}', b"-1", b"true",
]  # fmt: skip
KINDS = [
    "",
    "application/json",
    "text/plain; charset=klingon",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
]
# What an error of each dialect has, whatever is sent; iRedAdmin's come with 200.
ERRORS = {
    "james": {"statusCode", "type", "message", "details"},
    "cleanmail": {"status", "error", "message"},
    "iredadmin": {"_success", "_msg"},
    "mailstore": KEYS,
}
QUERIES = ["", "?limit=-1&offset=x&limit=9", "?%00=%ff", "?task=x&action=y&force", "?limit=99999999999999999999"]


def quoted(value: str | bytes) -> str:
    return quote(value, safe="")


@pytest.mark.parametrize("name", OVER_HTTP)
def test_what_nobody_sends_in_good_faith_is_refused_and_never_breaks(name: str, stores: None, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    seen: Counter[int] = Counter()
    switch_on(name)
    make_mailbox_in(make_domain("main.example"), "a")
    token = caller_for(make_administrator("root@main.example")).token
    chance = random.Random(7)
    wrong = []
    cookie = ""
    if name == "iredadmin":
        cookie = f"{COOKIE}={post_login('root@main.example', token).cookies[COOKIE].value}"
    prefix = {"cleanmail": "/cleanmail/api/v3", "iredadmin": "/iredadmin/api"}.get(name, f"/{name}")
    for operation in BY_NAME[name].operations():
        for _each in range(TIMES):
            names = NAMES if chance.random() < 0.4 else REAL
            path = re.sub(r"\{[^}]*\}", "{}", operation.path)
            path = path.format(*(quoted(chance.choice(names)) for _place in range(path.count("{}"))))
            path = path.removeprefix("/api") if name == "iredadmin" else path
            body, kind = chance.choice(BODIES), chance.choice(KINDS)
            address = prefix + path + chance.choice(QUERIES)
            with transaction.atomic():
                answer = call(
                    operation.method or "POST", address, body, content_type=kind, Password=token, Cookie=cookie,
                    Authorization=basic(token) if name == "mailstore" else f"Bearer {token}",
                )  # fmt: skip
                transaction.set_rollback(True)
            seen[answer.status_code] += 1
            if answer.status_code >= 500 and answer.status_code != 503:
                wrong.append(f"{operation.method} {address[:200]} {kind} {body[:80]!r}: {answer.status_code}")
            if said := out_of_shape(name, answer):
                wrong.append(f"{operation.method} {address[:200]} {kind} {body[:80]!r}: {said}")
    assert len(seen) > 1 or name == "iredadmin", seen  # it isn't one refusal for all
    assert not wrong, "\n".join(wrong)


def out_of_shape(name: str, answer: Any) -> str:
    """What isn't the dialect's own way to refuse, such as a page or a trace."""
    if (name == "mailstore" and answer.status_code == 200) or (answer.status_code < 400 and name != "iredadmin"):
        return ""
    if name == "james" and not answer.content:  # whether somebody is there (HEAD), or a password right
        return ""
    try:
        found = json.loads(answer.content.decode("utf-8-sig"))
    except ValueError:
        return f"no JSON: {answer.content[:100]!r}"
    if name == "iredadmin" and isinstance(found, dict) and found.get("_success") is True:
        return ""
    if name == "james" and isinstance(found, dict) and "checks" in found:  # how the server is
        return ""
    if not isinstance(found, dict) or not ERRORS[name] <= set(found):
        return f"no error of its own: {answer.content[:100]!r}"
    return "a trace" if "Traceback" in str(found) else ""


def basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"root@main.example:{token}".encode()).decode()
