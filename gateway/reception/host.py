"""What the reception answers to sessions: who may connect and sign in, who may send, to whom; then hands messages on.

Not for the protocol (`gateway.smtp`) nor for what becomes of a message (`gateway.intake`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Protocol

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError

from accounts.actors import Actor
from accounts.errors import TooManyAttempts, WrongPassword
from accounts.signing_in import sign_in_mail_program
from gateway.flow import OK, Answer, Asked, Client, Incoming, Sending
from gateway.reception.names import Names
from gateway.smtp.door import Identity
from gateway.threads import Threads

THREADS = 4
LOOKUPS = 8
PER_ADDRESS = 50  # connections at once, of one process
NAME_WITHIN_S = 3.0

TOO_MANY = Answer(421, "4.7.0", "Too many connections from your address; come again")
WRONG = Answer(535, "5.7.8", "Name and password don't belong together")
TOO_OFTEN = Answer(454, "4.7.0", "Too many attempts; try again later")
NOT_NOW = Answer(454, "4.7.0", "Signing in isn't possible just now; try again later")


class Intake(Protocol):
    """Where accepted messages go on: `gateway.intake`."""

    async def rcpt(self, client: Client, sender: Sending, asked: Asked) -> Answer: ...

    async def take(self, incoming: Incoming) -> Answer: ...


class Reception:
    """The `Host` of one process."""

    def __init__(self, intake: Intake, names: Names | None = None) -> None:
        self._intake = intake
        self._names = names or Names()
        self._threads = Threads(THREADS, "reception")
        self._lookups = Threads(LOOKUPS, "names")
        self._looking: dict[str, asyncio.Task[str]] = {}
        self._connected: Counter[str] = Counter()

    def stop(self) -> None:
        self._threads.stop()
        self._lookups.stop()

    async def connect(self, client: Client) -> Answer | None:
        if self._connected[client.address] >= PER_ADDRESS:
            return TOO_MANY
        self._connected[client.address] += 1
        self._begin_lookup(client.address)
        return None

    def closed(self, client: Client) -> None:
        self._connected[client.address] -= 1
        if self._connected[client.address] <= 0:
            del self._connected[client.address]

    async def auth(self, client: Client, name: str, password: str) -> Identity | Answer:
        actor = Actor.for_user(AnonymousUser(), address=client.address, via="smtp")
        try:
            user = await self._threads.run(lambda: sign_in_mail_program(actor, email=name, password=password))
        except WrongPassword:
            return WRONG
        except TooManyAttempts:
            return TOO_OFTEN
        except DatabaseError:
            return NOT_NOW
        return Identity(user.pk, user.email)

    async def mail(self, client: Client, sender: Sending) -> Answer:
        return OK

    async def rcpt(self, client: Client, sender: Sending, asked: Asked) -> Answer:
        return await self._intake.rcpt(client, sender, asked)

    async def take(self, incoming: Incoming) -> Answer:
        client = incoming.client
        if not client.name:
            client = replace(client, name=await self._name_of(client.address))
        return await self._intake.take(replace(incoming, client=client))

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
