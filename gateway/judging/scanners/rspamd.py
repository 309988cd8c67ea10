"""rspamd over HTTP: the score of a message with its symbols; teaching it spam and ham.

A small client of HTTP/1.1 of our own: one request per connection, answers within limits.

Source: https://docs.rspamd.com/developers/protocol (checkv2, learnspam, learnham).
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.flow import Body, Client
from gateway.judging.scanners.connecting import NoVerdict, connect

MOST_ANSWER_BYTES = 4 * 1024 * 1024
MOST_SYMBOLS = 100
LEARNING_PAUSES_S = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`parts`: symbols with their points, the weightiest first; `action` is what rspamd would do."""

    score: float
    action: str
    parts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Server:
    """Where rspamd answers ("http://127.0.0.1:11333"); the password is the controller's, needed to teach."""

    url: str
    password: str = ""
    timeout_s: float = 10.0


async def check(
    server: Server,
    body: Body,
    *,
    sender: str,
    recipients: Sequence[str],
    client: Client | None = None,
    queue_id: str = "",
) -> Verdict:
    """Raises: NoVerdict."""
    headers = [("From", sender), ("Queue-Id", queue_id), *(("Rcpt", each) for each in recipients[:100])]
    if client is not None:
        headers += [
            ("IP", client.address),
            ("Helo", client.helo),
            ("Hostname", client.name),
            ("User", client.user_name),
        ]
        headers.append(("TLS-Cipher", client.tls.cipher if client.tls else ""))
    found = await _post(server, "/checkv2", headers, body)
    try:
        score = float(found["score"])
        symbols = found.get("symbols") or {}
        parts = [(str(name)[:100], round(float(each.get("score", 0.0)), 2)) for name, each in symbols.items()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoVerdict("rspamd's answer has no score") from error
    if not math.isfinite(score) or found.get("is_skipped"):
        raise NoVerdict("rspamd did not look at the message")
    weighty = sorted(
        (part for part in parts if part[1] and math.isfinite(part[1])), key=lambda part: (-abs(part[1]), part[0])
    )
    return Verdict(round(score, 2), str(found.get("action", ""))[:50], tuple(weighty[:MOST_SYMBOLS]))


async def learn(server: Server, body: Body, *, is_spam: bool) -> bool:
    """Teach it; False when it knew this message already. Raises: NoVerdict.

    Its own database is locked for moments while it writes: then it is asked again.
    """
    path = "/learnspam" if is_spam else "/learnham"
    for pause_s in (*LEARNING_PAUSES_S, None):
        try:
            found = await _post(server, path, [], body, known=(200, 204, 208, 404))  # 404: it was learnt before
            break
        except NoVerdict as error:
            if pause_s is None or "locked" not in str(error):
                raise
            await asyncio.sleep(pause_s)
    problem = str(found.get("error", ""))
    if problem and "already learned" not in problem:
        raise NoVerdict(f"rspamd did not learn it: {problem[:200]}")
    return bool(found.get("success"))


async def ping(server: Server) -> None:
    """Raises: NoVerdict where it doesn't answer as it should."""
    await _ask(server, "GET", "/ping", [], None, known=(200,))


async def _post(
    server: Server, path: str, headers: Iterable[tuple[str, str]], body: Body, *, known: tuple[int, ...] = (200,)
) -> dict[str, Any]:
    data = await _ask(server, "POST", path, headers, body, known=known)
    if not data:
        return {}
    try:
        found = json.loads(data)
    except ValueError as error:
        raise NoVerdict("rspamd's answer is no JSON") from error
    if not isinstance(found, dict):
        raise NoVerdict("rspamd's answer is no object")
    return found


async def _ask(
    server: Server,
    method: str,
    path: str,
    headers: Iterable[tuple[str, str]],
    body: Body | None,
    *,
    known: tuple[int, ...],
) -> bytes:
    try:
        return await asyncio.wait_for(_exchange(server, method, path, headers, body, known), server.timeout_s)
    except TimeoutError as error:
        raise NoVerdict(f"rspamd did not answer within {server.timeout_s:.0f} s") from error
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        raise NoVerdict(f"rspamd: {error}") from error


async def _exchange(
    server: Server,
    method: str,
    path: str,
    headers: Iterable[tuple[str, str]],
    body: Body | None,
    known: tuple[int, ...],
) -> bytes:
    url = urlsplit(server.url)
    tls = url.scheme == "https"
    host, port = url.hostname or "", url.port or (443 if tls else 80)
    lines = [f"{method} {url.path.rstrip('/')}{path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
    lines += [f"{name}: {_clean(value)}" for name, value in headers if value]
    if server.password:
        lines.append(f"Password: {_clean(server.password)}")
    lines.append(f"Content-Length: {body.size_bytes if body else 0}")
    async with await connect(host, port, tls=tls) as link:
        await link.send(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace"))
        if body is not None:
            for piece in body.chunks():
                await link.send(piece)
        return await _answer(link.reader, known)


def _clean(value: str) -> str:
    """A header's value that ends where it should."""
    return "".join(letter for letter in value[:500] if letter.isprintable())


async def _answer(reader: asyncio.StreamReader, known: tuple[int, ...]) -> bytes:
    status = (await reader.readline()).split(None, 2)
    if len(status) < 2 or not status[0].startswith(b"HTTP/1."):
        raise NoVerdict("what answers is not rspamd")
    length, chunked, seen = -1, False, 0
    while (line := await reader.readline()).strip():
        name, _colon, value = line.decode("latin-1").partition(":")
        seen += 1
        if seen > 100:
            raise NoVerdict("rspamd's answer has too many headers")
        if name.lower() == "content-length":
            length = int(value)
        elif name.lower() == "transfer-encoding" and "chunked" in value.lower():
            chunked = True
    data = await (_chunks(reader) if chunked else _plain(reader, length))
    if int(status[1]) not in known:
        raise NoVerdict(f"rspamd answered {status[1].decode()}: {data[:200].decode('utf-8', 'replace')}")
    return data


async def _plain(reader: asyncio.StreamReader, length: int) -> bytes:
    if length > MOST_ANSWER_BYTES:
        raise NoVerdict("rspamd's answer is too long")
    if length >= 0:
        return await reader.readexactly(length)
    data = bytearray()
    while piece := await reader.read(65536):
        data += piece
        if len(data) > MOST_ANSWER_BYTES:
            raise NoVerdict("rspamd's answer is too long")
    return bytes(data)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    data = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        if size + len(data) > MOST_ANSWER_BYTES:
            raise NoVerdict("rspamd's answer is too long")
        data += await reader.readexactly(size)
        await reader.readline()
    return bytes(data)
