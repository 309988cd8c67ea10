"""The same WSGI application behind granian's ASGI interface, with the path as it came over the wire.

Granian decodes the path before WSGI sees it, so `a%2Fb` and `a/b` are one: for dialects whose clients put names with
slashes into one segment that is too late. Here the environment has `RAW_URI` beside what WSGI has (as in gunicorn).
Only for the ports of dialects, whose bodies are small: a body is read whole, at most `MOST_BYTES`.
Source: PEP 3333; ASGI 3.0 (`raw_path`).
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from config.wsgi import application as wsgi

THREADS = 4
MOST_BYTES = 12 << 20
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="request")


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """One request. Anything that isn't HTTP is left alone."""
    if scope["type"] != "http":
        return
    try:
        body = await _read(receive)
    except ConnectionAbortedError:
        return  # half a request is none: what is left of its body would mean something else
    refused = 413 if body is None else 400 if _is_shorter(scope, body) else 0
    if body is None or refused:
        await send({"type": "http.response.start", "status": refused, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        return
    loop = asyncio.get_running_loop()
    status, headers, content = await loop.run_in_executor(_pool, _answer, environ_of(scope, body))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def environ_of(scope: Message, body: bytes) -> Message:
    """What WSGI wants to know of a request."""
    raw = bytes(scope.get("raw_path") or scope["path"].encode())
    query = bytes(scope["query_string"])
    host, port = scope.get("server") or ("localhost", 0)
    client, _port = scope.get("client") or ("", 0)
    environ: Message = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "RAW_URI": (raw + (b"?" + query if query else b"")).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": str(client),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in bytes(name):
            continue  # in this form it would be another header: X_Forwarded_For what a proxy says of its client
        key = bytes(name).decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = bytes(value).decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None where it is too long. Raises: ConnectionAbortedError."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionAbortedError
        parts.append(bytes(message.get("body", b"")))
        size += len(parts[-1])
        if size > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _is_shorter(scope: Message, body: bytes) -> bool:
    """Whether something of what was announced didn't come."""
    announced = [bytes(value) for name, value in scope["headers"] if bytes(name).lower() == b"content-length"]
    return any(each.decode("latin-1").strip() != str(len(body)) for each in announced)


def _answer(environ: Message) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    found: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
        found[:] = [int(status.split(" ", 1)[0]), headers]
        return lambda text: None

    answer: Iterable[bytes] = wsgi(environ, start)
    try:
        content = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in found[1]]
    return found[0], headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else content
