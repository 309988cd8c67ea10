"""Asking a mail server whether a name and a password belong together: sign in, say goodbye, nothing else.

Not the client of the archive's profiles, which reads mail. Source: RFC 3501 §6.2, RFC 4616 (PLAIN), RFC 8314.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.sources import reaching
from accounts.sources.errors import Denied, SourceUnavailable
from accounts.sources.reaching import Deadline, Place, Security
from config.kit import net

LONGEST_LINE = 64 << 10
MOST_LINES = 200
_PLACEHOLDER = re.compile(r"\{(address|local|domain)\}")
_TEMPORARY = (b"UNAVAILABLE", b"INUSE", b"LIMIT", b"SERVERBUG", b"CONTACTADMIN")  # RFC 5530


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server as it was configured."""

    settings: Mapping[str, Any]
    who: str = field(default="", compare=False)

    @property
    def place(self) -> Place:
        said = self.settings
        return Place(
            said["host"], said["port"], Security(said["security"]), said["ca_pem"], float(said["timeout_s"]), self.who
        )

    def check(self, address: str, password: str) -> None:
        """Raises: Denied, SourceUnavailable."""
        if not password or "\0" in password:
            raise Denied("no password")
        name = login_name(self.settings["login_name"], address)
        with self._open() as line:
            line.sign_in(name, password)

    def greet(self) -> None:
        """Whether it answers at all. Raises: SourceUnavailable."""
        with self._open():
            return

    @contextlib.contextmanager
    def _open(self) -> Any:
        try:
            with reaching.connect(self.place) as connection:
                line = _Line(connection, self.place)
                line.greet()
                yield line
                line.leave()
        except net.NetError as error:
            raise SourceUnavailable.of(error) from error
        except OSError as error:
            raise SourceUnavailable.of(net.translate(error, f"{self.place.host} port {self.place.port}")) from error


class _Line:
    """Commands and their answers."""

    def __init__(self, connection: net.Connection, place: Place) -> None:
        self._connection, self._place = connection, place
        self._deadline = Deadline(place.timeout_s)
        self._waiting = b""
        self._number = 0
        self._can: frozenset[bytes] = frozenset()

    def greet(self) -> None:
        line = self._read()
        if not line.upper().startswith(b"* OK"):  # also PREAUTH: whoever it let in, it isn't the person
            raise net.ProtocolBroken("not a greeting of IMAP")
        if self._place.security is Security.STARTTLS:
            if self._waiting:
                raise net.TlsFailed("the server speaks on before TLS began")
            self._require_ok(b"STARTTLS")
            if self._waiting:
                raise net.TlsFailed("the server speaks on before TLS began")
            self._connection.start_tls(self._place.context())
        self._can = frozenset(
            word
            for answer in self._require_ok(b"CAPABILITY")
            if answer.upper().startswith(b"* CAPABILITY ")
            for word in answer.upper().split()[2:]
        )

    def sign_in(self, name: str, password: str) -> None:
        """Raises: Denied, SourceUnavailable, NetError."""
        if b"AUTH=PLAIN" in self._can:
            coded = base64.b64encode(f"\0{name}\0{password}".encode())
            lines = self._command(b"AUTHENTICATE PLAIN", answer=coded)
        elif b"LOGINDISABLED" in self._can:
            raise SourceUnavailable("the server takes no passwords over this connection")
        else:
            lines = self._command(b"LOGIN " + _quoted(name) + b" " + _quoted(password))
        last = lines[-1].split(b" ", 2)
        said = lines[-1].upper()
        if last[1].upper() == b"OK":
            return
        if last[1].upper() != b"NO" or any(b"[" + code in said for code in _TEMPORARY):
            raise SourceUnavailable("the mail server doesn't take sign-ins now")
        raise Denied("the mail server says no")

    def leave(self) -> None:
        with contextlib.suppress(net.NetError, OSError):
            self._command(b"LOGOUT")

    def _require_ok(self, words: bytes) -> list[bytes]:
        lines = self._command(words)
        if lines[-1].split(b" ", 2)[1].upper() != b"OK":
            raise net.ProtocolBroken(f"the server doesn't do {words.decode('ascii')}")
        return lines

    def _command(self, words: bytes, *, answer: bytes = b"") -> list[bytes]:
        self._number += 1
        tag = b"p%d" % self._number
        self._send(tag + b" " + words + b"\r\n")
        lines: list[bytes] = []
        while len(lines) < MOST_LINES:
            line = self._read()
            if line.startswith(b"+"):
                self._send(answer + b"\r\n")
                continue
            lines.append(line)
            if line.startswith(tag + b" "):
                return lines
        raise net.ProtocolBroken("the server doesn't end its answer")

    def _send(self, data: bytes) -> None:
        self._socket().sendall(data)

    def _read(self) -> bytes:
        while b"\n" not in self._waiting:
            piece = self._socket().recv(4096)
            if not piece:
                raise net.Unreachable(f"{self._place.host} closed the connection")
            self._waiting += piece
            if len(self._waiting) > LONGEST_LINE:
                raise net.ProtocolBroken("the server's line doesn't end")
        line, _end, self._waiting = self._waiting.partition(b"\n")
        return line.rstrip(b"\r")

    def _socket(self) -> socket.socket:
        self._connection.socket.settimeout(self._deadline.left_s())
        return self._connection.socket


def login_name(template: str, address: str) -> str:
    """What somebody signs in with there."""
    local, _at, domain = address.rpartition("@")
    values = {"address": address, "local": local, "domain": domain}
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def _quoted(text: str) -> bytes:
    """A quoted string. Raises: Denied for what can't stand in one."""
    data = text.encode()
    if not data.isascii() or b"\r" in data or b"\n" in data:
        raise Denied("the mail server can't be asked this")
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
