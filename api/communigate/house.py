"""What stands behind a session: who may come, whose name and password it is, and running commands for them.

Everything that asks the database runs in threads of its own. Who is signed in is asked again with every command: a
person shut out, a password changed or a token revoked ends the session there, and so does a network that is blocked or
a dialect that is switched off meanwhile. Not for the protocol (`pwd.session`).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError

from accounts import blocking, program_sessions, throttle
from accounts.actors import Actor
from accounts.errors import AccountsError, NetworkBlocked, PasswordDue, TooManyAttempts
from accounts.services.passwords import change_password
from accounts.signing_in import CallerWay, note_wrong_secret
from accounts.sources.errors import SourceUnavailable
from api.communigate import apop, running
from api.communigate.context import GONE, Seen
from api.communigate.dialect import DIALECT, MAIN_DOMAIN
from api.communigate.pwd.door import OK, Reply
from api.communigate.refusing import PASSWORD, reply_of
from api.dialects import calls, clients, credentials
from api.dialects import settings as dialects
from api.dialects.credentials import Entered
from domains.models import Domain
from gateway.threads import Threads

log = logging.getLogger("postkeep.pwd")

THREADS = 4
MOST = 300  # connections at once
PER_ADDRESS = 50
TOLD_AT_ONCE = 100
STATE_KEPT_S = 1.0
IDLE = timedelta(minutes=30)  # the connection itself ends sooner

BLOCKED = Reply(501, "this network is blocked here", ends=True)
NOT_HERE = Reply(501, "this address may not use the command line interface", ends=True)
SWITCHED_OFF = Reply(501, "the command line interface is switched off", ends=True)
TOO_MANY = Reply(501, "too many connections; come again later")
NOT_NOW = Reply(501, "the database does not answer; come again later")
NO_SOURCE = Reply(501, "the directory that knows this password does not answer; come again later")
WRONG = Reply(PASSWORD, "incorrect password or account name")
TOO_OFTEN = Reply(PASSWORD, "too many attempts; try again later")
NO_MORE = Reply(510, "your access has ended; sign in again", ends=True)


@dataclass(slots=True)
class Login:
    """Who signed in, and what must still be so. secret: their secret of APOP, where they used it; "" else."""

    entered: Entered
    secret: str
    address: str
    seen: Seen = field(default_factory=Seen)


class PwdHouse:
    """The `House` of the process."""

    def __init__(self) -> None:
        self._threads = Threads(THREADS, "pwd")
        self._here: dict[str, int] = {}
        self._told: list[calls.LastCall] = []
        self._state: tuple[float, dialects.State] | None = None

    def stop(self) -> None:
        self._threads.stop()
        self.tell()

    def tell(self) -> None:
        """Hand the calls of the last moment to whoever looks at the dialect's page; called now and then, too."""
        told, self._told = self._told, []
        if told:
            calls.keep(DIALECT.name, told)

    def _note(self, who: str, operation: str, reply: Reply, client: str, began: float) -> None:
        """Many at once: a client that asks a thousand things in a second shall not wait for each to be written down."""
        result = f"{reply.code} {reply.text}"
        told = calls.made(
            actor=who, operation=operation, result=result, is_good=reply.is_good, client=client, began=began
        )
        self._told.append(told)
        if len(self._told) >= TOLD_AT_ONCE:
            self.tell()

    async def come(self, client: str) -> Reply | None:
        """Places are counted before anything is looked up: a crowd costs nobody else a thread or a query."""
        network = throttle.network_of(client)
        if sum(self._here.values()) >= MOST or self._here.get(network, 0) >= PER_ADDRESS:
            return TOO_MANY
        self._here[network] = self._here.get(network, 0) + 1
        try:
            refused = await self._threads.run(lambda: _closed(self._read_state(), client))
        except DatabaseError:
            refused = NOT_NOW
        except BaseException:
            self.gone(client)
            raise
        if refused is not None:
            self.gone(client)
        return refused

    def gone(self, client: str) -> None:
        network = throttle.network_of(client)
        self._here[network] -= 1
        if not self._here[network]:
            del self._here[network]

    def _read_state(self) -> dialects.State:
        """Never older than a second."""
        now = time.monotonic()
        if self._state is None or now - self._state[0] > STATE_KEPT_S:
            self._state = (now, dialects.state(DIALECT))
        return self._state[1]

    async def has_secrets(self) -> bool:
        try:
            return await self._threads.run(apop.has_any)
        except DatabaseError:
            return False

    # --- signing in

    def _full(self, name: str) -> str:
        """A name without a domain is of the main one: that of the dialect's page, else the first there was."""
        name = name.strip()
        if "@" in name or not name:
            return name
        main = self._read_state().options.get(MAIN_DOMAIN, "")
        if not main:
            first = Domain.objects.exclude(status__in=GONE).order_by("pk").values_list("name", flat=True).first()
            main = first or "localhost"
        return f"{name}@{main}"

    async def sign_in(self, client: str, name: str, password: str) -> Login | Reply:
        return await self._threads.run(
            lambda: self._noted("USER", client, name, lambda: _sign_in(client, self._full(name), password))
        )

    async def sign_in_apop(self, client: str, name: str, challenge: str, digest: str) -> Login | Reply:
        return await self._threads.run(
            lambda: self._noted(
                "APOP", client, name, lambda: _sign_in_apop(client, self._full(name), challenge, digest)
            )
        )

    def _noted(self, operation: str, client: str, name: str, sign_in: object) -> Login | Reply:
        began = time.monotonic()
        try:
            found: Login | Reply = sign_in()  # type: ignore[operator]
        except NetworkBlocked:
            found = BLOCKED
        except TooManyAttempts:
            found = TOO_OFTEN
        except SourceUnavailable:
            found = NO_SOURCE
        except PasswordDue as error:
            found = Reply(WRONG.code, str(error))
        except AccountsError:
            found = WRONG
        except DatabaseError:
            found = NOT_NOW
        if isinstance(found, Reply) and not found.is_good:  # clients try for ever after any other code
            found = replace(found, code=PASSWORD)
        reply = found if isinstance(found, Reply) else OK
        self._note(name, operation, reply, client, began)
        return found

    async def change_password(self, login: Login, old: str, new: str) -> Reply:
        return await self._threads.run(lambda: self._change_password(login, old, new))

    def _change_password(self, login: Login, old: str, new: str) -> Reply:
        """In person: they just sent their password, and no token or secret in its place."""
        entered, actor = login.entered, _present(login)
        if actor is None or actor.user is None or entered.way is not CallerWay.PASSWORD or login.secret:
            return NO_MORE
        in_person = Actor.for_user(actor.user, address=login.address, via=DIALECT.name)
        in_person = replace(in_person, session_id=entered.session or None)
        try:
            entered.kept = change_password(in_person, old=old, new=new).password
            entered.since = time.time()  # the others end, this one goes on
        except Exception as error:
            return reply_of(error)
        return Reply(200, "password changed")

    async def leave(self, login: Login) -> None:
        """The connection is over, and its session with it."""
        with suppress(DatabaseError):  # it ends by itself
            await self._threads.run(lambda: program_sessions.end(login.entered.session))

    # --- commands

    async def run(self, login: Login, line: str) -> Reply:
        return await self._threads.run(lambda: self._run(login, line))

    def _run(self, login: Login, line: str) -> Reply:
        began, label, reply = time.monotonic(), "", NOT_NOW
        try:
            state = self._read_state()
            closed = _closed(state, login.address)
            if closed is not None:
                reply = closed
                return closed
            actor = _present(login)
            if actor is None:
                reply = NO_MORE
                return NO_MORE
            label = actor.label
            reply = running.answer(actor, line, login.seen, main_domain=state.options.get(MAIN_DOMAIN, ""))
        except DatabaseError as error:
            log.warning("a command met no database: %s", error)
        finally:
            self._note(label, running.word_of(line), reply, login.address, began)
        return reply


def _closed(state: dialects.State, client: str) -> Reply | None:
    """What a client hears that may not come, or not any more."""
    if clients.is_blocked(client):
        return BLOCKED
    if not state.is_on:
        return SWITCHED_OFF
    return NOT_HERE if clients.why_not(state, client) else None


def _sign_in(client: str, name: str, password: str) -> Login | Reply:
    actor, entered = credentials.enter(DIALECT.name, name, password, client)
    proven = entered if entered.way is CallerWay.PASSWORD else None
    return _begun(Login(entered, "", client, Seen(proven=proven)), actor)


def _sign_in_apop(client: str, name: str, challenge: str, digest: str) -> Login | Reply:
    """Guesses count and are noted like those of passwords. Source: RFC 1939 §7."""
    blocking.require_open(client)
    person, secret = apop.secret_of(name)
    attempt = throttle.counters(name.strip().lower()[:254], client, None)
    throttle.admit(attempt)
    wanted = hashlib.md5(f"{challenge}{secret}".encode(), usedforsecurity=False).hexdigest()
    login = None
    if hmac.compare_digest(wanted.encode(), digest.strip().lower().encode("utf-8", "replace")) and person is not None:
        entered = Entered(DIALECT.name, CallerWay.SECRET, person.pk, person.password, "", -math.inf)
        login = Login(entered, secret, client)
    actor = None if login is None else _present(login)
    if login is None or actor is None:
        note_wrong_secret(Actor.for_user(AnonymousUser(), address=client, via=DIALECT.name), name)
        return WRONG
    throttle.forgive(attempt)
    return _begun(login, actor)


def _begun(login: Login, actor: Actor) -> Login:
    """The connection is a session among those of "who is signed in"."""
    credentials.begin_session(actor, login.entered, how=program_sessions.PWD, agent="PWD", idle=IDLE)
    return login


def _present(login: Login) -> Actor | None:
    """The person now; None where what they signed in with opens nothing any more."""
    actor = credentials.present(login.entered, login.address)
    if actor is None or actor.user is None:
        return None
    return None if login.secret and not apop.is_secret_of(actor.user, login.secret) else actor
