"""Tunnels: a library that connects by itself comes to the judged address of one host, and nowhere else."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from config.kit.net import Gate
from config.kit.tunnels import Tunnel

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Came-For", self.headers["Host"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server of HTTP on loopback that gives back what it is sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def tunnel(port: int, *answers: list[str], host: str = "s3.example.org") -> Tunnel:
    """To a name whose address is asked for each connection; the answers in order, the last one for ever."""
    left = list(answers)

    def resolve(host: str, port: int, timeout_s: float) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return Tunnel(host, port, gate=Gate(LOOPBACK, frozenset({port}), resolve), timeout_s=5, who="a test")


def through(way: Tunnel) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", int(way.address.rpartition(":")[2]), timeout=10)


def test_bytes_come_through_in_both_ways_of_asking(port: int) -> None:
    way, body = tunnel(port, ["127.0.0.1"]), bytes(range(256)) * 20_000
    with closing(through(way)) as plain:
        for _again in range(2):  # the connection is kept
            plain.request("POST", f"http://s3.example.org:{port}/a", body=body)
            answer = plain.getresponse()
            assert (answer.status, answer.read()) == (200, body)
    with closing(through(way)) as tunnelled:
        tunnelled.set_tunnel("s3.example.org", port)
        tunnelled.request("POST", "/a", body=body)
        answer = tunnelled.getresponse()
        assert answer.read() == body and answer.headers["Came-For"] == f"s3.example.org:{port}"


@pytest.mark.parametrize(
    "target",
    [
        "http://other.example.org:{port}/",
        "http://s3.example.org:{other}/",
        "http://s3.example.org@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/",
        "/",
        "ftp://s3.example.org:{port}/",
    ],
)
def test_no_other_host_is_reached(port: int, target: str) -> None:
    way = tunnel(port, ["127.0.0.1"])
    with closing(through(way)) as asking:
        asking.request("POST", target.format(port=port, other=port + 1), body=b"x")
        assert asking.getresponse().status == 403
    with closing(through(way)) as asking, pytest.raises(OSError, match="403"):
        asking.set_tunnel("169.254.169.254", 80)
        asking.connect()


def test_a_name_that_answers_otherwise_a_moment_later_leads_nowhere(port: int) -> None:
    way = tunnel(port, ["127.0.0.1"], ["10.0.0.1"])
    for status in (200, 403):
        with closing(through(way)) as asking:
            asking.request("POST", f"http://s3.example.org:{port}/", body=b"x")
            assert asking.getresponse().status == status


def test_a_server_that_is_away_and_a_tunnel_that_is_closed_say_so() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    way = tunnel(port, ["127.0.0.1"])
    with closing(through(way)) as asking:
        asking.request("POST", f"http://s3.example.org:{port}/", body=b"x")
        assert asking.getresponse().status == 502
    entrance = int(way.address.rpartition(":")[2])
    way.close()
    until = time.monotonic() + 5
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < until:
            socket.create_connection(("127.0.0.1", entrance), timeout=5).close()
