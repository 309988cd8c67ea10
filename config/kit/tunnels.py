"""The gate for a library that connects by itself: a proxy on loopback that leads to one host and port only.

Who asks the gate (`config.kit.net`) and then gives a name to such a library has it looked up again, and a redirect may
lead it anywhere. Through a tunnel each connection is admitted anew and goes to one of the addresses that were judged;
any other host is refused. TLS stays between the library and the host, whose certificate is checked by its name.

Whoever else is on this machine may use a tunnel while it is open: it leads where the host's address is open anyway. Not
for libraries that take a socket or an address: those use `net.connect`.

Source: RFC 9110 §9.3.6 (CONNECT), RFC 9112 §3.2.2 (what a request to a proxy looks like, which servers must take too).
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
import weakref
from urllib.parse import urlsplit

from config.kit import net

HEAD_BYTES = 64 << 10
HEAD_S = 10.0
IDLE_S = 300.0
PIECE_BYTES = 256 << 10
ANSWERED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
UNREACHED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
logger = logging.getLogger("postkeep.net")


def lead_to(url: str, *, gate: net.Gate, timeout_s: float, who: str) -> Tunnel:
    """A tunnel to the host of an address that may be reached now. timeout_s: for each connection.

    Raises: RefusedByGate, NameUnknown, NameUnanswered, TimedOut.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    net.admit(host, port, timeout_s=timeout_s, gate=gate, who=who)
    return Tunnel(host, port, gate=gate, timeout_s=timeout_s, who=who)


class Tunnel:
    """Open until it is closed or forgotten. `address` is what the library takes as its proxy."""

    def __init__(self, host: str, port: int, *, gate: net.Gate, timeout_s: float, who: str) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        way = _Way(net.clean_host(host), port, gate, timeout_s, who)
        threading.Thread(target=_serve, args=(listener, way), name="tunnel", daemon=True).start()
        self._end = weakref.finalize(self, _end, listener)

    def close(self) -> None:
        """Lead nobody any more; who is on the way goes on."""
        self._end()


class _Way:
    """Where a tunnel leads."""

    def __init__(self, host: str, port: int, gate: net.Gate, timeout_s: float, who: str) -> None:
        self.host, self.port = host, port
        self._gate, self._timeout_s, self._who = gate, timeout_s, who

    def leads_to(self, authority: str) -> bool:
        host, _colon, port = authority.rpartition(":")
        if not port.isdecimal():
            host, port = authority, "80"
        return (host.strip("[]").lower(), int(port)) == (self.host, self.port)

    def connect(self) -> socket.socket:
        """Raises: NetError."""
        opened = net.connect(self.host, self.port, timeout_s=self._timeout_s, gate=self._gate, who=self._who)
        return opened.socket


def _serve(listener: socket.socket, way: _Way) -> None:
    while True:
        try:
            client, _address = listener.accept()
        except OSError:  # it was closed
            return
        threading.Thread(target=_lead, args=(client, way), name="tunnel", daemon=True).start()


def _end(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for the next one
    listener.close()


def _lead(client: socket.socket, way: _Way) -> None:
    with client:
        try:
            head = _head(client)
            method, _space, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
            target = rest.partition(" ")[0]
            authority = target if method == "CONNECT" else _authority(target)
            if not way.leads_to(authority):
                logger.warning(
                    "a connection to %s was asked for, which is not the one to %s", authority[:300], way.host
                )
                client.sendall(REFUSED)
                return
            try:
                server = way.connect()
            except net.NetError as error:
                client.sendall(REFUSED if isinstance(error, net.RefusedByGate) else UNREACHED)
                return
            with server:
                if method == "CONNECT":
                    client.sendall(ANSWERED)
                    head = head.partition(b"\r\n\r\n")[2]
                _join(client, server, head)
        except OSError:  # one of the two ended
            return


def _authority(target: str) -> str:
    """Of `http://host:port/path`; empty for anything else."""
    if not target.lower().startswith("http://"):
        return ""
    authority = target[7:].partition("/")[0].partition("?")[0].partition("#")[0]
    return "" if "@" in authority else authority


def _head(client: socket.socket) -> bytes:
    """What the client said up to the end of its header, and what came with it. Raises: OSError."""
    until, said = time.monotonic() + HEAD_S, b""
    while b"\r\n\r\n" not in said:
        client.settimeout(max(until - time.monotonic(), 0.01))
        piece = client.recv(HEAD_BYTES)
        said += piece
        if not piece or len(said) > HEAD_BYTES + PIECE_BYTES:
            raise OSError("this is no request")
    return said


def _join(client: socket.socket, server: socket.socket, said: bytes) -> None:
    """Pass bytes on in both directions until both ends have said all. Raises: OSError."""
    for each in (client, server):
        each.settimeout(IDLE_S)
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if said:
        server.sendall(said)
    other = {client: server, server: client}
    with selectors.DefaultSelector() as waiting:
        for each in other:
            waiting.register(each, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(IDLE_S)
            if not ready:
                return
            for key, _events in ready:
                source = client if key.fileobj is client else server
                piece = source.recv(PIECE_BYTES)
                if piece:
                    other[source].sendall(piece)
                else:
                    waiting.unregister(source)
                    other[source].shutdown(socket.SHUT_WR)
