"""Asking a server over HTTP on one kept connection, and how long its answers took. Not for what is asked."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from typing import Any

from benchmarks.figures import percentile

TIMEOUT_S = 120.0
WARM = 3
IDLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `seconds` from the first byte sent to the last one received."""

    status: int
    body: bytes
    seconds: float
    headers: Message

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cookies(self) -> list[str]:
        """What it sets, each as its header says."""
        return self.headers.get_all("Set-Cookie") or []

    def expect(self, *statuses: int) -> Answer:
        """Itself. Raises: RuntimeError for another status."""
        if self.status not in statuses:
            raise RuntimeError(f"answered {self.status}: {self.body[:500].decode(errors='replace')}")
        return self


class Api:
    """One client with fixed headers on one kept connection. Not for several threads."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._headers = dict(headers)
        self._last = 0.0

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def send(self, method: str, path: str, value: object) -> Answer:
        """A body of JSON."""
        return self.ask(method, path, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def upload(self, path: str, fields: Mapping[str, str], field: str, content: bytes) -> Answer:
        """A form with one file in it."""
        boundary = secrets.token_hex(16)
        pieces = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
        pieces.append(_part(boundary, f'name="{field}"; filename="{field}.csv"', content))
        body = b"".join(pieces) + f"--{boundary}--\r\n".encode()
        return self.ask("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Any request."""
        if time.monotonic() - self._last > IDLE_S:
            self._connection.close()  # servers end connections that nobody uses; the next request opens one
        started = time.perf_counter()
        self._connection.request(method, path, body, self._headers | dict(headers or {}))
        answer = self._connection.getresponse()
        content = answer.read()
        self._last = time.monotonic()
        return Answer(answer.status, content, time.perf_counter() - started, answer.headers)


def times_of(ask: Callable[[], Answer], *, times: int, budget_s: float) -> dict[str, float]:
    """`p50` and `p95` in ms of so many equal requests after a few to warm up; fewer when the budget is spent.

    Raises: RuntimeError when one is not answered with 200.
    """
    until = time.monotonic() + budget_s
    found: list[float] = []
    for at in range(times + WARM):
        seconds = ask().expect(200).seconds
        if at >= WARM or time.monotonic() > until:
            found.append(seconds * 1000)
        if time.monotonic() > until:
            break
    return {"p50": percentile(found, 50), "p95": percentile(found, 95), "times": len(found)}


def per_second(asks: Sequence[Iterable[Callable[[], Answer]]], *statuses: int) -> float:
    """Requests per second when so many clients each go through theirs as fast as they are answered."""

    def work(mine: Iterable[Callable[[], Answer]]) -> int:
        return len([ask().expect(*statuses) for ask in mine])

    started = time.perf_counter()
    with ThreadPoolExecutor(len(asks)) as pool:
        done = sum(pool.map(work, asks))
    return done / (time.perf_counter() - started)


def _part(boundary: str, disposition: str, content: bytes) -> bytes:
    kind = b"Content-Type: text/csv\r\n" if "filename" in disposition else b""
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n".encode()
    return head + kind + b"\r\n" + content + b"\r\n"
