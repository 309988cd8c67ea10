"""Programs that call the API in tests: a token of a person and Django's own client, without cookies."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from accounts import services
from accounts.actors import Actor
from accounts.models import User

_numbers = itertools.count(1)
MISSING: Any = object()


@dataclass(frozen=True)
class Caller:
    """Calls with one token (""= none at all). Paths are below /api/v1."""

    token: str = ""
    prefix: str = "/api/v1"

    def __call__(self, method: str, path: str, body: Any = MISSING, **headers: str) -> Any:
        """The answer; `body` is sent as JSON, bytes as they are. headers: If_Match="…" → If-Match."""
        raw = b"" if body is MISSING else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        kind = sent.pop("Content-Type", "application/json")
        address = path if path.startswith("/api/") else self.prefix + path
        return Client(raise_request_exception=False).generic(
            method, address, raw, content_type=kind if raw or kind != "application/json" else "", headers=sent
        )

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = MISSING, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def put(self, path: str, body: Any = MISSING, **headers: str) -> Any:
        return self("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = MISSING, **headers: str) -> Any:
        return self("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self("DELETE", path, **headers)


def caller_for(person: User | None) -> Caller:
    """A program with a fresh token of this person; with none for None."""
    if person is None:
        return Caller()
    return Caller(services.create_token(Actor.for_user(person), person, name=f"test {next(_numbers)}").value)


def is_problem(response: Any, status: int) -> dict[str, Any]:
    """Assert that this is a whole problem document with that status, and answer it."""
    assert response.status_code == status, (response.status_code, response.content)
    assert response["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance", "requestId"} <= found.keys()
    assert found["status"] == status
    assert found["requestId"] == response["X-Request-ID"]
    return found
