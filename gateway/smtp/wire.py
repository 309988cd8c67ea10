"""One connection's bytes: lines out of a buffer, replies gathered and sent together, deadlines, TLS.

A session awaits `line`, `fill` and `flush`; while nothing is missing none of them gives up control. What the client
sends beyond `HIGH_BYTES` waits in the kernel, and so does a session whose client doesn't read.
Not for what commands mean (`session`).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from gateway.flow import Answer, Tls

HIGH_BYTES = 256 * 1024


class Gone(Exception):
    """The client is not there any more."""


class TooSlow(Exception):
    """The client took longer than it may."""


class Stopping(Exception):
    """The door closes, and this session waits for a command."""


class LineTooLong(Exception):
    """No end of the line within its limit; the line is thrown away."""


class Overrun(Exception):
    """The client goes on and on."""


class BareEnd(Exception):
    """The line ended with an LF alone; it is thrown away."""


class Wire(asyncio.Protocol):
    """A connection. One coroutine reads from it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.buffer = bytearray()
        self.is_lost = False
        self._is_ended = False  # the client sends no more
        self._is_paused = False
        self._is_stopping = self._is_stopping_now = False
        self._is_interruptible = False
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._awaited: asyncio.Future[None] | None = None
        self._replies: list[bytes] = []
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    # --- asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > HIGH_BYTES and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._is_ended = True
        self._wake()
        return not self._is_tls()  # what was sent is still answered; TLS can't be half open

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = self._is_ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        self._drained = self.loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # --- what a session awaits

    async def fill(self, seconds: float) -> None:
        """Wait for more bytes, after what is to be said has been said. Raises: Gone, TooSlow, Stopping."""
        await self.flush(seconds)
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()
        if self._is_ended:
            raise Gone
        if self._must_stop():
            raise Stopping
        self._waiter = self.loop.create_future()
        await self._before(self._waiter, seconds)
        self._waiter = None
        if self._must_stop() and not self.buffer:
            raise Stopping
        if self._is_ended and not self.buffer:
            raise Gone

    async def line(self, most: int, seconds: float, *, interruptible: bool = False, mends: bool = False) -> bytes:
        """The next line without its CRLF. Raises: LineTooLong, BareEnd (unless it `mends`), and what ends it.

        The deadline is the whole line's: a byte now and then doesn't move it.
        """
        until, scanned, thrown_away = self.loop.time() + seconds, 0, 0
        self._is_interruptible = interruptible
        try:
            while (end := self.buffer.find(b"\n", scanned)) < 0:
                if len(self.buffer) > most:
                    thrown_away += len(self.buffer)
                    self.buffer.clear()
                    if thrown_away > HIGH_BYTES:
                        raise Overrun
                scanned = len(self.buffer)
                await self.fill(until - self.loop.time())
        finally:
            self._is_interruptible = False
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 1]
        if thrown_away or len(line) > most + 1:
            raise LineTooLong
        if line.endswith(b"\r"):
            return line[:-1]
        if not mends:
            raise BareEnd
        return line

    def say(self, answer: Answer) -> None:
        """Put an answer among those that leave with the next `flush`."""
        enhanced = f"{answer.enhanced} " if answer.enhanced else ""
        self._replies.append(f"{answer.code} {enhanced}{_one_line(answer.text)}\r\n".encode())

    def say_lines(self, code: int, lines: list[str]) -> None:
        """An answer of several lines."""
        last = len(lines) - 1
        for number, line in enumerate(lines):
            self._replies.append(f"{code}{' ' if number == last else '-'}{line}\r\n".encode())

    async def flush(self, seconds: float) -> None:
        """Send what there is to say; waits only where the client doesn't read. Raises: Gone, TooSlow."""
        if self._replies:
            text = b"".join(self._replies)
            self._replies.clear()
            if not self.is_lost:
                self.transport.write(text)
        if self._drained is not None:
            await self._before(self._drained, seconds)

    async def start_tls(self, context: ssl.SSLContext, seconds: float) -> Tls:
        """Encrypt from here on. What came in before is thrown away. Raises: Gone when the handshake fails."""
        self.buffer.clear()
        try:
            transport = await self.loop.start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=seconds
            )
        except (OSError, ssl.SSLError, TimeoutError) as error:
            raise Gone from error
        if transport is None or self.is_lost:
            raise Gone
        self.transport = transport
        return self.tls_facts()

    def tls_facts(self) -> Tls:
        """How the connection is encrypted."""
        found = self.transport.get_extra_info("ssl_object")
        cipher = found.cipher() or ("", "", 0)
        return Tls(found.version() or "", cipher[0], getattr(found, "asked_name", ""))

    def stop(self, *, now: bool = False) -> None:
        """The door closes: interrupts a session between messages; `now`, also one whose message isn't whole yet."""
        self._is_stopping, self._is_stopping_now = True, self._is_stopping_now or now
        if self._must_stop():
            self._wake()

    def _must_stop(self) -> bool:
        return self._is_stopping_now or (self._is_stopping and self._is_interruptible)

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    def hang_up(self) -> None:
        """End the connection, after what was said has gone out."""
        if not self.is_lost:
            self.transport.close()

    # --- waiting

    async def _before(self, future: asyncio.Future[None], seconds: float) -> None:
        """Await a future, but no longer than that. Timers are kept and moved, not made for each wait."""
        self._deadline = self.loop.time() + max(0.0, seconds)
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_at(self._deadline, self._tick)
        self._awaited = future
        try:
            await future
        finally:
            self._deadline = self._awaited = None

    def _tick(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._tick)
            return
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(TooSlow())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _is_tls(self) -> bool:
        return self.transport.get_extra_info("ssl_object") is not None


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
