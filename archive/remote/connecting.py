"""How a mail server is reached: where, how it encrypts, whom it must prove to be, and who signs in.

Not for protocols (`imap`, `pop3`, `smtp`).

Source: RFC 8314 (TLS from the first byte, or STARTTLS), RFC 2595.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import StrEnum

from django.conf import settings

from config.kit import net, trust

MAIL_PORTS = frozenset({110, 143, 993, 995})
TOKEN_PORTS = frozenset({443})
TIMEOUT_S = 60.0


class Security(StrEnum):
    """TLS from the first byte, STARTTLS and nothing without it, or no encryption."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how. ca_pem: certificates to trust beside the system's; verify off takes any certificate."""

    host: str
    port: int
    security: Security = Security.TLS
    verify: bool = True
    ca_pem: str = ""
    timeout_s: float = TIMEOUT_S

    def context(self) -> ssl.SSLContext:
        """Raises: ValueError for what is no certificate."""
        context = trust.client_context()
        if self.ca_pem:
            try:
                context.load_verify_locations(cadata=self.ca_pem)
            except ssl.SSLError as error:
                raise ValueError("not a certificate in PEM form") from error
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs in. act_for: the mailbox that is meant, where `user` is a master user (SASL's authorization identity).

    token: an OAuth 2 access token, instead of a password.
    """

    user: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    act_for: str = ""


def gate() -> net.Gate:
    """What profiles may reach: what the server's owner opened, and the ports of IMAP, POP3 and SMTP."""
    return net.Gate(settings.ALLOWED_RELAYS, net.SMTP_PORTS | MAIL_PORTS | settings.ALLOWED_PORTS)


def token_gate() -> net.Gate:
    """The same for the place that gives out access tokens, which is a web server."""
    return net.Gate(settings.ALLOWED_RELAYS, TOKEN_PORTS | settings.ALLOWED_PORTS)


def connect(server: Server, who: str) -> net.Connection:
    """A connection, encrypted already where TLS comes first. Raises: NetError."""
    connection = net.connect(server.host, server.port, timeout_s=server.timeout_s, gate=gate(), who=who)
    try:
        connection.socket.settimeout(server.timeout_s)
        if server.security is Security.TLS:
            connection.start_tls(server.context())
    except BaseException:
        connection.close()
        raise
    return connection
