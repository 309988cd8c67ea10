"""What the API's tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.kit.heartbeat import broker


@pytest.fixture(autouse=True)
def no_limit_reached(servers_running: None) -> Iterator[None]:
    """Each test begins with counters at nothing."""
    for key in broker().scan_iter("postkeep:api:*"):
        broker().delete(key)
    yield
