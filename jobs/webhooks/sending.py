"""One request to a webhook: through the gate, within a time that nobody can stretch, redirects not followed.

Needs no database: deliveries to several webhooks run beside each other in threads. Not for what an answer means
(`delivering`).
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from config.kit import net, release

CONNECT_S, WHOLE_S = 10.0, 20.0
HEARD_BYTES, SHOWN = 4096, 500
HTTPS_PORTS, HTTP_PORTS = frozenset({443, 8443}), frozenset({80, 8080})


@dataclass(frozen=True, slots=True)
class Answered:
    """status: of HTTP, None where it didn't come to that; text: how the answer begins, or what went wrong."""

    status: int | None
    text: str
    took_ms: int

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver doesn't want to hear of anything any more (410)."""
        return self.status == 410


def gate(parts: SplitResult) -> net.Gate:
    """What webhooks may reach: the ports of the web and those of POSTKEEP_ALLOWED_PORTS; networks as everywhere."""
    usual = HTTPS_PORTS if parts.scheme == "https" else HTTP_PORTS
    return net.Gate(settings.ALLOWED_RELAYS, usual | settings.ALLOWED_PORTS)


def port_of(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def send(url: str, headers: dict[str, str], body: bytes, context: ssl.SSLContext, *, who: str) -> Answered:
    """Post it and hear what is said. Never raises for what the other side does."""
    began = time.monotonic()
    try:
        status, text = _exchange(urlsplit(url), headers, body, context, who)
    except net.NetError as error:
        status, text = None, str(error.category.words)
    except (OSError, http.client.HTTPException, ValueError):
        status, text = None, str(net.Category.PROTOCOL.words)
    return Answered(status, text[:SHOWN], round((time.monotonic() - began) * 1000))


def _exchange(
    parts: SplitResult, headers: dict[str, str], body: bytes, context: ssl.SSLContext, who: str
) -> tuple[int, str]:
    host = parts.hostname or ""
    with net.connect(host, port_of(parts), timeout_s=CONNECT_S, gate=gate(parts), who=who) as connection:
        ends = threading.Timer(WHOLE_S, _hang_up, [connection])
        ends.daemon = True
        ends.start()
        try:
            if parts.scheme == "https":
                connection.start_tls(context)
            client = http.client.HTTPConnection(connection.host)
            client.sock = connection.socket
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            client.request("POST", path, body=body, headers=_usual(parts) | headers)
            answer = client.getresponse()
            return answer.status, _clean(answer.read(HEARD_BYTES))
        except TimeoutError as error:
            raise net.TimedOut("no answer in time") from error
        finally:
            ends.cancel()


def _hang_up(connection: net.Connection) -> None:
    """However slowly it still talks."""
    with contextlib.suppress(OSError):
        connection.socket.shutdown(socket.SHUT_RDWR)


def _usual(parts: SplitResult) -> dict[str, str]:
    return {
        "Host": parts.netloc.rpartition("@")[2],
        "Content-Type": "application/json",
        "User-Agent": f"Postkeep/{release.version()}",
        "Accept": "*/*",
        "Connection": "close",
    }


def _clean(said: bytes) -> str:
    text = said.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text).strip()
