"""One connection of the PWD protocol: the banner, the sign-in, commands one by one, replies in the form asked for.

A line ends with CRLF or LF alone; replies always end with CRLF. A reply with data is `201 <data>` after INLINE, else
`200 data follow` and the data on lines of its own. Not for what commands do.
Source: the manual's session; RFC 1939 §7 for APOP.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from api.communigate.format import DataError, read_value, write_value
from api.communigate.pwd.door import NOTHING, OK, House, Reply, Settings
from gateway.smtp.wire import Gone, LineTooLong, Overrun, Stopping, TooSlow, Wire

logger = logging.getLogger("postkeep.pwd")

SEND_PASS = Reply(300, "please send the PASS")
LOGIN_OK = Reply(200, "login OK, proceed")
CLOSING = Reply(200, "CommuniGate Pro PWD connection closed")
UNKNOWN = Reply(500, "unknown command")
SIGN_IN_FIRST = Reply(501, "please sign in first: USER and PASS")
NAME_FIRST = Reply(501, "please send the USER first")
NO_APOP = Reply(515, "APOP is not available here: USER and PASS")
NO_TLS = Reply(501, "STLS is not available here")
TOO_LONG = Reply(501, "the line is too long")
BEGIN_TLS = Reply(200, "please start a TLS connection")
ALREADY = Reply(501, "you are signed in already")
TOO_SLOW = Reply(501, "you took too long; good bye")
STOPPING = Reply(501, "the server is stopping; please come again")
FAILED = Reply(501, "the command failed; the server's log says why")
ENOUGH = Reply(501, "too many wrong passwords; good bye")
INLINE_ON = Reply(200, "INLINE mode is on")
SEND_BYTES = 64 * 1024
_WORD = re.compile(r"\s*([A-Za-z0-9]+)[ \t]*(.*)", re.DOTALL)


class Session(Wire):
    """A connection and the coroutine that serves it."""

    def __init__(self, house: House, settings: Settings, sessions: set[Session]) -> None:
        super().__init__()
        self.house, self.settings, self.limits = house, settings, settings.limits
        self._sessions = sessions
        self.client = ""
        self.task: asyncio.Task[None]
        self._login: Any = None
        self._name = ""
        self._password = ""  # as long as NEWPASS could be next
        self._challenge = ""
        self._is_inline = self._is_encrypted = self._is_over = False
        self._wrong = 0
        self._began = self.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._is_encrypted or hasattr(self, "task"):
            return  # the same connection, now encrypted
        self.client = str((transport.get_extra_info("peername") or ("",))[0]).removeprefix("::ffff:")
        self._sessions.add(self)
        self.task = self.loop.create_task(self._live())

    async def _live(self) -> None:
        came = False
        try:
            refused = await self.house.come(self.client)
            if refused is not None:
                self._say(refused)
            else:
                came = True
                await self._greet()
                await self._serve()
            await self.flush(self.limits.write_s)
        except (Gone, ConnectionError):
            pass
        except TooSlow:
            self._say_last(TOO_SLOW)
        except Stopping:
            self._say_last(STOPPING)
        except Exception:
            logger.exception("a session of the PWD protocol broke")
            self._say_last(FAILED)
        finally:
            if came:
                self.house.gone(self.client)
            self._sessions.discard(self)
            self.hang_up()
            if self._login is not None:
                await self.house.leave(self._login)

    def hang_up(self) -> None:
        """After what was said has gone out; a client that doesn't read is cut off after a moment."""
        super().hang_up()
        if not self.is_lost:
            self.loop.call_later(5.0, self.transport.abort)

    async def _greet(self) -> None:
        """With a challenge only where somebody could answer it: clients prefer APOP as soon as they see one."""
        if await self.house.has_secrets():
            self._challenge = f"<{secrets.randbelow(10**9)}.{time.time_ns()}@{self.settings.name}>"
        text = f"{self.settings.name} PWD Server {self.settings.version} ready {self._challenge}".rstrip()
        self._say(Reply(200, text))

    async def _serve(self) -> None:
        while not self._is_over:
            try:
                line = await self._line()
            except LineTooLong:
                self._say(TOO_LONG)
            except Overrun:
                self._say(TOO_LONG)
                return
            else:
                await self._answer(line)
            if sum(map(len, self._replies)) > SEND_BYTES:  # a client may ask much and read little
                await self.flush(self.limits.write_s)

    async def _line(self) -> str:
        """The next line; who isn't signed in has so long for all of it, whatever they send."""
        if self._login is None:
            left = self._began + self.limits.login_s - self.loop.time()
            raw = await self.line(self.limits.first_line, left, interruptible=True, mends=True)
        else:
            if not self.buffer:
                self._is_interruptible = True
                try:
                    await self.fill(self.limits.idle_s)
                finally:
                    self._is_interruptible = False
            raw = await self.line(self.limits.line, self.limits.line_s, mends=True)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    async def _answer(self, line: str) -> None:
        if not line.strip():
            return
        found = _WORD.fullmatch(line)
        word, rest = (found[1].upper(), found[2]) if found else ("", "")
        own = _OWN.get(word)
        if own is not None and not (word == "NOOP" and self._login is not None):
            self._say(await own(self, rest))
        elif self._login is None:
            self._say(SIGN_IN_FIRST if word else UNKNOWN)
        else:
            self._password = ""
            self._say(await self.house.run(self._login, line))
        if self._wrong >= self.limits.wrong_logins:
            self._say(ENOUGH)
            self._is_over = True

    # --- the protocol's own commands

    async def _user(self, rest: str) -> Reply:
        if self._login is not None:
            return ALREADY
        self._name = _plain(rest)
        return SEND_PASS if self._name else NAME_FIRST

    async def _pass(self, rest: str) -> Reply:
        if not self._name:
            return _no_login(NAME_FIRST)
        name, self._name = self._name, ""
        password = _plain(rest)
        reply = self._entered(await self.house.sign_in(self.client, name, password))
        if reply.is_good:
            self._password = password
        return reply

    async def _apop(self, rest: str) -> Reply:
        name, _blank, digest = rest.strip().rpartition(" ")
        if self._login is not None:
            return _no_login(ALREADY)
        if not self._challenge or not name:
            return NO_APOP if not self._challenge else _no_login(NAME_FIRST)
        return self._entered(await self.house.sign_in_apop(self.client, _plain(name), self._challenge, digest))

    async def _auth(self, rest: str) -> Reply:
        """`AUTH WEBUSER name password`, as one client has it."""
        kind, _blank, both = rest.strip().partition(" ")
        name, _blank, password = both.strip().partition(" ")
        if kind.upper() != "WEBUSER" or not password:
            return Reply(515, "AUTH WEBUSER name password, or USER and PASS")
        if self._login is not None:
            return _no_login(ALREADY)
        return self._entered(await self.house.sign_in(self.client, _plain(name), _plain(password)))

    def _entered(self, found: Any) -> Reply:
        if isinstance(found, Reply):
            self._wrong += 1
            return found
        self._login = found
        return LOGIN_OK

    async def _newpass(self, rest: str) -> Reply:
        """Source: the poppwd protocol: right after the sign-in, with the password that was just sent."""
        if self._login is None or not self._password:
            return SIGN_IN_FIRST
        old, self._password = self._password, ""
        return await self.house.change_password(self._login, old, _plain(rest))

    async def _inline(self, rest: str) -> Reply:
        self._is_inline = True
        return INLINE_ON

    async def _noop(self, rest: str) -> Reply:
        return OK

    async def _quit(self, rest: str) -> Reply:
        self._is_over = True
        return CLOSING

    async def _stls(self, rest: str) -> Reply:
        """What was said before the encryption, and whoever was signed in, counts no more."""
        if self.settings.tls is None or self._is_encrypted:
            return NO_TLS
        context = self.settings.tls()
        self._say(BEGIN_TLS)
        await self.flush(self.limits.write_s)
        self._is_encrypted = True
        self._login, self._name, self._password, self._is_inline = None, "", "", False
        await self.start_tls(context, self.limits.tls_s)
        return _SAID

    # --- replies

    def _say(self, reply: Reply) -> None:
        if reply is _SAID:
            return
        self._is_over = self._is_over or reply.ends
        if reply.data is NOTHING:
            text = f"{reply.code} {_one_line(reply.text) or 'OK'}"
        elif self._is_inline:
            text = f"201 {write_value(reply.data)}"  # type: ignore[arg-type]
        else:
            text = f"200 data follow\r\n{write_value(reply.data)}"  # type: ignore[arg-type]
        self._replies.append(f"{text}\r\n".encode("utf-8", "replace"))

    def _say_last(self, reply: Reply) -> None:
        """Without waiting for a client that may not read."""
        if not self.is_lost:
            self._say(reply)
            self.transport.write(b"".join(self._replies))
            self._replies.clear()


_SAID = Reply(0, "")
_OWN: dict[str, Callable[[Session, str], Awaitable[Reply]]] = {
    "USER": Session._user,
    "PASS": Session._pass,
    "APOP": Session._apop,
    "AUTH": Session._auth,
    "NEWPASS": Session._newpass,
    "INLINE": Session._inline,
    "NOOP": Session._noop,
    "QUIT": Session._quit,
    "STLS": Session._stls,
}


def _no_login(reply: Reply) -> Reply:
    """What PASS, APOP and AUTH are refused with: after any other code a client tries for ever."""
    return replace(reply, code=515)


def _plain(text: str) -> str:
    """To the end of the line, or what stands in quotes where all of it does: some clients quote names."""
    text = text.strip(" \t")
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            value = read_value(text)
        except DataError:
            return text
        if isinstance(value, str):
            return value
    return text


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)[:400].strip()
