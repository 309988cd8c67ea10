"""A client of the Management API, written from what real ones send: forms out, envelopes in."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from tests.api.dialects.calling import call

KEYS = {
    "error", "token", "statusVersion", "statusCode", "percentProgress", "statusText", "result", "logOutput",
}  # fmt: skip


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def post(path: str, form: dict[str, str] | None = None, *, token: str = "", method: str = "POST") -> Any:
    """One call below the prefix, with a token."""
    headers: dict[str, Any] = {"Authorization": f"Bearer {token}"} if token else {}
    return call(method, f"/mailstore{path}", urlencode(form or {}), **headers)


def said(answer: Any) -> dict[str, Any]:
    """An envelope, which always has all its keys."""
    found: dict[str, Any] = json.loads(answer.content.decode("utf-8-sig"))
    assert set(found) == KEYS, found
    return found
