"""A door on loopback for tests: the real server in a thread, a host that remembers, and a client of bare sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.flow import OK, Answer, Asked, Client, Incoming, Sending
from gateway.loops import new_loop
from gateway.smtp.door import Identity, Settings
from gateway.smtp.server import Server


@dataclass
class Taken:
    """A message that a host took."""

    sender: str
    recipients: list[str]
    data: bytes
    incoming: Incoming


@dataclass
class Remembering:
    """A host that takes everything but for `unknown@…`, `later@…`, and mail from `boom@…`, which breaks it."""

    taken: list[Taken] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    closed_clients: list[Client] = field(default_factory=list)
    welcome: Answer | None = None
    delay_s: float = 0.0

    async def connect(self, client: Client) -> Answer | None:
        self.clients.append(client)
        return self.welcome

    async def auth(self, client: Client, name: str, password: str) -> Identity | Answer:
        return Identity(7, name, proof=name) if password == "right" else Answer(535, "5.7.8", "Wrong")

    async def named(self, client: Client, login: str) -> Identity | None:
        return Identity(7, login) if login.startswith("known") else None

    async def mail(self, client: Client, sender: Sending) -> Answer:
        is_out = client.proof == "gone" or (client.user_id is None and client.proof is not None)
        return Answer(530, "5.7.0", "Sign in anew") if is_out else OK

    async def rcpt(self, client: Client, sender: Sending, asked: Asked) -> Answer:
        if asked.address.startswith("unknown"):
            return Answer(550, "5.1.1", "Nobody")
        return Answer(450, "4.2.1", "Later") if asked.address.startswith("later") else OK

    async def take(self, incoming: Incoming) -> Answer:
        if incoming.sender.address.startswith("boom"):
            raise RuntimeError("broken on purpose")
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        recipients = [asked.address for asked in incoming.recipients]
        self.taken.append(Taken(incoming.sender.address, recipients, incoming.body.read(), incoming))
        return Answer(250, "2.0.0", f"Ok {incoming.key}")

    def closed(self, client: Client) -> None:
        self.closed_clients.append(client)


class Door:
    """A server in a thread of its own."""

    def __init__(self, host: Remembering, settings: Settings) -> None:
        self.host, self.settings = host, settings
        self.loop = new_loop()
        self.server = Server(host)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address, self.port = self.socket.getsockname()[:2]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.server.listen(self.socket, self.settings))
        self.loop.run_forever()

    def __enter__(self) -> Door:
        self._thread.start()
        return self

    def stop(self, patience_s: float = 0.3) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(patience_s, last_s=1.0), self.loop).result(10)

    def __exit__(self, *_: object) -> None:
        self.stop(0.0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class Talk:
    """A client that sends exactly the bytes it is told to."""

    def __init__(self, door: Door, *, greeted: bool = True) -> None:
        self.socket: socket.socket = socket.create_connection((door.address, door.port), timeout=5)
        self._buffer = b""
        if greeted:
            assert self.reply().startswith("220 ")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> str:
        """The next whole reply, its lines joined; "" at the end of the connection."""
        lines = []
        while True:
            line = self._line()
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def ask(self, *commands: bytes) -> list[str]:
        """Send commands together; their replies."""
        self.send(b"".join(command + b"\r\n" for command in commands))
        return [self.reply() for _ in commands]

    def hello(self) -> Talk:
        assert self.ask(b"EHLO client.example.org")[0].startswith("250")
        return self

    def begin(self, sender: bytes = b"a@example.org", recipient: bytes = b"b@example.com") -> Talk:
        """As far as 354."""
        self.hello()
        answers = self.ask(b"MAIL FROM:<" + sender + b">", b"RCPT TO:<" + recipient + b">")
        assert [answer[:3] for answer in answers] == ["250", "250"]
        assert self.ask(b"DATA")[0].startswith("354")
        return self

    def start_tls(self, name: str = "mx.example.org") -> Talk:
        assert self.ask(b"STARTTLS")[0].startswith("220")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, server_hostname=name)
        return self

    def is_over(self) -> bool:
        """Whether the server ended the connection (after what was read so far)."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.socket.close()

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                piece = b""
            if not piece:
                return ""
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode()


@contextmanager
def open_door(settings: Settings, host: Remembering | None = None) -> Iterator[Door]:
    with Door(host or Remembering(), settings) as door:
        yield door
