"""An SMTP client on asyncio: one connection, several messages one after the other.

PIPELINING where offered (the envelope and DATA in one go, RFC 2920), SIZE, 8BITMIME, SMTPUTF8, DSN, STARTTLS or TLS
from the first byte, AUTH PLAIN and LOGIN over TLS only. A message is written in pieces as they come. The server may be
hostile: replies are bounded, nothing from before STARTTLS counts after it. No Django.

Source: RFC 5321 §4.5.3.2 (time-outs), RFC 3207, RFC 4954, RFC 6531, RFC 3461, RFC 1870, RFC 6152.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from config.kit import net
from domains.smtp_talk import extensions_of
from gateway.delivery.said import End, Outcome, Reply
from gateway.delivery.wire import MOST_LINES, Wire

SMALL_BYTES = 64 * 1024
_REPLY = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each answer is waited for, in seconds."""

    connect: float = 30.0
    greeting: float = 120.0
    command: float = 300.0
    data: float = 120.0
    block: float = 180.0
    final: float = 600.0
    quit: float = 2.0


class Refused(Exception):
    """The server said no before any recipient was named: in its greeting, to EHLO or to AUTH."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Unsuitable(Exception):
    """The server can't do what this relay or message needs; the text says what, `status` is RFC 3463's."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Rcpt:
    """One recipient with its DSN parameters."""

    address: str
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """sender "" is the empty one. parameters: RET, ENVID. is_8bit, needs_utf8: what the message itself needs."""

    sender: str
    recipients: tuple[Rcpt, ...]
    size_bytes: int
    parameters: tuple[tuple[str, str], ...] = ()
    is_8bit: bool = False
    needs_utf8: bool = False


@dataclass(slots=True)
class Client:
    """A connection that has been greeted. `taken`: how many messages it was used for."""

    host: str
    address: str
    port: int
    local_name: str
    patience: Patience
    wire: Wire
    extensions: dict[str, str] = field(default_factory=dict)
    tls: str = ""
    taken: int = 0
    idle_since: float = 0.0
    needs_reset: bool = False
    is_open: bool = True

    # --- the beginning ---

    @classmethod
    async def connect(
        cls,
        host: str,
        address: str,
        port: int,
        *,
        local_name: str,
        patience: Patience,
        implicit_tls: ssl.SSLContext | None = None,
    ) -> Client:
        """Connected and greeted, EHLO said. Raises: NetError, Refused."""
        loop, where = asyncio.get_running_loop(), f"{address} port {port}"
        try:
            async with asyncio.timeout(patience.connect):
                _, wire = await loop.create_connection(
                    Wire, address, port, ssl=implicit_tls, server_hostname=host if implicit_tls else None
                )
        except ssl.SSLCertVerificationError as error:
            raise net.TlsFailed(error.verify_message, untrusted=True) from error
        except (TimeoutError, OSError) as error:
            raise net.translate(error, where) from error
        made = cls(host, address, port, local_name, patience, wire)
        try:
            made._note_tls()
            greeting = await made.read(patience.greeting)
            if greeting.code != 220:
                raise Refused(greeting)
            await made.ehlo()
        except BaseException:
            made.abort()
            raise
        return made

    async def ehlo(self) -> None:
        """Learn what the server can; HELO where it doesn't know EHLO. Raises: NetError, Refused."""
        self.wire.write(f"EHLO {self.local_name}\r\n".encode())
        code, lines = await self._read_lines(self.patience.command)
        if 200 <= code < 300:
            self.extensions = extensions_of(lines)
            return
        self.extensions = {}
        if code == 421:
            raise Refused(Reply.of(code, lines))
        reply = await self.say(f"HELO {self.local_name}")
        if not reply.is_good:
            raise Refused(reply)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """STARTTLS and EHLO again. Raises: NetError (TlsFailed: also when the server doesn't want to), Refused."""
        reply = await self.say("STARTTLS")
        if reply.code != 220:
            raise net.TlsFailed(f"the server did not start TLS: {reply}")
        if self.wire.buffer:
            raise net.ProtocolBroken("the server sent more before TLS began")
        assert self.wire.transport is not None
        try:
            async with asyncio.timeout(self.patience.greeting):
                upgraded = await asyncio.get_running_loop().start_tls(
                    self.wire.transport, self.wire, context, server_hostname=self.host
                )
        except ssl.SSLCertVerificationError as error:
            raise net.TlsFailed(error.verify_message, untrusted=True) from error
        except (TimeoutError, OSError, ValueError) as error:
            text = error.reason if isinstance(error, ssl.SSLError) and error.reason else str(error)
            raise net.TlsFailed(text.replace("_", " ").lower() or "the handshake took too long") from error
        if upgraded is None:
            raise net.TlsFailed("the connection was closed during the handshake")
        self.wire.transport = upgraded
        self._note_tls()
        await self.ehlo()

    async def log_in(self, user: str, password: str) -> None:
        """AUTH PLAIN or LOGIN. Raises: Unsuitable (no TLS, no such way), Refused, NetError."""
        if not self.tls:
            raise Unsuitable("4.7.0", "the password isn't sent without encryption")
        offered = self.extensions.get("AUTH", "").upper().split()
        if "PLAIN" in offered:
            reply = await self.say(f"AUTH PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}")
        elif "LOGIN" in offered:
            reply = await self.say("AUTH LOGIN")
            for word in (user, password):
                if reply.code == 334:
                    reply = await self.say(_base64(word))
        else:
            raise Unsuitable("4.7.0", f"the server offers no way to sign in that we know ({' '.join(offered)})")
        if reply.code != 235:
            raise Refused(reply)

    def _note_tls(self) -> None:
        assert self.wire.transport is not None
        secured = self.wire.transport.get_extra_info("ssl_object")
        if secured is not None:
            self.tls = f"{secured.version()} {(secured.cipher() or ('?',))[0]}"

    # --- a message ---

    async def send(self, envelope: Envelope, message: AsyncIterator[bytes]) -> list[Outcome]:
        """Hand over one message; what came of it for each recipient, in their order.

        message: with doubled dots and the final one. Raises: Unsuitable (before anything was said), NetError when the
        connection broke before any answer to it, whatever `message` raises; then the connection can't be used again.
        """
        began = time.monotonic()
        commands = self._commands(envelope)
        try:
            found = await self._transact(commands, message)
        except BaseException:
            self.abort()
            raise
        self.taken += 1
        here = Outcome(End.RETURNED, "", "", host=self.host, address=self.address, port=self.port, tls=self.tls)
        seconds, takes_dsn = time.monotonic() - began, "DSN" in self.extensions
        return [_at(outcome, here, seconds, takes_dsn=takes_dsn) for outcome in found]

    def _commands(self, envelope: Envelope) -> list[str]:
        """MAIL and all RCPT. Raises: Unsuitable."""
        offers = self.extensions
        utf8 = envelope.needs_utf8
        addresses = [envelope.sender, *(each.address for each in envelope.recipients)]
        if "SMTPUTF8" not in offers:
            addresses = [_in_ascii(address) for address in addresses]
            if utf8 or not all(address.isascii() for address in addresses):
                raise Unsuitable("5.6.7", "the message needs SMTPUTF8, which the server doesn't offer")
        else:
            utf8 = utf8 or not all(address.isascii() for address in addresses)
        size = offers.get("SIZE", "").split(" ")[0]
        if size.isdecimal() and len(size) < 20 and 0 < int(size) < envelope.size_bytes:
            raise Unsuitable("5.3.4", f"the message has {envelope.size_bytes} bytes, the server takes {size} at most")
        if envelope.is_8bit and "8BITMIME" not in offers:
            raise Unsuitable("5.6.3", "the message has bytes of eight bits, which the server doesn't take (8BITMIME)")
        mail = f"MAIL FROM:<{addresses[0]}>"
        mail += f" SIZE={envelope.size_bytes}" if "SIZE" in offers else ""
        mail += " BODY=8BITMIME" if envelope.is_8bit else ""
        mail += " SMTPUTF8" if utf8 else ""
        has_dsn = "DSN" in offers
        mail += _said(envelope.parameters) if has_dsn else ""
        return [
            mail,
            *(
                f"RCPT TO:<{address}>{_said(each.parameters) if has_dsn else ''}"
                for address, each in zip(addresses[1:], envelope.recipients, strict=True)
            ),
        ]

    async def _transact(self, commands: list[str], message: AsyncIterator[bytes]) -> list[Outcome]:
        if self.needs_reset:
            await self.say("RSET")
            self.needs_reset = False
        talk = self._pipelined if "PIPELINING" in self.extensions else self._by_turns
        replies, data = await talk(commands)
        mail, named = replies[0], replies[1:]
        if not mail.is_good:
            named = [mail] * (len(commands) - 1)
        answers = [Outcome.of_reply(reply) for reply in named]
        accepted = [number for number, reply in enumerate(named) if reply.is_good]
        final: Outcome | None = None
        if data is not None and data.code == 354:
            if accepted:
                final = await self._write(message)
            else:
                await self._end_of_nothing()
        else:
            self.needs_reset = True
            if data is not None:
                final = _odd(data) if data.is_good else Outcome.of_reply(data)
        if final is not None:
            for number in accepted:
                answers[number] = final
            if final.end is End.DELIVERED:
                answers = [_sooner(each) for each in answers]
        if any(outcome.code == 421 for outcome in answers):
            self.abort()
        return answers

    async def _pipelined(self, commands: list[str]) -> tuple[list[Reply], Reply | None]:
        """Everything up to DATA in one go. Once one answer came, a break counts for the recipients, not as no try."""
        self.wire.write("".join(f"{command}\r\n" for command in (*commands, "DATA")).encode())
        replies = [await self.read(self.patience.command)]
        for _ in commands[1:]:
            replies.append(await self.read(self.patience.command))
        return replies, await self.read(self.patience.data)

    async def _by_turns(self, commands: list[str]) -> tuple[list[Reply], Reply | None]:
        replies = []
        for command in commands:
            replies.append(await self.say(command))
            if not replies[0].is_good:
                return replies, None
        if not any(reply.is_good for reply in replies[1:]):
            return replies, None
        return replies, await self.say("DATA", self.patience.data)

    async def _write(self, message: AsyncIterator[bytes]) -> Outcome:
        """The message and the answer to it. What broke after its end may be with the server all the same."""
        waiting = b""  # the last piece, with the final dot, is only written once nothing can fail any more
        async for piece in message:
            if len(waiting) + len(piece) < SMALL_BYTES:
                waiting += piece
                continue
            if waiting:
                self.wire.write(waiting)
                async with _Limit(self.patience.block):
                    await self.wire.drained()
            waiting = piece
        self.wire.write(waiting)
        try:
            reply = await self.read(self.patience.final)
            return Outcome.of_reply(reply) if reply.code < 300 or reply.code >= 400 else _odd(reply)
        except net.NetError as error:
            self.abort()
            text = f"the connection was lost after the end of the message, before the server's answer: {error}"
            return Outcome(End.DEFERRED, "4.4.2", text, may_repeat=True)

    async def _end_of_nothing(self) -> None:
        """DATA was taken although no recipient was: nothing is sent, and whatever it says isn't meant for anybody."""
        self.wire.write(b".\r\n")
        await self.read(self.patience.final)

    # --- lines ---

    async def say(self, command: str, timeout_s: float | None = None) -> Reply:
        """One command and its reply. Raises: NetError."""
        self.wire.write(f"{command}\r\n".encode())
        return await self.read(timeout_s or self.patience.command)

    async def read(self, timeout_s: float) -> Reply:
        """Raises: NetError."""
        code, lines = await self._read_lines(timeout_s)
        return Reply.of(code, lines)

    async def _read_lines(self, timeout_s: float) -> tuple[int, list[str]]:
        lines: list[str] = []
        async with _Limit(timeout_s):
            while len(lines) < MOST_LINES:
                line = await self.wire.line()
                match = _REPLY.fullmatch(line)
                if match is None:
                    raise net.ProtocolBroken(f"not a reply of SMTP: {line[:100].decode('ascii', 'replace')}")
                lines.append((match[3] or b"").decode("utf-8", "replace"))
                if match[2] != b"-":
                    return int(match[1]), lines
        raise net.ProtocolBroken(f"a reply of more than {MOST_LINES} lines")

    async def leave(self) -> None:
        """QUIT; a server that just closes is forgiven."""
        with suppress(net.NetError, asyncio.CancelledError):
            await self.say("QUIT", self.patience.quit)
        self.abort()

    def abort(self) -> None:
        """Close without a word: what was half sent is never taken for a whole message."""
        self.is_open = False
        if self.wire.transport is not None:
            self.wire.transport.abort()

    @property
    def is_alive(self) -> bool:
        return self.is_open and self.wire.lost is None and not self.wire.buffer


class _Limit:
    """asyncio.timeout with our own error."""

    def __init__(self, seconds: float) -> None:
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        try:
            await self._timeout.__aexit__(kind, error, at)  # type: ignore[arg-type]
        except TimeoutError as late:
            raise net.TimedOut("the server did not answer in time") from late


def _at(outcome: Outcome, here: Outcome, seconds: float, *, takes_dsn: bool) -> Outcome:
    return Outcome(
        outcome.end, outcome.status, outcome.text, outcome.code, is_remote=outcome.is_remote, host=here.host,
        address=here.address, port=here.port, tls=here.tls, seconds=seconds, may_repeat=outcome.may_repeat,
        soon=outcome.soon, takes_dsn=takes_dsn,
    )  # fmt: skip


def _odd(reply: Reply) -> Outcome:
    return Outcome(End.DEFERRED, "4.5.0", f"an unexpected answer: {reply}")


def _sooner(outcome: Outcome) -> Outcome:
    """ "Too many recipients" beside others that went through: the next transaction has room (RFC 5321 §4.5.3.1.10)."""
    if outcome.end is End.DEFERRED and outcome.code == 452:
        return Outcome(outcome.end, outcome.status, outcome.text, outcome.code, is_remote=True, soon=True)
    return outcome


def _said(parameters: Sequence[tuple[str, str]]) -> str:
    return "".join(f" {name}={value}" for name, value in parameters if value.isascii() and value.isprintable())


def _in_ascii(address: str) -> str:
    """The same address with its domain in A-labels, where that is all that isn't ASCII."""
    local, at, host = address.rpartition("@")
    if address.isascii() or not local.isascii():
        return address
    with suppress(UnicodeError):
        return f"{local}{at}{host.encode('idna').decode('ascii')}"
    return address


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
