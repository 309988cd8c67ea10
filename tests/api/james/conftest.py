"""The James dialect switched on, and an administrator's program that calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from config.kit.heartbeat import broker
from tests import factories
from tests.api.callers import caller_for
from tests.api.dialects.calling import call, switch_on

James = Callable[..., Any]


@pytest.fixture
def james(db: None, servers_running: None) -> James:
    """james("PUT", "/domains/example.org") → the answer; paths as Location tells them too; no text is sent as JSON."""
    for key in broker().scan_iter("cache:*james:*"):
        broker().delete(key)
    switch_on("james")
    token = caller_for(factories.make_administrator("root@server.example")).token

    def ask(method: str, path: str, body: Any = None, **headers: Any) -> Any:
        text = "" if body is None else body if isinstance(body, str | bytes) else json.dumps(body)
        if "Authorization" not in headers:
            headers.setdefault("Password", token)
        return call(method, f"/james{path.removeprefix('/james')}", text, **headers)

    return ask


def refused(answer: Any, status: int, message: str, type_: str = "InvalidArgument") -> dict[str, Any]:
    """Assert that an answer is James's error document."""
    found: dict[str, Any] = answer.json()
    assert answer["Content-Type"] == "application/json"
    assert (answer.status_code, found["statusCode"], found["type"], found["message"]) == (
        status, status, type_, message,
    )  # fmt: skip
    return found
