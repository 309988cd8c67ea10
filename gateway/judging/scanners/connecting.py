"""A connection to a scanner, through the gate that all connections of people's making pass.

Source: `config.kit.net`.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from django.conf import settings

from config.kit import net

PIECE_BYTES = 256 * 1024
CONNECT_S = 5.0


class NoVerdict(Exception):
    """The scanner gave no answer that can be used; the text says why, for logs and the health page."""


@dataclass(slots=True)
class Link:
    """An open connection; closed at the end of `async with`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def __aenter__(self) -> Link:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.writer.close()
        with suppress(OSError, ssl.SSLError, asyncio.TimeoutError):
            await asyncio.wait_for(self.writer.wait_closed(), 1.0)


async def connect(host: str, port: int, *, tls: bool = False) -> Link:
    """Raises: NoVerdict."""
    try:
        addresses = await asyncio.to_thread(net.admit, host, port, timeout_s=CONNECT_S, who="a scanner's address")
        context = ssl.create_default_context() if tls else None
        opening = asyncio.open_connection(addresses[0], port, ssl=context, server_hostname=host if tls else None)
        return Link(*await asyncio.wait_for(opening, CONNECT_S))
    except (net.NetError, OSError, ssl.SSLError) as error:
        raise NoVerdict(f"{host} port {port}: {error or 'no answer in time'}") from error


async def connect_socket(path: str) -> Link:
    """A socket on this machine; only those that the person who runs the server named. Raises: NoVerdict."""
    if not is_open_socket(path):
        raise NoVerdict(f"{path} is not open to scanners (POSTKEEP_SCANNER_SOCKETS adds sockets)")
    try:
        return Link(*await asyncio.wait_for(asyncio.open_unix_connection(path), CONNECT_S))
    except OSError as error:
        raise NoVerdict(f"{path}: {error or 'no answer in time'}") from error


def is_open_socket(path: str) -> bool:
    return path in settings.SCANNER_SOCKETS
