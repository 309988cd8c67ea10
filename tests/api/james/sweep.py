"""What the access sweep needs to know of the James dialect."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from api.dialects.registry import Operation
from tests.api.dialects.calling import call
from tests.api.dialects.sweep import Sweep
from tests.api.world import Place


def send(operation: Operation, place: Place, token: str) -> Any:
    values = {"domain": place.domain.name}
    path = re.sub(r"\{(\w+)\}", lambda found: quote(values.get(found[1], "x"), safe="@"), operation.path)
    headers: dict[str, Any] = {"Password": token} if token else {}
    return call(operation.method, f"/james{path}", **headers)


SWEEP = Sweep(
    dialect="james",
    send=send,
    is_unauthenticated=lambda answer: answer.status_code == 401,
    is_refused=lambda answer: answer.status_code in (403, 404),
    open_to_all=frozenset({"GET /domains"}),
)
