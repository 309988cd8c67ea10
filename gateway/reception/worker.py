"""One process that takes mail in: its event loop, its sessions, its signs of life, its ordered end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from config.kit import heartbeat
from gateway import intake
from gateway.directory import changes
from gateway.reception.host import Reception
from gateway.reception.ports import Port, settings_of
from gateway.smtp.server import Server
from gateway.smtp.tls import Certificates
from gateway.threads import Threads

PART = "gateway"
PATIENCE_S = 5.0


def run(number: int, ports: list[Port], fallback: bytes, pulse: Callable[[], None]) -> None:
    """Until SIGTERM. number: which of the port's sockets is ours. fallback: a certificate for want of a better one."""
    asyncio.run(_run(number, ports, fallback, pulse))


async def _run(number: int, ports: list[Port], fallback: bytes, pulse: Callable[[], None]) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    changes.start()
    certificates = Certificates(fallback)
    intake.start()
    reception = Reception(intake)
    server = Server(reception)
    for port in ports:
        listening = port.sockets[number]
        listening.setblocking(False)
        await server.listen(listening, settings_of(port, certificates.context))
    beating = Threads(1, "heartbeat")
    try:
        while not stopped.is_set():
            pulse()
            await beating.run(lambda: heartbeat.beat(PART))
            try:
                await asyncio.wait_for(stopped.wait(), heartbeat.EVERY_S)
            except TimeoutError:
                continue
    finally:
        await server.stop(PATIENCE_S)
        await intake.stop()
        reception.stop()
        changes.stop()
        beating.stop()
