"""Delivery as it runs, against a real server on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest

from config.kit import net
from domains.diagnosis.lookups import Resolver
from gateway.delivery import loop
from gateway.delivery.client import Patience
from gateway.delivery.reaching import Contexts, Reacher
from gateway.delivery.routing import Router
from gateway.queue.settings import forget

Deliver = Callable[..., None]
LOOPBACK = (ip_network("127.0.0.0/8"),)


def reacher(
    *ports: int, resolver: Resolver | None = None, mx_port: int = 25, contexts: Contexts | None = None
) -> Reacher:
    """May reach loopback at these ports."""
    gate = net.Gate(LOOPBACK, frozenset(ports))
    router = Router(resolver or Resolver([("127.0.0.1", 9)], attempt_s=0.2), gate, mx_port)
    patience = Patience(connect=3, greeting=3, command=3, data=3, block=3, final=3)
    return Reacher(router, ThreadPoolExecutor(2), "gateway.example.org", patience, contexts or Contexts())


def run_until(done: Callable[[], bool], by: Reacher, *, most_s: float = 8.0) -> None:
    """Run delivery until `done`, which sees no database; what is under way ends, and is written down."""
    until = time.monotonic() + most_s
    loop.run(lambda: done() or time.monotonic() > until, reacher=by, beat=lambda: None)


@pytest.fixture(autouse=True)
def _settings_read_anew() -> None:
    forget()
