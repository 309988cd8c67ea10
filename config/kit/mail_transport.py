"""How our own mails leave by a server that a person named: through the gate, and with a transcript where one is wanted.

Django's own SMTP backend, over a connection that `config.kit.net` made. Not for which server (`mailing`), and not for
the mail we serve. Source: RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte), RFC 4954 (AUTH).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

from config.kit import net, trust
from config.kit.sealed import MASK
from config.kit.transcripts import Transcript, forms_of

TIMEOUT_S = 10
WHO = "our own mails"  # for the gate's log


class Security(StrEnum):
    """How the connection is encrypted."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Server:
    """The server by which our own mails leave.

    trusts_all: a certificate that nobody vouches for is taken. sender: our address, sender_name: what stands before
    it where no brand says otherwise. is_open: nobody aims it (the environment says it), so no gate is asked.
    """

    host: str
    port: int
    security: Security
    sender: str
    sender_name: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    trusts_all: bool = False
    is_open: bool = False


def backend_for(server: Server, transcript: Transcript | None = None) -> EmailBackend:
    """What sends Django's mails by this server. Sending raises: OSError (also smtplib's), ValueError, net.NetError."""
    if transcript is not None and server.username:
        transcript.secrets = forms_of(server.username, server.password)
    return _Backend(server, transcript)


class _Backend(EmailBackend):
    def __init__(self, server: Server, transcript: Transcript | None) -> None:
        super().__init__(
            host=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.security is Security.STARTTLS,
            use_ssl=server.security is Security.TLS,
            timeout=TIMEOUT_S,
            fail_silently=False,
        )
        self._transcript, self._is_open = transcript, server.is_open
        self.ssl_context = trust.client_context()
        if server.trusts_all:
            self.ssl_context.check_hostname, self.ssl_context.verify_mode = False, ssl.CERT_NONE

    @property
    def connection_class(self) -> Any:
        kind = _TlsTalk if self.use_ssl else _Talk
        return partial(kind, transcript=self._transcript or Transcript(), is_open=self._is_open)


class _Talk(smtplib.SMTP):
    """smtplib's client, connected by the gate, that writes down what is said."""

    _transcript: Transcript
    _is_open = _is_secret = False

    def __init__(self, *args: Any, transcript: Transcript | None = None, is_open: bool = False, **options: Any) -> None:
        if transcript is not None:
            self._transcript, self._is_open = transcript, is_open
        super().__init__(*args, **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        if self._is_open:
            opened = socket.create_connection((host, port), timeout)
        else:
            opened = net.connect(host, port, timeout_s=timeout, who=WHO).socket
            opened.settimeout(timeout)
        self._transcript.add("*", f"connected to {opened.getpeername()[0]} port {port}")
        return opened

    def starttls(self, *, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:  # type: ignore[override]
        said = super().starttls(context=context)
        self.note_tls(self.sock)
        return said

    def auth(self, mechanism: str, authobject: Any, *, initial_response_ok: bool = True) -> tuple[int, bytes]:
        self._is_secret = True
        try:
            return super().auth(mechanism, authobject, initial_response_ok=initial_response_ok)
        finally:
            self._is_secret = False

    def putcmd(self, cmd: str, args: str = "") -> None:
        words = f"{cmd} {args}".strip()
        if self._is_secret:
            words = f"AUTH {args.split(' ')[0]} {MASK}" if cmd.upper() == "AUTH" else MASK
        self._transcript.add("C:", words)
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        if len(s) > 2 and s[-5:] == b"\r\n.\r\n":
            self._transcript.add("*", f"the message, {len(s):,} bytes")
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        for line in text.decode("utf-8", "replace").split("\n"):
            self._transcript.add("S:", f"{code} {line}")
        return code, text

    def note_tls(self, wrapped: Any) -> None:
        if isinstance(wrapped, ssl.SSLSocket):
            self._transcript.add("*", f"TLS: {wrapped.version()}, {(wrapped.cipher() or ('?',))[0]}")


class _TlsTalk(smtplib.SMTP_SSL, _Talk):
    """The same with TLS from the first byte: SMTP_SSL wraps the socket that the gate opened."""

    def __init__(self, *args: Any, transcript: Transcript, is_open: bool = False, **options: Any) -> None:
        self._transcript, self._is_open = transcript, is_open  # before SMTP_SSL begins, which doesn't know them
        super().__init__(*args, **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        wrapped = super()._get_socket(host, port, timeout)
        self.note_tls(wrapped)
        return wrapped
