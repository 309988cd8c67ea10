"""A conversation with an SMTP server as its client, written down with secrets masked.

For trying a relay by hand, so to say: one command after the other, every line kept. Not for delivering mail. The other
side may be hostile: lines, replies and the whole are bounded, and no time-out is longer than what is left of the time.

Source: RFC 5321 §4.2 (replies), §4.5.3.1 (sizes); RFC 3207 §4.2 (nothing from before STARTTLS counts after it).
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass

from config.kit import net
from config.kit.transcripts import Transcript

LONGEST_LINE, MOST_LINES, MOST_BYTES = 2_000, 100, 256 * 1024
_REPLY = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply, its lines without code and line end."""

    code: int
    lines: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 400

    @property
    def is_later(self) -> bool:
        """No, but perhaps next time."""
        return 400 <= self.code < 500

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.lines)}".strip()


class Talk:
    """One connection. Every method raises net.NetError when it breaks; the caller closes `connection`."""

    def __init__(self, connection: net.Connection, transcript: Transcript, *, until: float) -> None:
        self.connection, self.transcript, self._until = connection, transcript, until
        self._buffer, self._received = b"", 0

    def read(self) -> Reply:
        """The next reply. Raises: ProtocolBroken, TimedOut, Unreachable."""
        lines: list[str] = []
        while len(lines) < MOST_LINES:
            line = self._read_line()
            match = _REPLY.fullmatch(line)
            text = line.decode("utf-8", "replace")
            self.transcript.add("S:", text)
            if match is None:
                raise net.ProtocolBroken(f"not a reply of SMTP: {self.transcript.clean(text)}")
            lines.append((match[3] or b"").decode("utf-8", "replace"))
            if match[2] != b"-":
                return Reply(int(match[1]), tuple(map(self.transcript.clean, lines)))
        raise net.ProtocolBroken(f"a reply of more than {MOST_LINES} lines")

    def say(self, command: str, *, shown: str = "") -> Reply:
        """Send one command and read its reply. shown: what the transcript says instead."""
        self.transcript.add("C:", shown or command)
        self._send(command)
        return self.read()

    def start_tls(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Speak TLS from here on. Raises: TlsFailed, TimedOut; ProtocolBroken when plain text was slipped in before."""
        if self._buffer:
            raise net.ProtocolBroken("the server sent more before TLS began")
        self.connection.socket.settimeout(self._left_s())
        wrapped = self.connection.start_tls(context)
        self.transcript.add("*", f"TLS: {wrapped.version()}, {(wrapped.cipher() or ('?',))[0]}")
        return wrapped

    def _send(self, command: str) -> None:
        if "\r" in command or "\n" in command:
            raise ValueError("a command is one line")
        try:
            self.connection.socket.settimeout(self._left_s())
            self.connection.socket.sendall(command.encode() + b"\r\n")
        except OSError as error:
            raise net.translate(error, self._where) from error

    def _read_line(self) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST_LINE or self._received > MOST_BYTES:
                raise net.ProtocolBroken("the server sends more than SMTP allows")
            self._buffer += self._receive()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r")[:LONGEST_LINE]

    def _receive(self) -> bytes:
        try:
            self.connection.socket.settimeout(self._left_s())
            data = self.connection.socket.recv(4096)
        except OSError as error:
            raise net.translate(error, self._where) from error
        if not data:
            raise net.Unreachable(f"{self._where} closed the connection")
        self._received += len(data)
        return data

    def _left_s(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise net.TimedOut(f"{self._where} did not answer in time")
        return left

    @property
    def _where(self) -> str:
        return f"{self.connection.address} port {self.connection.port}"


def extensions_of(lines: Iterable[str]) -> dict[str, str]:
    """What an EHLO reply offers: keyword in upper case -> parameters; AUTH lines (also `AUTH=`) are joined."""
    found: dict[str, str] = {}
    for line in list(lines)[1:]:
        keyword, _, parameters = line.strip().partition(" ")
        keyword = keyword.upper()
        if keyword.startswith("AUTH="):
            keyword, parameters = "AUTH", f"{keyword[5:]} {parameters}"
        if keyword:
            found[keyword] = f"{found.get(keyword, '')} {parameters}".strip()
    return found
