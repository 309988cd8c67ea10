"""The MTA-STS policy file of a domain: fetched through the gate, and read.

Fetching needs port 443, which the gate opens only where POSTKEEP_ALLOWED_PORTS names it. No redirects, no more than
64 KiB, a trusted certificate.

Source: RFC 8461 §3.2 (the file), §3.3 (fetching), §4.1 (which MX a policy names).
"""

from __future__ import annotations

import http.client
import ssl
import time
from dataclasses import dataclass

from config.kit import net

PORT = 443
PATH = "/.well-known/mta-sts.txt"
MOST_BYTES, LONGEST_AGE_S = 64 * 1024, 31_557_600
MODES = ("enforce", "testing", "none")


class BadPolicy(ValueError):
    """The file is not a policy; the text says why."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. mx: host names, or *. and the rest."""

    mode: str
    mx: tuple[str, ...]
    max_age_s: int

    def names(self, host: str) -> bool:
        """Whether it lets mail be delivered to this host; `*` stands for exactly one label."""
        return any(
            pattern == host or (pattern.startswith("*.") and host.partition(".")[2] == pattern[2:])
            for pattern in self.mx
        )


def fetch(
    host: str,
    *,
    timeout_s: float,
    gate: net.Gate | None = None,
    port: int = PORT,
    context: ssl.SSLContext | None = None,
) -> str:
    """The text of https://HOST/.well-known/mta-sts.txt. Raises: net.NetError, BadPolicy (not served as it must be)."""
    until = time.monotonic() + timeout_s
    with net.connect(host, port, timeout_s=timeout_s, gate=gate, who="a diagnosis") as connection:
        connection.start_tls(context or ssl.create_default_context())
        try:
            return _get(connection, host, until)
        except OSError as error:
            raise net.translate(error, host) from error
        except http.client.HTTPException as error:
            raise net.ProtocolBroken(f"{host} does not answer as a web server: {type(error).__name__}") from error


def _get(connection: net.Connection, host: str, until: float) -> str:
    client = http.client.HTTPConnection(host)
    client.sock = connection.socket
    client.request("GET", PATH, headers={"Connection": "close", "Accept": "text/plain"})
    answer = client.getresponse()
    if answer.status != http.client.OK:
        raise BadPolicy(f"the server answers with status {answer.status}")
    kind = answer.headers.get_content_type()
    if kind != "text/plain":
        raise BadPolicy(f"it is served as {kind}, not as text/plain")
    data = b""
    while chunk := answer.read1(8192):
        data += chunk
        if len(data) > MOST_BYTES:
            raise BadPolicy("it is longer than 64 KiB")
        if time.monotonic() > until:
            raise net.TimedOut(f"{host} took too long")
    return data.decode("utf-8", "replace")


def parse(text: str) -> Policy:
    """Read the file. Raises: BadPolicy."""
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.strip():
            name, colon, value = line.partition(":")
            if not colon:
                raise BadPolicy(f"not a line of a policy: {line.strip()[:80]!r}")
            fields.setdefault(name.strip(), []).append(value.strip())
    if fields.get("version") != ["STSv1"]:
        raise BadPolicy("it doesn't say version: STSv1")
    mode = fields.get("mode", [""])[0]
    if mode not in MODES:
        raise BadPolicy("its mode is not enforce, testing or none")
    age = fields.get("max_age", [""])[0]
    if not age.isdecimal() or len(age) > 10 or int(age) > LONGEST_AGE_S:
        raise BadPolicy("its max_age is not a number of seconds up to a year")
    mx = tuple(name.lower().rstrip(".") for name in fields.get("mx", []))
    if not mx and mode != "none":
        raise BadPolicy("it names no mx")
    return Policy(mode, mx, int(age))
