"""The conversation with one client, from the greeting to the end.

A session keeps the order of things (who may say what when), counts what a client may do wrong, and asks its `Host`
for everything else. Replies to commands that came together leave together. Not for bytes (`wire`) nor for words
(`commands`).

Source: RFC 5321; RFC 2920 (PIPELINING: EHLO, DATA, STARTTLS, AUTH are the last of a group), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from gateway.flow import OK, Answer, Asked, Body, Client, Door, Incoming, Sending
from gateway.keys import new_key
from gateway.smtp import auth, commands, proxy
from gateway.smtp.body import DataReader
from gateway.smtp.commands import Refused
from gateway.smtp.door import Bare, Host, Identity, Settings, is_within
from gateway.smtp.wire import BareEnd, Gone, LineTooLong, Overrun, Stopping, TooSlow, Wire

logger = logging.getLogger("postkeep.smtp")

FULL = Answer(421, "4.3.2", "Too many connections; come again")
NOT_YOU = Answer(554, "5.7.1", "Not from your address")
TROUBLE = Answer(451, "4.3.0", "Something went wrong here; try again later")
CLOSING = Answer(421, "4.3.2", "The service is closing; come again")
SLOW = Answer(421, "4.4.2", "That took too long")
ERRORS = Answer(421, "4.7.0", "Too many errors")
OUT_OF_STEP = Answer(554, "5.5.0", "Wait for the answer before you go on")
FIRST_HELLO = Answer(503, "5.5.1", "Say EHLO first")
FIRST_MAIL = Answer(503, "5.5.1", "Say MAIL FROM first")
NEEDS_AUTH = Answer(530, "5.7.0", "Sign in first")
_ALONE = frozenset({"HELO", "EHLO", "DATA", "STARTTLS", "AUTH", "XCLIENT"})
_IDLE = frozenset({"NOOP", "RSET", "VRFY", "EXPN", "HELP", "HELO", "EHLO"})
_NOT_MAIL = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT")
T = TypeVar("T")


class Ended(Exception):
    """The session is over; what there was to say has been put in line."""


class Session(Wire):
    """One client's conversation."""

    def __init__(self, host: Host, settings: Settings, sessions: set[Session]) -> None:
        super().__init__()
        self.host, self.settings, self.limits = host, settings, settings.limits
        self._sessions = sessions
        self.client = Client("")
        self._was_welcomed = False
        self._sender: Sending | None = None
        self._recipients: list[Asked] = []
        self._asked = self._errors = self._refused = self._idle = self._messages = self._auth_failures = 0
        self._forwarded: dict[str, str] = {}
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "VRFY": self._vrfy,
            "HELP": self._help,
            "XCLIENT": self._xclient,
            "XFORWARD": self._xforward,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        tls = self.tls_facts() if self._is_tls() else None
        self.client = Client(_plain_address(peer[0]), peer[1], tls=tls, door=self.settings.door)
        self._sessions.add(self)
        self.task = self.loop.create_task(self._run())

    # --- the course of a session

    async def _run(self) -> None:
        try:
            await self._live()
        except Gone:
            pass
        except Exception:
            logger.exception("a session with %s broke", self.client.address)
        finally:
            self._sessions.discard(self)
            if self._was_welcomed:
                self.host.closed(self.client)
            self.hang_up()

    async def _live(self) -> None:
        try:
            await self._read_proxy_header()
            await self._greet()
            while True:
                await self._command()
        except TooSlow:
            self.say(SLOW)
        except Stopping:
            self.say(CLOSING)
        except Overrun:
            self.say(ERRORS)
        except Ended:
            pass
        await self.flush(5.0)

    async def _read_proxy_header(self) -> None:
        if not is_within(self.client.address, self.settings.proxies):
            return
        try:
            while not (taken := proxy.take_header(self.buffer))[0]:
                await self.fill(self.limits.greeting_s)
        except proxy.BadHeader:
            logger.warning("%s sent no PROXY header", self.client.address)
            raise Gone from None
        origin = taken[1]
        if origin is not None:
            address = _plain_address(origin.address)
            self.client = replace(self.client, address=address, port=origin.port, via=self.client.address)

    async def _greet(self) -> None:
        """Ask whether the client is welcome, and say so. Whoever speaks before that isn't."""
        if len(self._sessions) > self.limits.connections:
            self._end(FULL)
        allowed = self.settings.clients
        if allowed is not None and not is_within(self.client.via or self.client.address, allowed):
            self._end(NOT_YOU)
        answer = await self._asked_of_host(self.host.connect(self.client))
        if answer is not None and not answer.is_ok:
            self._end(replace(answer, code=421) if answer is TROUBLE else answer)
        self._was_welcomed = True
        if self.buffer:
            self._end(OUT_OF_STEP)
        self.say(Answer(220, "", f"{self.settings.banner} ESMTP"))

    async def _command(self) -> None:
        limits, mends = self.limits, self.settings.bare is Bare.FIX
        if self.is_stopping and self._sender is None:
            raise Stopping
        try:
            line = await self.line(
                limits.command_bytes, limits.command_s, interruptible=self._sender is None, mends=mends
            )
            verb, rest = commands.split(line)
            await self._do(verb, rest)
        except Refused as refused:
            self._fail(refused.answer)
        except LineTooLong:
            self._fail(Answer(500, "5.5.2", "That line is too long"))
        except BareEnd:
            self._fail(Answer(500, "5.5.2", "Lines end with CRLF"))

    async def _do(self, verb: str, rest: str) -> None:
        if verb in _NOT_MAIL:
            self._end(Answer(421, "4.7.0", "This is a mail server"))
        if self.buffer and (verb in _ALONE or not self.client.is_esmtp):
            self._end(OUT_OF_STEP)
        if verb in _IDLE:
            self._idle += 1
            if self._idle > self.limits.idle_commands:
                self._count_error()
        do = self._commands.get(verb)
        if do is None:
            raise Refused(502 if verb in ("EXPN", "TURN", "ETRN", "BDAT") else 500, "5.5.1", "Not known here")
        await do(rest)

    def _fail(self, answer: Answer) -> None:
        """Say that something was wrong, and count it. Raises: Ended beyond the limit."""
        self.say(answer)
        self._count_error()

    def _count_error(self) -> None:
        self._errors += 1
        if self._errors >= self.limits.errors:
            self._end(ERRORS)

    def _end(self, answer: Answer) -> None:
        self.say(answer)
        raise Ended

    async def _asked_of_host(self, question: Awaitable[T]) -> T | Answer:
        """What the host says; a host that breaks is a trouble of the moment, which the client hears of."""
        try:
            return await question
        except Exception:
            logger.exception("the gateway could not answer %s", self.client.address)
            return TROUBLE

    def _reset(self) -> None:
        self._sender, self._recipients, self._asked, self._refused = None, [], 0, 0

    # --- hello

    async def _ehlo(self, rest: str) -> None:
        name = commands.hello_name(rest)
        self._reset()
        self.client = replace(self.client, helo=name, is_esmtp=True)
        self.say_lines(250, [f"{self.settings.banner} greets {name}", *self._extensions()])

    async def _helo(self, rest: str) -> None:
        name = commands.hello_name(rest)
        self._reset()
        self.client = replace(self.client, helo=name, is_esmtp=False)
        self.say(Answer(250, "", self.settings.banner))

    def _extensions(self) -> list[str]:
        lines = [
            "PIPELINING",
            f"SIZE {self.limits.message_bytes}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "DSN",
        ]
        if self._may_start_tls():
            lines.append("STARTTLS")
        if self._may_sign_in():
            lines.append(f"AUTH {' '.join(auth.MECHANISMS)}")
        if self._may_speak_for_others():
            lines += [f"XCLIENT {' '.join(proxy.XCLIENT)}", f"XFORWARD {' '.join(proxy.XFORWARD)}"]
        return lines

    def _may_start_tls(self) -> bool:
        return self.settings.tls is not None and self.client.tls is None

    def _may_sign_in(self) -> bool:
        is_safe = self.client.tls is not None or self.settings.auth_without_tls
        return self.settings.offers_auth and is_safe and self.client.user_id is None

    def _may_speak_for_others(self) -> bool:
        return is_within(self.client.via or self.client.address, self.settings.speakers)

    # --- a message

    async def _mail(self, rest: str) -> None:
        if not self.client.helo:
            raise Refused(503, "5.5.1", FIRST_HELLO.text)
        if self._sender is not None:
            raise Refused(503, "5.5.1", "There is a message already; RSET ends it")
        if self.settings.needs_auth and self.client.user_id is None:
            return self._fail(NEEDS_AUTH)
        if self._messages >= self.limits.messages:
            self._end(Answer(421, "4.7.0", "Enough for one connection; come again"))
        address, parameters = commands.mail_from(rest)
        sender = Sending(address, parameters)
        if int(sender.parameter("SIZE") or 0) > self.limits.message_bytes:
            return self.say(Answer(552, "5.3.4", f"At most {self.limits.message_bytes} bytes"))
        answer = await self._asked_of_host(self.host.mail(self.client, sender))
        self.say(answer)
        if answer.is_ok:
            self._sender = sender
        elif answer.code == 421:
            raise Ended
        return None

    async def _rcpt(self, rest: str) -> None:
        if self._sender is None:
            raise Refused(503, "5.5.1", FIRST_MAIL.text)
        address, parameters = commands.rcpt_to(rest, is_wide=self._sender.parameter("SMTPUTF8") is not None)
        self._asked += 1
        if self._asked > self.limits.recipients_asked:
            self._end(Answer(421, "4.5.3", "Too many recipients"))
        if len(self._recipients) >= self.limits.recipients:
            return self.say(Answer(452, "4.5.3", f"At most {self.limits.recipients} recipients; send the rest again"))
        asked = Asked(address, parameters)
        answer = await self._asked_of_host(self.host.rcpt(self.client, self._sender, asked))
        self.say(answer)
        if answer.is_ok:
            self._recipients.append(asked)
            return None
        self._refused += 1
        if answer.code == 421:
            raise Ended
        if self._refused >= self.limits.refused_recipients:
            self._end(ERRORS)
        return None

    async def _data(self, rest: str) -> None:
        if rest:
            raise Refused(501, "5.5.4", "DATA stands alone")
        if self._sender is None:
            raise Refused(503, "5.5.1", FIRST_MAIL.text)
        if not self._recipients:
            self._reset()
            return self.say(Answer(554, "5.5.1", "There is no recipient"))
        self.say(Answer(354, "", "Go on; end with CRLF.CRLF"))
        reader = DataReader(self.limits, self.settings.bare, self.settings.folder)
        try:
            await self._read_message(reader)
            self.say(await self._taken(reader))
        finally:
            reader.close()
        self._messages += 1
        self._idle = 0
        self._forwarded = {}
        self._reset()
        return None

    async def _read_message(self, reader: DataReader) -> None:
        """Until its end. A client that sends less than the least rate is sent away after the grace."""
        limits, began = self.limits, self.loop.time()
        while not (self.buffer and reader.feed(self.buffer)):
            until = began + limits.data_grace_s + reader.received / limits.data_rate
            await self.fill(min(limits.data_s, until - self.loop.time()))

    async def _taken(self, reader: DataReader) -> Answer:
        problem = reader.problem
        if problem is not None:
            return problem
        assert self._sender is not None
        body = reader.body()
        incoming = Incoming(
            key=new_key(),
            door=self._door(),
            client=self._origin(),
            sender=self._sender,
            recipients=tuple(self._recipients),
            body=body,
            received_at=datetime.now(UTC),
        )
        return await self._handed_over(incoming, body)

    async def _handed_over(self, incoming: Incoming, body: Body) -> Answer:
        try:
            return await self._asked_of_host(self.host.take(incoming))
        finally:
            body.close()

    def _origin(self) -> Client:
        """The client, or the one that Postfix before us says the message came from."""
        said, client = self._forwarded, self.client
        if not said:
            return client
        return replace(
            client,
            address=said.get("ADDR") or client.address,
            port=int(said.get("PORT") or 0),
            name=said.get("NAME", ""),
            helo=said.get("HELO", ""),
            is_esmtp=said.get("PROTO", "ESMTP").upper() != "SMTP",
            tls=None,
            via=client.address,
            number=said.get("IDENT", ""),
        )

    def _door(self) -> Door:
        is_submitted = self.client.user_id is not None and self.settings.door is not Door.FILTER
        return Door.SUBMISSION if is_submitted else self.settings.door

    async def _rset(self, rest: str) -> None:
        self._reset()
        self.say(OK)

    async def _noop(self, rest: str) -> None:
        self.say(OK)

    async def _vrfy(self, rest: str) -> None:
        self.say(Answer(252, "2.5.0", "Send mail to find out"))

    async def _help(self, rest: str) -> None:
        self.say(Answer(214, "2.0.0", "RFC 5321 says it all"))

    async def _quit(self, rest: str) -> None:
        self._end(Answer(221, "2.0.0", "Goodbye"))

    # --- safety and identity

    async def _starttls(self, rest: str) -> None:
        if self.settings.tls is None:
            raise Refused(502, "5.5.1", "Not offered here")
        if self.client.tls is not None:
            raise Refused(503, "5.5.1", "The connection is encrypted already")
        if rest:
            raise Refused(501, "5.5.4", "STARTTLS stands alone")
        self.say(Answer(220, "2.0.0", "Go ahead"))
        await self.flush(self.limits.command_s)
        tls = await self.start_tls(self.settings.tls(), self.limits.tls_s)
        self._reset()
        self._forwarded = {}
        self.client = replace(self.client, tls=tls, helo="", user_id=None, user_name="", proof=None)

    async def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        mechanism = mechanism.upper()
        if not self.client.helo:
            raise Refused(503, "5.5.1", FIRST_HELLO.text)
        if self.client.user_id is not None or self._sender is not None:
            raise Refused(503, "5.5.1", "Not now")
        if not self._may_sign_in():
            if not self.settings.offers_auth:
                raise Refused(502, "5.5.1", "Not offered here")
            raise Refused(538, "5.7.11", "Encrypt the connection first: STARTTLS")
        if mechanism not in auth.MECHANISMS:
            raise Refused(504, "5.5.4", "That mechanism is not known here")
        name, password = await self._credentials(mechanism, initial.strip())
        found = await self._asked_of_host(self.host.auth(self.client, name, password))
        if isinstance(found, Identity):
            self.client = replace(self.client, user_id=found.user_id, user_name=found.name, proof=found.proof)
            return self.say(Answer(235, "2.7.0", "Signed in"))
        self._auth_failures += 1
        self.say(found)
        if self._auth_failures >= self.limits.auth_failures:
            self._end(ERRORS)
        return None

    async def _credentials(self, mechanism: str, initial: str) -> tuple[str, str]:
        if mechanism == "PLAIN":
            return auth.plain(initial or await self._asked_more(""))
        name = auth.decode(initial or await self._asked_more(auth.ASK_NAME))
        return auth.checked(name, auth.decode(await self._asked_more(auth.ASK_PASSWORD)))

    async def _asked_more(self, text: str) -> str:
        self.say(Answer(334, "", text))
        line = await self.line(self.limits.auth_bytes, self.limits.command_s)
        return line.decode("ascii", "replace").strip()

    async def _xclient(self, rest: str) -> None:
        """Begin again as the client that the proxy names."""
        if not self._may_speak_for_others():
            raise Refused(550, "5.7.0", "Not from your address")
        if self._sender is not None:
            raise Refused(503, "5.5.1", "Not within a message")
        said = proxy.attributes(rest, proxy.XCLIENT)
        self.host.closed(self.client)
        self._was_welcomed = False
        self.client = replace(
            self.client,
            address=said.get("ADDR") or self.client.address,
            port=int(said.get("PORT") or 0),
            name=said.get("NAME", ""),
            helo="",
            is_esmtp=said.get("PROTO", "ESMTP").upper() != "SMTP",
            via=self.client.via or self.client.address,
        )
        if "LOGIN" in said:
            await self._signed_in_as(said["LOGIN"])
        self._reset()
        await self._greet()

    async def _signed_in_as(self, login: str) -> None:
        """By what the proxy says; "" and whoever isn't known here: nobody signed in."""
        found = await self._asked_of_host(self.host.named(self.client, login)) if login else None
        known = found if isinstance(found, Identity) else None
        user_id = None if known is None else known.user_id
        self.client = replace(self.client, user_id=user_id, user_name=login, proof=None)

    async def _xforward(self, rest: str) -> None:
        """Who the message came from, as Postfix before us saw it; the rights stay those of Postfix itself."""
        if not self._may_speak_for_others():
            raise Refused(550, "5.7.0", "Not from your address")
        if self._sender is not None:
            raise Refused(503, "5.5.1", "Not within a message")
        self._forwarded |= proxy.attributes(rest, proxy.XFORWARD)
        self.say(OK)


def _plain_address(address: str) -> str:
    """IPv4 in IPv6 clothes as IPv4."""
    return address[7:] if address.lower().startswith("::ffff:") and "." in address else address
