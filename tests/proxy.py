"""A TCP proxy in front of a real server, which drops the connection after so many messages. For tests of clients."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Proxy:
    """What passed through it. every: so many messages (by what IMAP says before each) until a connection is cut;
    bytes_until: so many bytes from the server.
    """

    target: int
    every: int
    listener: socket.socket
    bytes_until: int = 0
    connections: int = 0
    bytes_from_server: int = 0
    heard: bytes = b""
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self.serve, args=(client,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, client: socket.socket) -> None:
        passed = from_server = 0
        with client, socket.create_connection(("127.0.0.1", self.target)) as server, contextlib.suppress(OSError):
            while True:
                for ready in select.select([client, server], [], [], 30)[0]:
                    data = ready.recv(65_536)
                    if not data:
                        return
                    if ready is client:
                        self.heard += data
                        server.sendall(data)
                        continue
                    self.bytes_from_server += len(data)
                    passed += data.count(b" FETCH (")
                    from_server += len(data)
                    if passed > self.every or (self.bytes_until and from_server > self.bytes_until):
                        client.sendall(data[: len(data) // 2])  # in the middle of something
                        return
                    client.sendall(data)


@contextmanager
def dropping_proxy(target: int, *, every: int, bytes_until: int = 0) -> Iterator[Proxy]:
    """On loopback, in front of a port."""
    proxy = Proxy(target, every, socket.create_server(("127.0.0.1", 0)), bytes_until)
    thread = threading.Thread(target=proxy.accept, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        with contextlib.suppress(OSError):
            proxy.listener.shutdown(socket.SHUT_RDWR)
        proxy.listener.close()
        thread.join(5)
        for each in proxy.threads:
            each.join(5)
