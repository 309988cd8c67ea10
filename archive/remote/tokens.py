"""Access tokens of OAuth 2 for mail servers: by client credentials, by a refresh token, or one that was typed in.

The place that gives tokens out is a web server that a person named, so it is reached through the gate, over TLS.
Tokens are kept in this process until shortly before they end. Not for signing people in here.

Source: RFC 6749 §4.4 (client credentials), §5, §6 (refreshing).
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from archive.remote.connecting import token_gate
from archive.remote.errors import TokenRefused
from config.kit import net, trust

TIMEOUT_S = 30.0
MOST_BYTES = 256 << 10
EARLY_S = 120
USUAL_LIFE_S = 3600


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """How a token is had. Without `url`, `access_token` itself is used; with a refresh token it is refreshed."""

    url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scope: str = ""
    refresh_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    ca_pem: str = ""


class Tokens:
    """Gives out a token that is good for a while yet; asks for another when it isn't."""

    def __init__(self, access: TokenAccess, *, who: str = "") -> None:
        self._access, self._who = access, who
        self._token, self._until = "", 0.0

    def get(self) -> str:
        """Raises: TokenRefused, NetError."""
        if not self._access.url:
            if not self._access.access_token:
                raise TokenRefused("there is no token, and no place to get one from")
            return self._access.access_token
        if not self._token or time.monotonic() > self._until:
            self._token, life_s = ask(self._access, self._who)
            self._until = time.monotonic() + max(life_s - EARLY_S, life_s / 2)
        return self._token

    def forget(self) -> None:
        """It was refused: ask for another one the next time."""
        self._token = ""


def ask(access: TokenAccess, who: str) -> tuple[str, float]:
    """A fresh token and how many seconds it lasts. Raises: TokenRefused, NetError."""
    parts = urlsplit(access.url)
    if parts.scheme != "https" or not parts.hostname:
        raise TokenRefused("tokens are had from an https address only")
    given = {"client_id": access.client_id, "client_secret": access.client_secret, "scope": access.scope}
    if access.refresh_token:
        given |= {"grant_type": "refresh_token", "refresh_token": access.refresh_token}
    else:
        given["grant_type"] = "client_credentials"
    context = trust.client_context()
    if access.ca_pem:
        context.load_verify_locations(cadata=access.ca_pem)
    port = parts.port or 443
    with net.connect(parts.hostname, port, timeout_s=TIMEOUT_S, gate=token_gate(), who=who) as connection:
        connection.start_tls(context)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        answer = _post(connection, path, urlencode({key: value for key, value in given.items() if value}))
    token, life = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        said = str(answer.get("error_description") or answer.get("error") or "no reason given")[:300]
        raise TokenRefused(f"{parts.hostname} gives no token: {said}")
    return token, float(str(life)) if str(life).isdecimal() and len(str(life)) < 10 else USUAL_LIFE_S


def _post(connection: net.Connection, path: str, body: str) -> dict[str, object]:
    client = http.client.HTTPConnection(connection.host)
    client.sock = connection.socket
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        client.request("POST", path, body=body, headers=headers | {"Connection": "close"})
        said = client.getresponse().read(MOST_BYTES)
    except OSError as error:
        raise net.translate(error, connection.host) from error
    except http.client.HTTPException as error:
        raise net.ProtocolBroken(
            f"{connection.host} does not answer as a web server: {type(error).__name__}"
        ) from error
    try:
        answer = json.loads(said)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise net.ProtocolBroken(f"{connection.host} does not answer as a place for tokens")
    return answer
