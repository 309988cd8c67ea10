"""clamd: a message's bytes against its signatures of viruses, by INSTREAM.

Address: "host:port", or the path of a socket. What is larger than clamd takes has no verdict.

Source: clamd(8), COMMANDS (zINSTREAM, zPING, zVERSION).
"""

from __future__ import annotations

import asyncio
import re
import struct

from gateway.flow import Body
from gateway.judging.scanners.connecting import Link, NoVerdict, connect, connect_socket

MOST_REPLY_BYTES = 8192
_FOUND = re.compile(r"stream: (.{1,200}?)(?:\([0-9a-f]{32}:\d+\))? FOUND")


async def scan(address: str, body: Body, *, timeout_s: float) -> tuple[str, ...]:
    """The names of what was found; none: clean. Raises: NoVerdict."""
    try:
        return await asyncio.wait_for(_scan(address, body), timeout_s)
    except TimeoutError as error:
        raise NoVerdict(f"clamd did not answer within {timeout_s:.0f} s") from error
    except OSError as error:
        raise NoVerdict(f"clamd: {error}") from error


async def _scan(address: str, body: Body) -> tuple[str, ...]:
    async with await _connect(address) as link:
        await link.send(b"zINSTREAM\0")
        try:
            for piece in body.chunks():
                await link.send(struct.pack(">I", len(piece)) + piece)
            await link.send(b"\0\0\0\0")
        except ConnectionError:
            pass  # too large: clamd says so and closes
        said = await _reply(link)
    if said == "stream: OK":
        return ()
    found = _FOUND.fullmatch(said)
    if found is None:
        raise NoVerdict(f"clamd: {said[:200] or 'closed the connection'}")
    return (found[1],)


async def _connect(address: str) -> Link:
    if address.startswith("/"):
        return await connect_socket(address)
    host, _colon, port = address.rpartition(":")
    return await connect(host, int(port))


async def _reply(link: Link) -> str:
    data = await link.reader.read(MOST_REPLY_BYTES)
    while data and not data.endswith(b"\0") and len(data) < MOST_REPLY_BYTES:
        more = await link.reader.read(MOST_REPLY_BYTES)
        if not more:
            break
        data += more
    return data.rstrip(b"\0\n").decode("utf-8", "replace")


async def version(address: str, *, timeout_s: float = 5.0) -> str:
    """What answers there: program, version of its signatures, their date. Raises: NoVerdict."""

    async def ask() -> str:
        async with await _connect(address) as link:
            await link.send(b"zVERSION\0")
            return await _reply(link)

    try:
        said = await asyncio.wait_for(ask(), timeout_s)
    except (OSError, TimeoutError) as error:
        raise NoVerdict(f"clamd: {error or 'no answer in time'}") from error
    if not said.startswith("ClamAV"):
        raise NoVerdict(f"what answers is not clamd: {said[:100]}")
    return said[:200]
