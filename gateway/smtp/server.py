"""Listening sockets of one process, and the ordered end of their sessions. Not for processes (`gateway.reception`)."""

from __future__ import annotations

import asyncio
import socket
import ssl

from gateway.smtp.door import Host, Settings
from gateway.smtp.session import Session


class Server:
    """Everything one process listens on."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.sessions: set[Session] = set()
        self._servers: list[asyncio.Server] = []

    async def listen(self, listening: socket.socket, settings: Settings) -> None:
        """Take connections from a socket that is bound already; it is closed with the server."""
        loop = asyncio.get_running_loop()
        context: ssl.SSLContext | None = None
        if settings.tls_at_once and settings.tls is not None:
            context = settings.tls()
        server = await loop.create_server(
            lambda: Session(self.host, settings, self.sessions),
            sock=listening,
            ssl=context,
            backlog=512,
            ssl_handshake_timeout=settings.limits.tls_s if context is not None else None,
        )
        self._servers.append(server)

    async def stop(self, patience_s: float, *, last_s: float = 2.0) -> None:
        """No new connections; sessions end between messages, after `patience_s` also within one.

        A message that is whole is waited for: its client was or will be told what became of it.
        """
        for server in self._servers:
            server.close()
        for session in list(self.sessions):
            session.stop()
        await self._gone(patience_s)
        for session in list(self.sessions):
            session.stop(now=True)
        await self._gone(last_s)

    async def _gone(self, seconds: float) -> None:
        tasks = [session.task for session in self.sessions]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
