"""What the API's tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from config.kit.heartbeat import broker
from tests.dns_server import DnsServer


@pytest.fixture(autouse=True)
def no_limit_reached(servers_running: None) -> Iterator[None]:
    """Each test begins with counters at nothing."""
    for key in broker().scan_iter("postkeep:api:*"):
        broker().delete(key)
    yield


@pytest.fixture(autouse=True)
def nothing_outside(dns_server: DnsServer, settings: Any) -> None:
    """Questions to DNS are answered by the test's own server, which knows no zone."""
    settings.DNS_SERVERS = [dns_server.endpoint]
