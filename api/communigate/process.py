"""The process that listens on the PWD port: its event loop, its sessions, its certificate, its ordered end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError

from api.communigate.house import PwdHouse
from api.communigate.pwd.door import Settings
from api.communigate.pwd.session import Session
from config.kit import heartbeat
from gateway.reception import selfsigned
from gateway.services.certificates import pairs_in_use
from gateway.smtp.tls import BadCertificate, Certificates
from gateway.threads import Threads

logger = logging.getLogger("postkeep.pwd")

PART = "pwd"
VERSION = "6.3.0"  # of the interface; some clients look at it
PATIENCE_S = 3.0
CERTIFICATES_EVERY_S = 60.0
BACKLOG = 128


def run(bind: str, port: int) -> None:
    """Until SIGTERM. Raises: OSError where the port can't be had."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    dual = bind == "::" and socket.has_dualstack_ipv6()
    with socket.create_server((bind, port), family=family, backlog=BACKLOG, dualstack_ipv6=dual) as listening:
        listening.setblocking(False)
        asyncio.run(_serve(listening))


async def _serve(listening: socket.socket) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    name = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    certificates = Certificates(selfsigned.make(name))
    server = Server(PwdHouse(), name, certificates.context)
    beating = Threads(1, "heartbeat")
    try:
        await server.listen(listening)
        rounds = 0
        while not stopped.is_set():
            await beating.run(lambda: heartbeat.beat(PART))
            await beating.run(server.house.tell)
            if rounds % max(1, round(CERTIFICATES_EVERY_S / heartbeat.EVERY_S)) == 0:
                await beating.run(lambda: _refresh(certificates))
            rounds += 1
            try:
                await asyncio.wait_for(stopped.wait(), heartbeat.EVERY_S)
            except TimeoutError:
                continue
    finally:
        await server.stop()
        beating.stop()


def _refresh(certificates: Certificates) -> None:
    """What STLS shows follows the certificates that are kept. Never raises."""
    try:
        certificates.replace(*pairs_in_use())
    except (DatabaseError, BadCertificate) as error:
        logger.warning("certificates can't be read now: %s", error)


class Server:
    """The listening socket and its sessions."""

    def __init__(self, house: PwdHouse, name: str, tls: Callable[[], ssl.SSLContext] | None) -> None:
        self.house = house
        self._settings = Settings(name=name, version=VERSION, tls=tls)
        self.sessions: set[Session] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Session(self.house, self._settings, self.sessions), sock=listening, backlog=BACKLOG
        )

    async def stop(self) -> None:
        """No new connections; a command that runs is answered, then its session ends."""
        if self._server is not None:
            self._server.close()
        for session in list(self.sessions):
            session.stop()
        tasks = [session.task for session in self.sessions]
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE_S)
        for session in list(self.sessions):
            session.stop(now=True)
        self.house.stop()
