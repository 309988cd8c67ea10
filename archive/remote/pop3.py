"""A client of POP3 for archiving: sign in, list what is there by its unique ids, retrieve, delete.

Messages stream, whatever the length of their lines (Python's poplib gives up at 2,048 bytes). Not for leaving mail
anywhere.

Source: RFC 1939; RFC 2595 (STLS), RFC 5034 (AUTH), RFC 2449 (CAPA).
"""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from archive.remote.connecting import Login, Security, Server, connect
from archive.remote.errors import CommandRefused, LoginRefused
from archive.remote.lines import Lines
from archive.sources.model import SPOOL_OVER_BYTES
from archive.sources.spool import open_spool, rewind, write_spool
from config.kit import net

MOST_LINES = 10_000_000


class Pop3:
    """A connection that is signed in. A context manager; leaving it says QUIT, which makes deletions happen."""

    def __init__(self, server: Server, login: Login, *, spool_dir: Path, who: str = "") -> None:
        self._spool_dir = spool_dir
        self._lines = Lines(connect(server, who))
        try:
            self._greet(server)
            self._sign_in(login)
        except BaseException:
            self._lines.close()
            raise

    def __enter__(self) -> Pop3:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.command("QUIT")
        finally:
            self._lines.close()

    def give_up(self) -> None:
        """Leave without QUIT: nothing is deleted."""
        self._lines.close()

    def _greet(self, server: Server) -> None:
        self._reply("greeting")
        if server.security is Security.STARTTLS:
            self.command("STLS")
            self._lines.start_tls(server.context())
        self._lines.settle()

    def _sign_in(self, login: Login) -> None:
        try:
            if login.token:
                user = login.act_for or login.user
                self._auth("XOAUTH2", f"user={user}\1auth=Bearer {login.token}\1\1")
            elif login.act_for or not (login.user + login.password).isascii():
                self._auth("PLAIN", f"{login.act_for}\0{login.user}\0{login.password}")
            else:
                self.command(f"USER {login.user}")
                self.command(f"PASS {login.password}", shown="PASS")
        except CommandRefused as error:
            raise LoginRefused(str(error)) from error

    def _auth(self, mechanism: str, secret: str) -> None:
        """The secret on a line of its own, which is short enough for every server (RFC 5034 §4)."""
        self._send(f"AUTH {mechanism}")
        if self._line().startswith(b"+"):
            self._send(base64.b64encode(secret.encode()).decode())
            said = self._line()
            if said.startswith(b"+ "):  # why a token was refused; it takes an empty answer
                self._send("")
                said = self._line()
            if said.startswith(b"+OK"):
                return
        raise CommandRefused(f"AUTH {mechanism} is refused")

    def command(self, words: str, *, shown: str = "") -> str:
        """One command with a reply of one line. Raises: CommandRefused, NetError."""
        self._send(words)
        return self._reply(shown or words.split(" ")[0])

    def unique_ids(self) -> dict[int, str]:
        """Message number -> unique id, as of this session. Raises: CommandRefused (the server has none)."""
        return dict(self._listing("UIDL"))

    def sizes(self) -> dict[int, int]:
        """Message number -> bytes, as the server counts them."""
        return {number: int(value) for number, value in self._listing("LIST") if value.isdecimal()}

    def retrieve(self, number: int) -> tuple[bytes | None, BinaryIO | None, int]:
        """(content, spool, size) of a message: one of the first two. Raises: CommandRefused, NetError, SpoolFailed."""
        self.command(f"RETR {number}")
        held, spool, size = io.BytesIO(), None, 0
        try:
            for line in self._block():
                size += len(line)
                held.write(line)
                if held.tell() > SPOOL_OVER_BYTES:
                    spool = spool or open_spool(self._spool_dir)
                    write_spool(spool, held.getvalue())
                    held = io.BytesIO()
            if spool is None:
                return held.getvalue(), None, size
            write_spool(spool, held.getvalue())
            rewind(spool)
        except BaseException:
            if spool is not None:
                spool.close()
            raise
        return None, spool, size

    def header_of(self, number: int) -> bytes:
        """The header of a message, where the server offers TOP; else nothing."""
        with contextlib.suppress(CommandRefused):
            self.command(f"TOP {number} 0")
            return b"".join(self._block())
        return b""

    def delete(self, number: int) -> None:
        """Mark a message; it goes with QUIT."""
        self.command(f"DELE {number}")

    def _listing(self, words: str) -> Iterator[tuple[int, str]]:
        self.command(words)
        for line in self._block():
            first, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if first.isdecimal():
                yield int(first), rest.strip()

    def _block(self) -> Iterator[bytes]:
        """The lines of a long reply with their ends, unstuffed, up to the lone dot."""
        while (line := self._lines.read_line()) != b".":
            yield (line[1:] if line.startswith(b".") else line) + b"\r\n"

    def _send(self, words: str) -> None:
        if "\r" in words or "\n" in words:
            raise LoginRefused("a name or password with a line break can't be sent")
        self._lines.send(words.encode() + b"\r\n")

    def _line(self) -> bytes:
        return self._lines.read_line()

    def _reply(self, about: str) -> str:
        line = self._line()
        said = "".join(c if c.isprintable() else "�" for c in line[:500].decode("utf-8", "replace"))
        if line.startswith(b"+OK"):
            return said[3:].strip()
        if line.startswith(b"-ERR"):
            raise CommandRefused(f"{about}: {said[4:].strip()}")
        raise net.ProtocolBroken(f"{self._lines.where} doesn't speak POP3: {said}")
