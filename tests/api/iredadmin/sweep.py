"""What the access sweep needs to know of the iRedAdmin-Pro dialect."""

from __future__ import annotations

import re
from typing import Any

from accounts.models import ApiToken
from accounts.secrets import token_hash
from api.dialects.registry import Operation
from api.iredadmin.answers import UNSUPPORTED
from api.iredadmin.sessions import COOKIE
from tests.api.dialects.sweep import Sweep
from tests.api.iredadmin.client import post_login, send
from tests.api.world import Place

FORM = {
    "cn": "Somebody", "quota": "1", "accountStatus": "disabled", "transport": "dovecot", "language": "de_DE",
    "password": "a long enough passphrase 9", "accessPolicy": "public", "period": "3600", "max_msgs": "20",
    "addresses": "@spam.example",
}  # fmt: skip
MAKING = ("POST /api/user/{mail}", "POST /api/alias/{mail}", "POST /api/maillist/{mail}")


def send_one(operation: Operation, place: Place, token: str) -> Any:
    """A login and the operation: with a session where the token begins one."""
    values = {
        "domain": place.domain.name,
        "mail": place.person.email,
        "days": "400",
        "list": "whitelist",
        "kind": "user",
        "name": place.person.email,
        "account": "global",
        "new": f"new@{place.domain.name}",
    }
    if operation.name in MAKING:
        values["mail"] = f"fresh@{place.domain.name}"
    path = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], operation.path)
    return send(_session(token), operation.method, f"/iredadmin{path}", FORM)


def _session(token: str) -> str:
    if not token:
        return ""
    row = ApiToken.objects.filter(token_hash=token_hash(token)).select_related("user").first()
    answer = post_login(row.user.email if row else "root@server.example", token)
    return str(answer.cookies[COOKIE].value) if COOKIE in answer.cookies else "wrong"


def is_refused(answer: Any) -> bool:
    found = answer.json()
    return found.get("_success") is False or found.get("_data") == []


SWEEP = Sweep(
    dialect="iredadmin",
    send=send_one,
    is_unauthenticated=lambda answer: answer.json().get("_msg") in ("LOGIN_REQUIRED", "INVALID_CREDENTIALS"),
    is_refused=is_refused,
    is_not_served=lambda answer: str(answer.json().get("_msg")).startswith(UNSUPPORTED),
    open_to_all=frozenset({"GET /api/domains"}),  # one's own
)
