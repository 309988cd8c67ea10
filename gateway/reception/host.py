"""What the reception answers to sessions: who may connect and sign in, who may send, to whom; then hands messages on.

Not for the protocol (`gateway.smtp`) nor for what becomes of a message (`gateway.intake`).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Protocol

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import PasswordDue, TooManyAttempts, WrongPassword
from accounts.signing_in import MailProgram, let_mail_program_in, person_of_login, still_lets_mail_program_in
from accounts.sources.errors import SourceUnavailable
from gateway.flow import OK, Answer, Asked, Client, Door, Incoming, Sending
from gateway.ip_table import BLACKLISTED, BLOCKED, CLIENT, DENIED, WHITE_HOLE, IpTable
from gateway.journaling import NOT_FROM_HERE, may_report
from gateway.reception import throttles
from gateway.reception.crowd import Crowd
from gateway.reception.figures import Figures
from gateway.reception.names import Names
from gateway.reception.throttles import Count
from gateway.reception_rows import in_memory, rules
from gateway.reception_rows import ip_table as ip_rows
from gateway.resolving import sender_of
from gateway.router import Routed, Rule, route
from gateway.services.routes import refusal_of
from gateway.smtp.authenticated import login_of
from gateway.smtp.door import Identity
from gateway.threads import Threads

logger = logging.getLogger("postkeep.gateway")

THREADS = 4
LOOKUPS = 8
PER_ADDRESS = 50  # connections at once, from elsewhere
NAME_WITHIN_S = 3.0

TOO_MANY = Answer(421, "4.7.0", "Too many connections from your address; come again")
WRONG = Answer(535, "5.7.8", "Name and password don't belong together")
TOO_OFTEN = Answer(454, "4.7.0", "Too many attempts; try again later")
GONE = Answer(530, "5.7.0", "What you signed in with opens nothing any more; sign in anew")
NOT_NOW = Answer(454, "4.7.0", "Signing in isn't possible just now; try again later")


DENIED_ANSWER = Answer(554, "5.7.1", "Your address is not served here")
BLOCKED_ANSWER = Answer(421, "4.7.0", "Your address is blocked for now; come again later")
BLOCKED_BEHIND = Answer(451, "4.7.0", BLOCKED_ANSWER.text)
BLACKLISTED_ANSWER = Answer(550, "5.7.1", "Your address is blacklisted here; write to postmaster")
THROWN_AWAY = Answer(250, "2.0.0", "Ok")
POSTMASTERS = ("postmaster", "abuse")
JOURNAL = "journal"


def _is_here(address: str) -> bool:
    """Whether it is this machine: a mail server in front, or a program. It answers for many senders at once."""
    return address == "::1" or address.startswith("127.")


class Intake(Protocol):
    """Where accepted messages go on: `gateway.intake`."""

    async def rcpt(self, client: Client, sender: Sending, asked: Asked) -> Answer: ...

    async def take(self, incoming: Incoming) -> Answer: ...

    async def take_journal(self, incoming: Incoming) -> Answer: ...


class Reception:
    """The `Host` of one process."""

    def __init__(self, intake: Intake, names: Names | None = None) -> None:
        self._intake = intake
        self._names = names or Names()
        self._threads = Threads(THREADS, "reception")
        self._lookups = Threads(LOOKUPS, "names")
        self._looking: dict[str, asyncio.Task[str]] = {}
        self.crowd = Crowd()
        self.figures = Figures()

    def stop(self) -> None:
        self._threads.stop()
        self._lookups.stop()

    async def connect(self, client: Client) -> Answer | None:
        # Postfix itself is no stranger: whom it names is looked up with each message (`_refused_behind`)
        state = "" if client.door is Door.FILTER else await self._state_of(client)
        if state == DENIED:
            return DENIED_ANSWER
        if state == BLOCKED:
            return BLOCKED_ANSWER
        is_trusted = _is_here(client.address) or state in (WHITE_HOLE, CLIENT)
        if not is_trusted and self.crowd.count(client.address) >= PER_ADDRESS:
            return TOO_MANY
        self.crowd.come(client.address)
        self.figures.connections += 1
        self._begin_lookup(client.address)
        return None

    async def _state_of(self, client: Client) -> str:
        """On which list the client is. Whoever can't be looked up is on none: a dead database shuts nobody out."""
        try:
            table, _lines = await self._rows()
        except DatabaseError:
            return ""
        return table.state(client.address, timezone.now())

    async def _rows(self) -> tuple[IpTable, tuple[Rule, ...]]:
        """The IP lists and the lines of the router table. Raises: DatabaseError, where they aren't remembered."""
        found = in_memory()
        return found if found is not None else await self._threads.run(_read_rows)

    def closed(self, client: Client) -> None:
        self.crowd.gone(client.address)
        self.figures.connections -= 1

    async def auth(self, client: Client, name: str, password: str) -> Identity | Answer:
        actor = Actor.for_user(AnonymousUser(), address=client.address, via="smtp")
        try:
            program = await self._threads.run(lambda: let_mail_program_in(actor, email=name, password=password))
        except PasswordDue as error:
            return Answer(535, "5.7.8", str(error))
        except WrongPassword:
            return WRONG
        except TooManyAttempts:
            return TOO_OFTEN
        except (DatabaseError, SourceUnavailable):
            return NOT_NOW
        return Identity(program.user.pk, program.user.email, program)

    async def named(self, client: Client, login: str) -> Identity | None:
        """Who signed in at a server in front of us that is trusted to say so. Raises: DatabaseError."""
        user = await self._threads.run(lambda: person_of_login(login))
        if user is None:
            logger.info("%s says that %s signed in, who isn't known here", client.via or client.address, login)
        return None if user is None else Identity(user.pk, user.email)

    async def mail(self, client: Client, sender: Sending) -> Answer:
        """What somebody signed in with may have been taken meanwhile: a connection lasts for many messages."""
        program = client.proof
        if not isinstance(program, MailProgram):
            return OK
        actor = Actor.for_user(AnonymousUser(), address=client.address, via="smtp")
        try:
            is_in = await self._threads.run(lambda: still_lets_mail_program_in(actor, program))
        except DatabaseError:
            return NOT_NOW
        return OK if is_in else GONE

    async def rcpt(self, client: Client, sender: Sending, asked: Asked) -> Answer:
        """In this order: the router table, the blacklist, the directory, the throttles."""
        table, lines = await self._rows()
        led, answer = _before(client, asked, table, lines)
        if answer is not None:
            # Postfix would make a bounce of it, to whoever is said to have written: see `_refused_behind`
            return OK if client.door is Door.FILTER else answer
        asked = asked if asked.address == led.address else replace(asked, address=led.address)
        answer = await self._intake.rcpt(client, sender, asked)
        if not answer.is_ok:
            return answer
        size_bytes = int(sender.parameter("SIZE") or 0)
        reached, _added = await self._throttled(client, sender, [led.address], size_bytes, add=False)
        return reached or answer

    async def _throttled(
        self, client: Client, sender: Sending, addresses: list[str], size_bytes: int, *, add: bool
    ) -> tuple[Answer | None, list[Count]]:
        """What to answer where a throttle is reached, and what was added to which counters."""
        if throttles.are_none_known():
            return None, []

        def work() -> tuple[Answer | None, list[Count]]:
            if not throttles.limits():
                return None, []
            who = sender_of(client, sender.address)
            counts = throttles.counts_of(addresses, sender, who, size_bytes)
            return throttles.ask(counts, add=add)

        return await self._threads.run(work)

    async def take(self, incoming: Incoming) -> Answer:
        answer = await self._take(incoming)
        self.figures.taken(answer, incoming.body.size_bytes)
        return answer

    async def _take(self, incoming: Incoming) -> Answer:
        """Hand it on, to where the router table leads its recipients."""
        table, lines = await self._rows()
        refused: tuple[Asked, ...] = ()
        if incoming.door is Door.FILTER:
            if table.state(incoming.client.address, timezone.now()) == BLOCKED:
                return BLOCKED_BEHIND
            incoming = await self._signed_in_in_front(incoming)
            refused = _refused_behind(incoming, table, lines)
        names = {asked.address for asked in refused}
        asked_for = tuple(asked for asked in incoming.recipients if asked.address not in names)
        recipients = (*_led(asked_for, lines), *refused)
        reporting = _journal(asked_for, lines)
        if reporting:
            answer = await self._intake.take_journal(replace(incoming, recipients=reporting))
            if not recipients or not answer.is_ok:
                return answer
        if not recipients:
            logger.info("the message %s is thrown away, as the router table says", incoming.key)
            return THROWN_AWAY
        client = incoming.client
        addresses = [asked.address for asked in recipients]
        size_bytes = incoming.body.size_bytes
        reached, added = await self._throttled(client, incoming.sender, addresses, size_bytes, add=True)
        if reached is not None:
            return reached
        if not client.name:
            name = await self._name_of(client.address)
            client = replace(client, name=name) if name else client
        if client is not incoming.client or recipients != incoming.recipients:
            incoming = replace(incoming, client=client, recipients=recipients)
        answer = await self._intake.take(incoming)
        if not answer.is_ok and added:
            await self._threads.run(lambda: throttles.give_back(added))
        return answer

    async def _signed_in_in_front(self, incoming: Incoming) -> Incoming:
        """With who signed in at the Postfix that hands it over, as it says in the message. Raises: DatabaseError."""
        client = incoming.client
        if client.user_id is not None:
            return incoming
        login = login_of(next(iter(incoming.body.chunks()), b""), client.number)
        if not login:
            return incoming
        found = await self.named(client, login)
        user_id = None if found is None else found.user_id
        return replace(incoming, client=replace(client, user_id=user_id, user_name=login))

    # --- names in DNS: looked up while the client talks

    def _begin_lookup(self, address: str) -> None:
        if self._names.known(address) is None and address not in self._looking:
            task = asyncio.ensure_future(self._lookups.run(lambda: self._names.look_up(address)))
            self._looking[address] = task
            task.add_done_callback(lambda _: self._looking.pop(address, None))

    async def _name_of(self, address: str) -> str:
        known = self._names.known(address)
        if known is not None:
            return known
        self._begin_lookup(address)
        try:
            return await asyncio.wait_for(asyncio.shield(self._looking[address]), NAME_WITHIN_S)
        except TimeoutError:
            return ""


def _read_rows() -> tuple[IpTable, tuple[Rule, ...]]:
    return ip_rows(), rules()


def _before(client: Client, asked: Asked, table: IpTable, lines: tuple[Rule, ...]) -> tuple[Routed, Answer | None]:
    """Where the router table leads a recipient, and the answer where the directory needn't be asked.

    Whoever is blacklisted may still ask why, and people who sign in are themselves wherever they are.
    """
    led = route(asked.address.lower(), lines)
    answer = refusal_of(led)
    if led.ends == JOURNAL and answer is None:
        answer = OK if may_report(client, led.text) else NOT_FROM_HERE
    may_ask = client.user_id is not None or asked.address.partition("@")[0].lower() in POSTMASTERS
    if answer is None and not may_ask and table.state(client.address, timezone.now()) == BLACKLISTED:
        answer = BLACKLISTED_ANSWER
    return led, answer or (OK if led.ends else None)


def _refused_behind(incoming: Incoming, table: IpTable, lines: tuple[Rule, ...]) -> tuple[Asked, ...]:
    """Whose mail another door would have refused before its data, with the reason, by the client that Postfix names."""
    client, found = incoming.client, list[Asked]()
    is_denied = table.state(client.address, timezone.now()) == DENIED
    for asked in incoming.recipients:
        _led_to, answer = _before(client, asked, table, lines)
        answer = DENIED_ANSWER if is_denied else answer
        if answer is not None and not answer.is_ok:
            found.append(replace(asked, refusal=answer.text))
    return tuple(found)


def _journal(recipients: tuple[Asked, ...], lines: tuple[Rule, ...]) -> tuple[Asked, ...]:
    """Those that take journal reports."""
    return tuple(asked for asked in recipients if route(asked.address.lower(), lines).ends == JOURNAL)


def _led(recipients: tuple[Asked, ...], lines: tuple[Rule, ...]) -> tuple[Asked, ...]:
    """The recipients after the router table, each once; the first one's parameters count."""
    found: dict[str, Asked] = {}
    for asked in recipients:
        led = route(asked.address.lower(), lines)
        if not led.ends:
            address = led.address if led.lines else asked.address
            found.setdefault(address, asked if address == asked.address else replace(asked, address=address))
    return tuple(found.values())
