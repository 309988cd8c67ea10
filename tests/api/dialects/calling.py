"""A dialect on, and programs that call it: by its prefix as over the web port, or at the root as at its own port."""

from __future__ import annotations

from typing import Any

from django.test import Client

from api.models import DialectSetting


def switch_on(name: str, **options: str) -> None:
    """As its page would."""
    DialectSetting.objects.update_or_create(name=name, defaults={"is_on": True, "options": options})


def call(
    method: str,
    address: str,
    body: bytes | str = b"",
    *,
    raw: bool = True,
    content_type: str = "application/octet-stream",
    client: str = "127.0.0.1",
    **headers: str,
) -> Any:
    """One request. `address` is as on the wire (`/james/domains/a%2Fb?x=1`); raw: our own servers hand it on so."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    extra: dict[str, Any] = {"REMOTE_ADDR": client} | ({"RAW_URI": address} if raw else {})
    data = body.encode() if isinstance(body, str) else body
    return Client(raise_request_exception=False).generic(
        method, address, data, content_type=content_type if data else "", headers=sent, **extra
    )
