"""One request of a dialect: its path as it was sent, its body, who called, and what is noted about it.

Not for routing (`api.dialects.routes`) nor for credentials (`api.dialects.credentials`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, QueryDict

from accounts.actors import Actor
from api.dialects.registry import Dialect


@dataclass(slots=True)
class Call:
    """path: below the prefix, percent-encoded as sent, from its first slash, without the query.

    prefix: what stands before it on this port ("/james"; "" on the dialect's own), and before all that answers name.

    is_raw: whether `path` is what came over the wire. On the web port the server in front has decoded it already, so
    that slashes inside a name look like others; routes then read them as the only way that fits.
    actor, operation and result are set by the dialect, for the list of last calls.
    """

    dialect: Dialect
    request: HttpRequest
    path: str
    is_raw: bool
    prefix: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    actor: Actor | None = None
    operation: str = ""
    result: str = ""

    @property
    def method(self) -> str:
        return self.request.method or "GET"

    @property
    def query(self) -> QueryDict:
        return self.request.GET

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def address(self) -> str:
        """Where the call came from."""
        return str(self.request.META.get("REMOTE_ADDR", ""))

    def header(self, name: str) -> str:
        return str(self.request.headers.get(name, ""))

    @property
    def segments(self) -> list[str]:
        """The path's parts, each decoded by itself; a part that isn't UTF-8 keeps a mark that no name has."""
        parts = self.path.split("/")[1:]
        return [decoded(part) if self.is_raw else part for part in parts]


def decoded(part: str) -> str:
    """`a%2Fb` → `a/b`. Never raises."""
    return unquote_to_bytes(part.encode("latin-1", "replace")).decode("utf-8", "replace")


def of(request: HttpRequest, dialect: Dialect, prefix: str) -> Call:
    """The call in a request whose path begins with `prefix` ("/james" or "")."""
    raw = str(request.META.get("RAW_URI", ""))
    if raw.startswith(("http://", "https://")):  # absolute form, RFC 9112 §3.2.2
        raw = "/" + raw.split("://", 1)[1].partition("/")[2]
    is_raw = raw.startswith("/")
    path = raw.partition("?")[0] if is_raw else request.path_info
    return Call(dialect, request, path.removeprefix(prefix) or "/", is_raw, prefix)
