"""Tests of the gateway work on real stores below this session's HOME; what one left open is closed after it."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.archive.django.conftest import stores

__all__ = ["stores"]


@pytest.fixture(autouse=True)
def no_loop_of_a_browser() -> Iterator[None]:
    """Once a browser has been driven in this process its loop counts as running in this thread for ever (Playwright's
    synchronous interface switches away from within it). No test here drives one, and `asyncio.run` wants none."""
    left = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(left)
