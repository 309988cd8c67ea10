"""Handing messages to an SMTP server, one after the other, as they are: a client for exports.

Not for the queue that delivers mail (that retries, bounces and rewrites); a message that is refused here is said to be.

Source: RFC 5321 (§4.5.2 dots), RFC 3207, RFC 4954, RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 1870 (SIZE).
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterable, Iterator
from types import TracebackType

from archive.remote.connecting import Login, Security, Server, connect
from archive.remote.errors import CommandRefused, LoginRefused
from archive.remote.lines import Lines
from config.kit import net

_REPLY = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
MOST_LINES = 200


class MessageRefused(CommandRefused):
    """The server doesn't take this message or this recipient; others may pass. permanent: by its code."""

    def __init__(self, text: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


class Smtp:
    """A connection that is ready to send. A context manager."""

    def __init__(self, server: Server, login: Login | None, *, helo: str, who: str = "") -> None:
        self._helo = helo
        self.in_doubt = False  # the last message was handed over as a whole, and what became of it was not heard
        self._extensions: dict[str, str] = {}
        self._lines = Lines(connect(server, who))
        try:
            self._expect(self._read(), "the greeting")
            self._hello()
            if server.security is Security.STARTTLS:
                self._ask("STARTTLS")
                self._lines.start_tls(server.context())
                self._lines.settle()
                self._hello()
            else:
                self._lines.settle()
            if login is not None:
                self._sign_in(login)
        except BaseException:
            self._lines.close()
            raise

    def __enter__(self) -> Smtp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with contextlib.suppress(net.NetError, CommandRefused):
                self._ask("QUIT")
        self._lines.close()

    def _hello(self) -> None:
        code, lines = self._say(f"EHLO {self._helo}")
        if code >= 400:
            self._expect(self._say(f"HELO {self._helo}"), "HELO")
            lines = []
        self._extensions = {}
        for line in lines[1:]:
            keyword, _, value = line.strip().partition(" ")
            self._extensions[keyword.upper()] = value

    def _sign_in(self, login: Login) -> None:
        offered = self._extensions.get("AUTH", "").upper().split()
        try:
            if login.token:
                self._ask("AUTH XOAUTH2 " + _base64(f"user={login.user}\1auth=Bearer {login.token}\1\1"), shown="AUTH")
            elif "PLAIN" in offered or "LOGIN" not in offered:
                self._ask("AUTH PLAIN " + _base64(f"\0{login.user}\0{login.password}"), shown="AUTH")
            else:
                self._ask("AUTH LOGIN")
                self._ask(_base64(login.user), shown="AUTH")
                self._ask(_base64(login.password), shown="AUTH")
        except CommandRefused as error:
            raise LoginRefused(str(error)) from error

    def send(self, sender: str, recipients: Iterable[str], size: int, pieces: Iterable[bytes]) -> str:
        """Hand over one message; what the server said when it took it. pieces: the raw message, any line ends.

        Raises: MessageRefused (it, or a recipient), NetError.
        """
        recipients = list(recipients)
        utf8 = not all(map(str.isascii, (sender, *recipients)))
        most = self._extensions.get("SIZE", "")
        if most.isdecimal() and 0 < int(most) < size:
            raise MessageRefused(f"the server takes messages up to {most} bytes", permanent=True)
        words = f"MAIL FROM:<{sender}>"
        words += f" SIZE={size}" if "SIZE" in self._extensions else ""
        words += " BODY=8BITMIME" if "8BITMIME" in self._extensions else ""
        words += " SMTPUTF8" if utf8 and "SMTPUTF8" in self._extensions else ""
        try:
            self._ask(words)
            for recipient in recipients:
                self._ask(f"RCPT TO:<{recipient}>")
            self._ask("DATA")
        except CommandRefused:
            self._say("RSET")
            raise
        held = b""
        for piece in stuffed(pieces):
            self._lines.send(held)
            held = piece
        self.in_doubt = True  # with the final dot the server may take it, whether we hear of it or not
        self._lines.send(held)
        reply = self._read()
        self.in_doubt = False
        return self._expect(reply, "DATA")

    def _ask(self, words: str, *, shown: str = "") -> str:
        return self._expect(self._say(words), shown or words.split(" ")[0])

    def _say(self, words: str) -> tuple[int, list[str]]:
        if "\r" in words or "\n" in words:
            raise MessageRefused("an address with a line break", permanent=True)
        self._lines.send(words.encode() + b"\r\n")
        return self._read()

    def _expect(self, reply: tuple[int, list[str]], about: str) -> str:
        code, lines = reply
        said = f"{code} {' '.join(lines)}".strip()
        if code >= 400:
            raise MessageRefused(f"{about}: {said}", permanent=code >= 500)
        return said

    def _read(self) -> tuple[int, list[str]]:
        lines: list[str] = []
        while len(lines) < MOST_LINES:
            line = self._lines.read_line()
            match = _REPLY.fullmatch(line)
            said = "".join(c if c.isprintable() else "�" for c in line[:500].decode("utf-8", "replace"))
            if match is None:
                raise net.ProtocolBroken(f"{self._lines.where} doesn't speak SMTP: {said}")
            lines.append(said[4:])
            if match[2] != b"-":
                return int(match[1]), lines
        raise net.ProtocolBroken(f"{self._lines.where} doesn't end its reply")


def stuffed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A message as DATA wants it: every line end CRLF, dots at the start of lines doubled, and the final dot."""
    at_start, held = True, b""
    for piece in pieces:
        data = held + piece
        held = data[-1:] if data.endswith(b"\r") else b""  # what follows a CR isn't known yet
        data = data[: len(data) - len(held)]
        if not data:
            continue
        lines = re.split(rb"\r\n|\n|\r", data)
        dotted = [b"." + line if line.startswith(b".") else line for line in lines[1:]]
        first = b"." + lines[0] if at_start and lines[0].startswith(b".") else lines[0]
        yield b"\r\n".join([first, *dotted])
        at_start = not lines[-1]
    if held:
        yield b"\r\n"
        at_start = True
    yield b".\r\n" if at_start else b"\r\n.\r\n"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
