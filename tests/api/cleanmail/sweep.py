"""What the access sweep needs to know of the Cleanmail dialect. Who may what is version 1's (tests/api/rows.py)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from api.dialects.registry import Operation
from tests.api.dialects.calling import call
from tests.api.dialects.sweep import Sweep
from tests.api.world import Place


def send(operation: Operation, place: Place, token: str) -> Any:
    """About things of a place. The body is broken: the right comes before it."""
    person = str(place.person.pk)
    values = {"domainId": str(place.domain.pk), "userId": person, "adminId": person, "folderPath": "Inbox"}
    values |= {"folder": "Quarantine", "policyId": str(place.domain.default_policy_id)}
    path = re.sub(r"\{(\w+)\}", lambda found: quote(values.get(found[1], "1"), safe=""), operation.path)
    headers: dict[str, Any] = {"Authorization": f"Bearer {token}"} if token else {}
    query = "?username=nobody@own.example" if operation.path == "/token" else ""
    body = "" if operation.method in ("GET", "DELETE") else json.dumps([{"wrong": True}])
    return call(operation.method, f"/cleanmail/api/v3{path}{query}", body, **headers)


def is_refused(answer: Any) -> bool:
    """No, nothing there, an empty list, or a body that isn't right (one's own things, where the body is looked at)."""
    return answer.status_code in (400, 401, 403, 404, 422) or answer.content in (b"[]", b"{}")


OWN = frozenset(
    {
        # what everybody may ask about themselves
        "GET /security/admins", "GET /security/admins/{adminId}", "GET /admins/{adminId}/tokens", "GET /domains",
        "GET /users", "GET /users/{userId}", "GET /users/{userId}/options", "GET /users/{userId}/wblist",
        "GET /users/{userId}/emails/folders", "GET /users/{userId}/emails/folders/{folderPath}",
        "GET /users/{userId}/emails/{folderPath}", "GET /users/{userId}/sign", "GET /health",
        "DELETE /users/{userId}/sign",
    }
)  # fmt: skip

SWEEP = Sweep(
    dialect="cleanmail",
    send=send,
    is_unauthenticated=lambda answer: answer.status_code == 401,
    is_refused=is_refused,
    is_not_served=lambda answer: answer.status_code in (405, 501),
    open_to_all=OWN,
)
