"""A connection to one of the servers of a destination, encrypted and signed in as its relay wants.

SMTP: never encrypted. SMTPS_MAY: encrypted where the server can, whoever's certificate it is, else in plain text.
SMTPS_ENCRYPT: encrypted with a certificate that we trust and that names the server, or not at all.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from config.kit import net, trust
from domains.relay_check import TransportType
from gateway.delivery.client import Client, Patience, Refused, Unsuitable
from gateway.delivery.routing import Hop, Router
from gateway.delivery.said import End, Outcome

MOST_TRIES = 8


class Unreached(Exception):
    """None of the servers could be spoken to; `outcome` is what that means for every recipient."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


def _taking_all() -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


@dataclass(frozen=True, slots=True)
class Contexts:
    """checking: for SMTPS_ENCRYPT. taking_all: for SMTPS_MAY, which protects from nobody who stands in between."""

    checking: ssl.SSLContext = field(default_factory=trust.client_context)
    taking_all: ssl.SSLContext = field(default_factory=_taking_all)


@dataclass(slots=True)
class Reacher:
    """Opens connections. threads: for what blocks (DNS)."""

    router: Router
    threads: Executor
    local_name: str
    patience: Patience = field(default_factory=Patience)
    contexts: Contexts = field(default_factory=Contexts)

    async def reach(self, hops: Sequence[Hop]) -> Client:
        """The first server that takes us. Raises: Unreached."""
        failures: list[tuple[Hop, str, Exception]] = []
        loop = asyncio.get_running_loop()
        for hop in hops:
            try:
                addresses = await loop.run_in_executor(self.threads, self.router.addresses, hop)
            except net.NetError as error:
                failures.append((hop, "", error))
                continue
            for address in addresses:
                if len(failures) >= MOST_TRIES:
                    break
                try:
                    return await self._open(hop, address)
                except (net.NetError, Refused, Unsuitable) as error:
                    failures.append((hop, address, error))
        raise Unreached(_outcome(failures))

    async def _open(self, hop: Hop, address: str) -> Client:
        """Raises: NetError, Refused, Unsuitable."""
        must = hop.transport is TransportType.SMTPS_ENCRYPT
        context = self.contexts.checking if must else self.contexts.taking_all
        client = await self._connect(hop, address, context if hop.is_implicit_tls else None)
        try:
            if not client.tls and hop.transport is not TransportType.SMTP:
                client = await self._secured(client, hop, context, must=must)
            if hop.user:
                await client.log_in(hop.user, hop.password)
        except BaseException:
            client.abort()
            raise
        return client

    async def _secured(self, client: Client, hop: Hop, context: ssl.SSLContext, *, must: bool) -> Client:
        if "STARTTLS" not in client.extensions:
            if must:
                raise net.TlsFailed("the server offers no encryption, which this relay requires")
            return client
        try:
            await client.start_tls(context)
        except net.TlsFailed:
            client.abort()
            if must:
                raise
            return await self._connect(hop, client.address, None)
        return client

    async def _connect(self, hop: Hop, address: str, implicit: ssl.SSLContext | None) -> Client:
        return await Client.connect(
            hop.host, address, hop.port, local_name=self.local_name, patience=self.patience, implicit_tls=implicit
        )


def _outcome(failures: Sequence[tuple[Hop, str, Exception]]) -> Outcome:
    """Of several failures the one that says most: a server that answered, before one that couldn't be reached."""
    if not failures:
        return Outcome(End.DEFERRED, "4.4.1", "there is no server to be tried")
    hop, address, error = next((each for each in failures if isinstance(each[2], Refused)), failures[-1])
    place = Outcome(End.DEFERRED, "", "", host=hop.host, address=address, port=hop.port)
    if isinstance(error, Refused):
        # a no to the greeting or the password is about us, and can be mended; mail isn't sent back for it
        status = f"4{error.reply.enhanced[1:]}" if error.reply.enhanced else "4.3.2"
        return Outcome(End.DEFERRED, status, error.reply.text, error.reply.code, is_remote=True).from_place(place)
    if isinstance(error, Unsuitable):
        return Outcome(End.DEFERRED, error.status, str(error)).from_place(place)
    never = (net.NameUnknown, net.RefusedByGate)
    if all(hop.by_dns and isinstance(error, never) for hop, _, error in failures):
        return Outcome(End.FAILED, "5.4.4", _in_words(error)).from_place(place)
    return Outcome(End.DEFERRED, "4.7.5" if isinstance(error, net.TlsFailed) else "4.4.1", _in_words(error)).from_place(
        place
    )


def _in_words(error: Exception) -> str:
    """What a sender may be told: the gate's reasons name our networks, so they stay in the log."""
    if isinstance(error, net.RefusedByGate):
        return "connections to this server aren't allowed from here"
    return str(error)
