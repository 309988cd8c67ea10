"""aiosmtpd with a handler that answers 250 and forgets, two processes on one port: what the gateway is measured beside.

    python -m benchmarks.bare_aiosmtpd PORT

Until SIGTERM. On the standard library's event loop, as its own Controller runs it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from aiosmtpd.smtp import SMTP, Envelope, Session

PROCESSES = 2


class Forgetful:
    """Takes every message for everybody."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # theirs
        return "250 OK"


async def serve(port: int) -> None:
    """On loopback until the process is ended."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: SMTP(Forgetful()), "127.0.0.1", port, reuse_port=True, backlog=512)
    async with server:
        await stopped.wait()


def main(port: int) -> None:
    children = [os.fork() for _each in range(PROCESSES - 1)]
    if not all(children):
        children = []
    try:
        asyncio.run(serve(port))
    finally:
        for pid in children:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
