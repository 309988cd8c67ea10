"""The bytes of one connection to a server: lines as they come, bounded; written no faster than they leave."""

from __future__ import annotations

import asyncio
from typing import cast

from config.kit import net

LONGEST_LINE, MOST_LINES = 4_000, 100


class Wire(asyncio.Protocol):
    """Bytes to and from the server."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.lost: Exception | None = None
        self._news = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > LONGEST_LINE * MOST_LINES and self.transport is not None:
            self.lost = net.ProtocolBroken("the server sends more than SMTP allows")
            self.transport.abort()
        self._news.set()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        where = "the connection"
        if self.lost is None:
            self.lost = (
                net.translate(exc, where) if isinstance(exc, OSError) else net.Unreachable(f"{where} was closed")
            )
        self._news.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def line(self) -> bytes:
        """The next line without its end. Raises: NetError."""
        while (at := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > LONGEST_LINE:
                raise net.ProtocolBroken("the server's line is too long")
            if self.lost is not None:
                raise self.lost
            self._news.clear()
            await self._news.wait()
        found = bytes(self.buffer[:at])
        del self.buffer[: at + 1]
        return found.removesuffix(b"\r")[:LONGEST_LINE]

    def write(self, data: bytes) -> None:
        if self.lost is not None:
            raise self.lost
        assert self.transport is not None
        self.transport.write(data)

    async def drained(self) -> None:
        await self._may_write.wait()
        if self.lost is not None:
            raise self.lost
