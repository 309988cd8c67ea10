"""A real SMTP server for tests, on loopback: STARTTLS or TLS from the first byte, AUTH, and every way to misbehave.

`running_server(Behaviour(...))` starts one; `server.said` holds every line that clients sent.
"""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True)
class Behaviour:
    """How the server is. `replies` are said instead of the usual to a command that begins so."""

    banner: str = "220 mx.example.org ESMTP ready"
    tls: ssl.SSLContext | None = None
    is_implicit: bool = False
    breaks_tls: bool = False
    extensions: tuple[str, ...] = ("SIZE 52428800", "8BITMIME", "ENHANCEDSTATUSCODES")
    auth: str = ""
    users: dict[str, str] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    before_tls: bytes = b""  # slipped in after the reply to STARTTLS
    accepts_ehlo: bool = True
    vanishes: bool = False  # takes a message and is gone before it says so


class SmtpServer:
    """Listens at once; one thread per client."""

    def __init__(self, behaviour: Behaviour, address: str, port: int) -> None:
        self.behaviour, self.said, self.connections = behaviour, list[str](), 0
        self.mails = list[str]()  # what came after DATA
        self._socket = socket.create_server((address, port))
        self.address, self.port = self._socket.getsockname()[:2]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(10)
        with suppress(OSError, ValueError):
            _Session(self, client).run()
        with suppress(OSError):
            client.close()


class _Session:
    def __init__(self, server: SmtpServer, client: socket.socket) -> None:
        self.server, self.behaviour, self.client = server, server.behaviour, client
        self.is_encrypted = False

    def run(self) -> None:
        if self.behaviour.is_implicit:
            self._encrypt()
        time.sleep(self.behaviour.delay_s)
        self.say(self.behaviour.banner)
        while self.answer(self.line()):
            pass
        self.client.close()

    def line(self) -> str:
        """Byte by byte, so that nothing of the TLS handshake is read too early."""
        data = b""
        while not data.endswith(b"\n"):
            byte = self.client.recv(1)
            if not byte:
                raise ValueError("gone")
            data += byte
        text = data.decode("utf-8", "replace").rstrip("\r\n")
        self.server.said.append(text)
        return text

    def say(self, *lines: str) -> None:
        self.client.sendall("".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape"))

    def answer(self, command: str) -> bool:
        time.sleep(self.behaviour.delay_s)
        verb = command.split(" ")[0].upper()
        for start, reply in self.behaviour.replies.items():
            if command.upper().startswith(start):
                self.say(*reply.split("\n"))
                return True
        handlers: dict[str, Callable[[str], None]] = {
            "EHLO": self._ehlo, "STARTTLS": self._starttls, "AUTH": self._auth, "DATA": self._data,
        }  # fmt: skip
        if verb in handlers:
            handlers[verb](command)
        else:
            self.say("221 bye" if verb == "QUIT" else "250 2.0.0 ok")
        return verb != "QUIT"

    def _ehlo(self, command: str) -> None:
        if not self.behaviour.accepts_ehlo:
            self.say("502 5.5.1 what?")
            return
        offered = list(self.behaviour.extensions)
        if self.behaviour.tls and not self.is_encrypted:
            offered.append("STARTTLS")
        if self.behaviour.auth:
            offered.append(f"AUTH {self.behaviour.auth}")
        lines = ["mx.example.org at your service", *offered]
        self.say(*(f"250{'-' if at < len(lines) - 1 else ' '}{line}" for at, line in enumerate(lines)))

    def _starttls(self, command: str) -> None:
        self.client.sendall(b"220 2.0.0 go ahead\r\n" + self.behaviour.before_tls)
        self._encrypt()

    def _data(self, command: str) -> None:
        self.say("354 go ahead")
        lines = []
        while (line := self.line()) != ".":
            lines.append(line.removeprefix(".") if line.startswith("..") else line)
        self.server.mails.append("\n".join(lines))
        if self.behaviour.vanishes:
            raise ValueError("gone")
        self.say("250 2.0.0 taken")

    def _encrypt(self) -> None:
        if self.behaviour.breaks_tls:
            self.client.recv(100)
            self.client.sendall(b"this is no TLS at all\r\n")
            raise ValueError("broken on purpose")
        assert self.behaviour.tls
        self.client = self.behaviour.tls.wrap_socket(self.client, server_side=True)
        self.is_encrypted = True

    def _auth(self, command: str) -> None:
        words = command.split(" ")
        if words[1].upper() == "PLAIN":
            _, user, password = base64.b64decode(words[2]).decode().split("\0")
        else:
            self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.line()).decode()
            self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line()).decode()
        right = self.behaviour.users.get(user) == password
        self.say("235 2.7.0 welcome" if right else f"535 5.7.8 no, {password!r} is wrong for {command}")


@contextmanager
def running_server(behaviour: Behaviour, *, address: str = "127.0.0.1", port: int = 0) -> Iterator[SmtpServer]:
    """Started, and ended with the block."""
    server = SmtpServer(behaviour, address, port)
    try:
        yield server
    finally:
        server.close()
