"""A crowd that guesses passwords, as a process of its own: so many addresses, each once a second over one connection.

`python -m benchmarks.guessing_crowd PORT ADDRESSES SECONDS EMAIL…` prints one JSON document: how many guesses were sent
and what was answered. The addresses stand in X-Forwarded-For, which the house of the measurement believes. An address
whose answer is still out skips its turn, as a bot does. Loopback only. Not for measuring anybody else.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import urllib.request
from collections import Counter
from urllib.parse import urlencode

EVERY_S = 1.0
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Bot(asyncio.Protocol):
    """One address."""

    def __init__(self, request: bytes, said: Counter[str], seconds: list[float]) -> None:
        self._request, self._said, self._seconds = request, said, seconds
        self._transport: asyncio.Transport | None = None
        self._sent_at = 0.0
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        if self._sent_at:
            self._said["no answer"] += 1

    def guess(self) -> bool:
        """Send one more, unless the last is unanswered or the connection gone."""
        if self._transport is None or self._sent_at:
            return False
        self._sent_at = time.monotonic()
        self._transport.write(self._request)
        return True

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, gap, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not gap or length is None or len(body) < int(length[1]):
            return
        self._said[head[9:12].decode()] += 1
        self._seconds.append(time.monotonic() - self._sent_at)
        self._sent_at, self._answer = 0.0, b""


def _requests(port: int, addresses: int, emails: list[str]) -> list[bytes]:
    """One for each address, with a form's token as a browser would have it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in/") as page:
        text, cookie = page.read().decode(), page.headers["Set-Cookie"].split(";")[0]
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert token is not None
    made = []
    for number in range(addresses):
        form = {"csrfmiddlewaretoken": token[1], "email": emails[number % len(emails)], "password": f"guess {number}"}
        body = urlencode(form)
        made.append(
            f"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            f"Cookie: {cookie}\r\n"
            f"X-Forwarded-For: 198.18.{number // 250}.{number % 250 + 1}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
    return made


async def crowd(port: int, addresses: int, seconds: float, emails: list[str]) -> dict[str, object]:
    said, took, loop = Counter[str](), list[float](), asyncio.get_running_loop()
    bots = []
    for request in _requests(port, addresses, emails):
        bot = Bot(request, said, took)
        await loop.create_connection(lambda bot=bot: bot, "127.0.0.1", port)  # type: ignore[misc]
        bots.append(bot)
    print("begins", file=sys.stderr, flush=True)
    began, sent, turn = time.monotonic(), 0, 0
    while (now := time.monotonic()) < began + seconds:
        due = int((now - began) * addresses / EVERY_S)
        for number in range(turn, due):
            sent += bots[number % addresses].guess()
        turn = due
        await asyncio.sleep(0.002)
    took.sort()
    median = took[len(took) // 2] if took else 0.0
    return {"wanted": turn, "sent": sent, "seconds": time.monotonic() - began, "said": said, "median_s": median}


if __name__ == "__main__":
    port, addresses, seconds, *emails = sys.argv[1:]
    print(json.dumps(asyncio.run(crowd(int(port), int(addresses), float(seconds), emails))))
