"""One process that takes mail in: its event loop, its sessions, its signs of life, its ordered end."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial

from django.db import DatabaseError

from config.kit import heartbeat
from gateway import intake, loops
from gateway.directory import changes
from gateway.reception.host import Reception
from gateway.reception.ports import Port, settings_of
from gateway.services.certificates import pairs_in_use
from gateway.smtp.server import Server
from gateway.smtp.tls import BadCertificate, Certificates
from gateway.threads import Threads

logger = logging.getLogger("postkeep.gateway")

PART = "gateway"
PATIENCE_S = 5.0
FILES_EVERY_S = 60.0


def run(number: int, ports: list[Port], fallback: bytes, pulse: Callable[[], None]) -> None:
    """Until SIGTERM. number: which of the port's sockets is ours. fallback: a certificate for want of a better one."""
    loops.run(_run(number, ports, fallback, pulse))


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
    shown = Shown(certificates)

    async def chores() -> None:
        await beating.run(lambda: heartbeat.beat(PART))
        await beating.run(reception.figures.tell)
        await beating.run(partial(reception.crowd.exchange, reception.crowd.busy()))
        await beating.run(shown.refresh)

    try:
        await work_until(stopped, pulse, chores)
    finally:
        await server.stop(PATIENCE_S)
        await intake.stop()
        reception.stop()
        changes.stop()
        beating.stop()


async def work_until(stopped: asyncio.Event, pulse: Callable[[], None], chores: Callable[[], Awaitable[None]]) -> None:
    """Do the chores again and again until then. The pulse doesn't wait for them: what they ask may hang (the broker,
    the database) while mail is taken in, and hang when it's over. Raises: what a chore raises."""

    async def beat() -> None:
        while True:
            pulse()
            await asyncio.sleep(heartbeat.EVERY_S)

    async def work() -> None:
        while True:
            await chores()
            await asyncio.sleep(heartbeat.EVERY_S)

    tasks = [asyncio.ensure_future(each) for each in (stopped.wait(), beat(), work())]
    try:
        done, _waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Shown:
    """Keeps what handshakes show up to the rows and files of certificates, without a restart."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates
        self._stamp: int | None = None
        self._read_at = float("-inf")
        self._pairs: object = None

    def refresh(self) -> None:
        """When the database says that something changed, and once a minute for files. Never raises."""
        stamp, now = changes.stamp(), time.monotonic()
        if stamp == self._stamp and stamp is not None and now - self._read_at < FILES_EVERY_S:
            return
        try:
            pairs = pairs_in_use()
            if pairs != self._pairs:
                self._certificates.replace(*pairs)
                self._pairs = pairs
        except (DatabaseError, BadCertificate) as error:
            logger.warning("certificates can't be read now: %s", error)
            return
        self._stamp, self._read_at = stamp, now
