"""What stands behind a session: who may come, whose name and password it is, and running commands for them.

Everything that asks the database runs in threads of its own. Who is signed in is asked again with every command: a
person shut out, a password changed or a token revoked ends it there. Not for the protocol (`pwd.session`).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from dataclasses import dataclass, field, replace

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError

from accounts import enforcement, factors, throttle
from accounts.actors import Actor
from accounts.errors import AccountsError, TooManyAttempts
from accounts.models import User
from accounts.services.passwords import change_password
from accounts.sessions import may_enter
from accounts.signing_in import sign_in_caller
from accounts.tokens import actor_for_token
from api.communigate import apop, running
from api.communigate.context import GONE, Seen
from api.communigate.dialect import DIALECT, MAIN_DOMAIN
from api.communigate.pwd.door import OK, Reply
from api.communigate.refusing import PASSWORD, reply_of
from api.dialects import calls
from api.dialects import settings as dialects
from config.kit.fixed import Fixed
from domains.models import Domain
from gateway.threads import Threads

log = logging.getLogger("postkeep.pwd")

THREADS = 4
MOST = 300  # connections at once
PER_ADDRESS = 50
TOLD_AT_ONCE = 100
CHECKED_EVERY_S = 1.0  # whether doors are open to somebody; their rights are read with every command

NOT_HERE = Reply(501, "this address may not use the command line interface")
SWITCHED_OFF = Reply(501, "the command line interface is switched off")
TOO_MANY = Reply(501, "too many connections; come again later")
NOT_NOW = Reply(501, "the database does not answer; come again later")
WRONG = Reply(PASSWORD, "incorrect password or account name")
TOO_OFTEN = Reply(PASSWORD, "too many attempts; try again later")
NO_MORE = Reply(510, "your access has ended; sign in again")
_PERSON = Fixed(lambda key: User.objects.filter(pk=key), int)


@dataclass(slots=True)
class Login:
    """Who signed in, and what must still be so. token: the access token that stood in the password's place."""

    person: int
    password: str  # as it is kept, hashed
    token: str
    is_apop: bool
    address: str
    checked_at: float = 0.0
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
        try:
            state = await self._threads.run(self._read_state)
        except DatabaseError:
            return NOT_NOW
        if not state.is_on:
            return SWITCHED_OFF
        if not state.lets(client):
            return NOT_HERE
        if sum(self._here.values()) >= MOST or self._here.get(client, 0) >= PER_ADDRESS:
            return TOO_MANY
        self._here[client] = self._here.get(client, 0) + 1
        return None

    def gone(self, client: str) -> None:
        self._here[client] -= 1
        if not self._here[client]:
            del self._here[client]

    def _read_state(self) -> dialects.State:
        """Never older than a second."""
        now = time.monotonic()
        if self._state is None or now - self._state[0] > CHECKED_EVERY_S:
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
        except TooManyAttempts:
            found = TOO_OFTEN
        except AccountsError:
            found = WRONG
        except DatabaseError:
            found = NOT_NOW
        reply = found if isinstance(found, Reply) else OK
        self._note(name, operation, reply, client, began)
        return found

    async def change_password(self, login: Login, old: str, new: str) -> Reply:
        return await self._threads.run(lambda: self._change_password(login, old, new))

    def _change_password(self, login: Login, old: str, new: str) -> Reply:
        """In person: they just sent their password, and no token or secret in its place."""
        person = _PERSON.first(login.person)
        if person is None or login.token or login.is_apop:
            return NO_MORE
        actor = Actor.for_user(person, address=login.address, via=DIALECT.name)
        try:
            login.password = change_password(actor, old=old, new=new).password
        except Exception as error:
            return reply_of(error)
        return Reply(200, "password changed")

    # --- commands

    async def run(self, login: Login, line: str) -> Reply:
        return await self._threads.run(lambda: self._run(login, line))

    def _run(self, login: Login, line: str) -> Reply:
        began, label, reply = time.monotonic(), "", NOT_NOW
        try:
            state = self._read_state()
            if not state.is_on or not state.lets(login.address):
                return SWITCHED_OFF
            actor = _present(login)
            if actor is None:
                return NO_MORE
            label = actor.label
            reply = running.answer(actor, line, login.seen, main_domain=state.options.get(MAIN_DOMAIN, ""))
        except DatabaseError as error:
            log.warning("a command met no database: %s", error)
        finally:
            self._note(label, running.word_of(line), reply, login.address, began)
        return reply


def _sign_in(client: str, name: str, password: str) -> Login | Reply:
    nobody = Actor.for_user(AnonymousUser(), address=client, via=DIALECT.name)
    actor = sign_in_caller(nobody, email=name[:254], password=password[:1000])
    assert actor.user is not None
    token = password if actor.token_id is not None else ""
    return Login(actor.user.pk, actor.user.password, token, False, client)


def _sign_in_apop(client: str, name: str, challenge: str, digest: str) -> Login | Reply:
    """Guesses count like those of passwords. Source: RFC 1939 §7."""
    person, secret = apop.secret_of(name)
    attempt = throttle.counters(name.strip().lower()[:254], client, None)
    throttle.admit(attempt)
    wanted = hashlib.md5(f"{challenge}{secret}".encode(), usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(wanted.encode(), digest.strip().lower().encode()) or person is None:
        return WRONG
    login = Login(person.pk, person.password, "", True, client)
    if _present(login) is None:
        return WRONG
    throttle.forgive(attempt)
    return login


def _present(login: Login) -> Actor | None:
    """The person now, with the rights they hold now; None where what they signed in with opens nothing any more."""
    if login.token:
        actor = actor_for_token(login.token, address=login.address)
        return None if actor is None else replace(actor, via=DIALECT.name)
    person = _PERSON.first(login.person)
    if person is None or not person.is_active or person.password != login.password:
        return None
    actor = Actor.for_user(person, address=login.address, via=DIALECT.name)
    now = time.monotonic()
    if now - login.checked_at > CHECKED_EVERY_S:
        needs_more = factors.has_second_factor(person) or enforcement.standing_of(person).is_overdue
        if needs_more or not may_enter(actor, "api") or (login.is_apop and not apop.has_secret(person)):
            return None
        login.checked_at = now
    return actor.restricted(None)
