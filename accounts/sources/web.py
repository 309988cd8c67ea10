"""Asking a web server that somebody named, for a JSON document: through the gate, bounded, no redirect followed.

Not for pages of ours, nor for what a browser fetches. Source: RFC 9110.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from accounts.sources import reaching
from accounts.sources.errors import SourceUnavailable
from accounts.sources.reaching import Deadline
from config.kit import net

MOST_BYTES = 1 << 20


def ask(
    url: str,
    *,
    ca_pem: str = "",
    timeout_s: float = 10.0,
    who: str = "",
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """The status and the object that a server answers; with a form it is a POST.

    https only, or http on this very machine. Raises: SourceUnavailable.
    """
    parts = urlsplit(url)
    host, plain = parts.hostname or "", parts.scheme == "http"
    if parts.scheme != "https" and not (plain and reaching.is_loopback(host)):
        raise SourceUnavailable("only https addresses are asked")
    deadline = Deadline(timeout_s)
    try:
        port = parts.port or (80 if plain else 443)
        with net.connect(
            host, port, timeout_s=min(reaching.CONNECT_S, timeout_s), gate=reaching.gate(), who=who
        ) as opened:
            opened.socket.settimeout(deadline.left_s())
            if not plain:
                opened.start_tls(reaching.context_for(ca_pem))
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            return _talk(opened, parts.netloc, path, form, dict(headers or {}), deadline)
    except net.NetError as error:
        raise SourceUnavailable.of(error) from error


def _talk(
    opened: net.Connection,
    authority: str,
    path: str,
    form: Mapping[str, str] | None,
    headers: dict[str, str],
    deadline: Deadline,
) -> tuple[int, dict[str, Any]]:
    client = http.client.HTTPConnection(opened.host)
    client.sock = opened.socket
    headers |= {"Host": authority, "Accept": "application/json", "Connection": "close"}
    body = None
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form)
    try:
        client.request("GET" if form is None else "POST", path, body=body, headers=headers)
        opened.socket.settimeout(deadline.left_s())
        response = client.getresponse()
        said = response.read(MOST_BYTES + 1)
    except OSError as error:
        raise net.translate(error, opened.host) from error
    except (http.client.HTTPException, ValueError) as error:
        raise net.ProtocolBroken(f"{opened.host} does not answer as a web server") from error
    if len(said) > MOST_BYTES:
        raise net.ProtocolBroken(f"the answer of {opened.host} is too long")
    try:
        answer = json.loads(said)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise net.ProtocolBroken(f"{opened.host} answers {response.status}, and no JSON object")
    return response.status, answer
