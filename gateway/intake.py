"""What happens to a message between the end of its data and our 250: resolve, inspect, judge, file.

    intake.start()                                        # once in a process, in its event loop
    answer = await intake.rcpt(client, sending, asked)    # before the data
    answer = await intake.take(incoming)                  # 250 only when it is on disk

Whatever fails on the way (database, disk, a scanner that may not be missing) is a 4xx: the sender keeps the message.
Not for the protocol (`smtp`), for limits and lists of addresses (`reception`), nor for what is done with rows later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from django.db import DatabaseError, InterfaceError

from domains.models import Domain
from domains.policy.decision import Action
from domains.policy.facts import Direction
from gateway import call_forward, in_front, provisioning
from gateway.committing import Committer
from gateway.directory import NotRemembered, only_remembered
from gateway.filing import file_batch
from gateway.flow import (
    OK,
    Answer,
    Asked,
    Client,
    Door,
    Fate,
    Filed,
    Incoming,
    Inspection,
    Judged,
    Route,
    Ruled,
    Sending,
    Ways,
)
from gateway.journaling import filed_from
from gateway.judging.cleaning import cleaned_body
from gateway.judging.deciding import held_instead, judge
from gateway.judging.inspecting import inspect_now, inspect_then
from gateway.models import Message
from gateway.naming import own_name
from gateway.outgoing.chain import prepare
from gateway.outgoing.completing import as_completed
from gateway.outgoing.verifying import verified
from gateway.refusing import answer_for, is_refused, owe
from gateway.resolving import MAY_NOT_SEND, NOT_OURS, Resolved, Sender, outgoing_route, resolve, sender_of
from gateway.ruling import rule
from gateway.services.scanning import current_settings
from gateway.threads import Threads

LOOP_HOPS, OWN_HOPS = 100, 5  # hops of a message that isn't in a loop, and those among them by way of us
HEAD_BYTES = 256 * 1024
DIRECTORY_THREADS = 4
ASKING_THREADS = 8

LATER = Answer(451, "4.3.2", "Messages can't be taken just now; try again later")
SCANNER_DOWN = Answer(451, "4.7.1", "The message can't be checked just now; try again later")
UNASKED = Answer(451, "4.4.1", "The mail server behind can't be asked about this address; try again later")
LOOPING = Answer(554, "5.4.6", "This message goes round in circles")
T = TypeVar("T")
log = logging.getLogger("postkeep.gateway")


class _Running:
    """What one event loop of one process has for its messages."""

    def __init__(self) -> None:
        self.committer = Committer()
        self.directory = Threads(DIRECTORY_THREADS, "directory")
        self.reports = Threads(1, "journal")  # one at a time: each is held whole
        self.asking = Threads(ASKING_THREADS, "call-forward")
        self.host = own_name()

    async def ask(self, question: Callable[[], T]) -> T:
        """What the directory says: from memory at once, else from the database in a thread."""
        try:
            with only_remembered():
                return question()
        except NotRemembered:
            return await self.directory.run(question)

    def stop(self) -> None:
        self.committer.stop()
        self.directory.close()
        self.reports.close()
        self.asking.stop()


_running: _Running | None = None


def start() -> None:
    """Once in a process, in its event loop."""
    global _running
    _running = _Running()


async def stop() -> None:
    """After what was taken has been filed."""
    global _running
    if _running is not None:
        await asyncio.to_thread(_running.stop)
    _running = None


# --- before the data ---


async def rcpt(client: Client, sender: Sending, asked: Asked) -> Answer:
    """Whether this recipient gets mail from this client: everybody we serve, and anybody for who may send."""
    if _running is None:
        return LATER
    try:
        answer, behind = await _running.ask(partial(_rcpt, client, sender.address, asked.address))
        return answer if behind is None else await _asked_behind(_running, behind)
    except (DatabaseError, InterfaceError) as error:
        log.warning("the directory can't be asked for %s: %s", asked.address, error)
        return LATER


def may_go(client: Client, sender: str, asked: str) -> Answer:
    """Whether a client may send to this address from that one. Raises: DatabaseError."""
    return _may_go(client, sender, resolve(asked, sender))


def _rcpt(client: Client, sender: str, asked: str) -> tuple[Answer, Route | None]:
    """The answer; with a route where the server behind is to be asked first: it alone would get the message."""
    found = resolve(asked, sender)
    answer = _may_go(client, sender, found)
    if not answer.is_ok or client.door is Door.FILTER or len(found.routes) != 1:
        return answer, None
    return answer, found.routes[0] if found.routes[0].unknown in _ASKED else None


_ASKED = frozenset({Domain.Unknown.ASK_OR_TAKE.value, Domain.Unknown.ASK_OR_WAIT.value})


async def _asked_behind(running: _Running, route: Route) -> Answer:
    server = await running.ask(partial(call_forward.server_of, route.relay_id, route.transport))
    status = await running.asking.run(partial(call_forward.status_of, server, route.address))
    if status == call_forward.TAKEN:
        await _provided(running, route, server)
        return OK
    if status:
        return Answer(550, status, "The mail server behind takes no mail for this address")
    return OK if route.unknown == Domain.Unknown.ASK_OR_TAKE else UNASKED


async def _provided(running: _Running, route: Route, server: call_forward.Server) -> None:
    """With a mailbox from now on, where the domain makes them by themselves and its server proves who is there."""
    if route.domain_id is None or not await running.directory.run(
        partial(provisioning.is_wanted, route.domain_id, route.address)
    ):
        return
    name = route.address.rpartition("@")[2]
    if await running.asking.run(partial(provisioning.tells_people_apart, server, name)):
        await running.directory.run(partial(provisioning.provide, route.domain_id, route.address))


def _may_go(client: Client, sender: str, found: Resolved) -> Answer:
    if client.door is Door.FILTER:
        return in_front.may_go(found)
    if found.is_ours:
        return found.refusal or OK
    if found.refusal is not NOT_OURS:
        return found.refusal or NOT_OURS
    if sender_of(client, sender) is not None:
        return OK
    return NOT_OURS if client.user_id is None else MAY_NOT_SEND


# --- the message ---


async def take(incoming: Incoming) -> Answer:
    """File it, or say why not. Never raises: what goes wrong is a 4xx."""
    if _running is None:
        return LATER
    try:
        answer = await _take(_running, incoming)
        log.debug("the message %s by %s: %d %s", incoming.key, incoming.door, answer.code, answer.text)
        return answer
    except Exception:
        log.exception("the message %s can't be taken now", incoming.key)
        return LATER


async def take_journal(incoming: Incoming) -> Answer:
    """Put a journal report into the archives of those it names. Never raises: what goes wrong is a 4xx."""
    if _running is None:
        return LATER
    try:
        filed = await _running.reports.run(partial(filed_from, incoming))
        if isinstance(filed, Answer):
            log.warning("the report %s is not archived: %s", incoming.key, filed.text)
            # a filter has no 5xx (see may_go)
            return OK if incoming.door is Door.FILTER else filed
        await _running.committer.file(filed)
    except Exception:
        log.exception("the report %s can't be taken now", incoming.key)
        return LATER
    return Answer(250, "2.0.0", f"Ok: {filed.incoming.key}")


async def _take(running: _Running, incoming: Incoming) -> Answer:
    head = next(iter(incoming.body.chunks()), b"")[:HEAD_BYTES]
    if is_looping(head, running.host):
        if incoming.door is not Door.FILTER:
            return LOOPING
        against = tuple(replace(asked, refusal=asked.refusal or LOOPING.text) for asked in incoming.recipients)
        incoming = replace(incoming, recipients=against)
    if incoming.door is Door.FILTER:
        incoming = await running.ask(partial(in_front.with_refusals, incoming))
    routes, direction, refusal = await running.ask(partial(routes_of, incoming))
    if refusal is not None:
        return refusal
    inspection, filed = await inspect_then(incoming, direction, partial(_filed_from_memory, incoming, routes))
    if inspection.silent:
        return SCANNER_DOWN
    if filed is None:
        filed = await running.directory.run(partial(_filed, incoming, routes, inspection))
    await running.committer.file(filed)
    return _answer(filed)


def take_now(incoming: Incoming) -> tuple[Answer, Message | None]:
    """The same for callers who wait themselves, in their transaction; no message where nothing was filed.

    Raises: DatabaseError.
    """
    if is_looping(next(iter(incoming.body.chunks()), b"")[:HEAD_BYTES], own_name()):
        return LOOPING, None
    routes, direction, refusal = routes_of(incoming)
    if refusal is not None:
        return refusal, None
    inspection = inspect_now(incoming, direction, current_settings())
    if inspection.silent:
        return SCANNER_DOWN, None
    filed = _filed(incoming, routes, inspection)
    (message,) = file_batch([filed])
    return _answer(filed), message


def _answer(filed: Filed) -> Answer:
    refused, key = refusal_of(filed.judged), filed.incoming.key
    # A filter has no 5xx (see may_go): what is refused is told by a notice, or lies in a repository.
    if refused is not None and filed.incoming.door is not Door.FILTER:
        return replace(refused, text=f"{refused.text} ({key})")
    return Answer(250, "2.0.0", f"Ok: {key}")


def routes_of(incoming: Incoming) -> tuple[tuple[Route, ...], Direction, Answer | None]:
    """The final recipients of all that were asked for, each once, and in which direction the message goes.

    A message of somebody we serve is outgoing, whoever gets it; the rows of recipients of ours come besides the
    sender's. An answer instead where the directory has changed since the recipients were asked for.
    """
    sender = incoming.sender.address
    if incoming.door is Door.FILTER:
        return in_front.routes_of(incoming)
    own = sender_of(incoming.client, sender)
    direction = Direction.INCOMING if own is None else Direction.OUTGOING
    routes: dict[tuple[str, Direction], Route] = {}
    for asked in incoming.recipients:
        problem = _add_routes(routes, resolve(asked.address, sender), own, sender)
        if problem is not None:
            return (), direction, problem
    return tuple(routes.values()), direction, None


def _add_routes(
    routes: dict[tuple[str, Direction], Route], found: Resolved, own: Sender | None, sender: str
) -> Answer | None:
    if own is not None:
        route = outgoing_route(found.asked, own, sender)
        if found.is_ours:
            route = replace(route, ends=Ways.HERE)
        routes.setdefault((route.address, Direction.OUTGOING), route)
    elif not found.is_ours:
        return found.refusal or NOT_OURS
    if found.is_ours and not found.routes:
        return found.refusal or LATER
    for each in found.routes:
        routes.setdefault((each.address, Direction.INCOMING), replace(each, return_path=sender))
    return None


def _filed_from_memory(incoming: Incoming, routes: Sequence[Route], inspection: Inspection) -> Filed | None:
    """The same in a thread that has no connection to the database: None where one is needed."""
    if inspection.silent or any(route.direction is Direction.OUTGOING for route in routes):
        return None
    try:
        with only_remembered():
            return _filed(incoming, routes, inspection)
    except NotRemembered:
        return None


def _filed(incoming: Incoming, routes: Sequence[Route], inspection: Inspection) -> Filed:
    """The decisions, what rules made of them, and the message as it goes on where that isn't as it came.

    Raises: DatabaseError.
    """
    inspection = as_completed(incoming, verified(incoming, inspection, routes), routes)
    judged, against = _refused_before(incoming, judge_all(inspection, routes))
    judged = (*rule(incoming, inspection, judged), *against)
    if incoming.door is Door.FILTER:
        judged = owe(held_instead(each) for each in judged)
    elif refusal_of(judged) is None:
        judged = owe(judged)
    body = cleaned_body(incoming, inspection)
    leaving = prepare(incoming, inspection, judged, body, inspection.headers)
    return Filed(incoming, inspection, judged, body, inspection.headers, leaving)


def _refused_before(incoming: Incoming, judged: Sequence[Judged]) -> tuple[tuple[Judged, ...], tuple[Judged, ...]]:
    """Those whose rules are asked, and those that were refused before anybody judged them."""
    why = {asked.address: asked.refusal for asked in incoming.recipients if asked.refusal}
    if not why:
        return tuple(judged), ()
    return tuple(each for each in judged if each.route.asked not in why), tuple(
        replace(each, ruled=Ruled(Fate.REFUSED, refusal=why[each.route.asked]))
        if each.decision.action is Action.DELIVER
        else each
        for each in judged
        if each.route.asked in why
    )


def judge_all(inspection: Inspection, routes: Sequence[Route]) -> tuple[Judged, ...]:
    """Every route's decision. What a sender's own policy doesn't let out reaches nobody of ours either."""
    out = [route for route in routes if route.direction is Direction.OUTGOING]
    into = [route for route in routes if route.direction is Direction.INCOMING]
    sent = judge(inspection, out)
    if any(each.decision.action is not Action.DELIVER for each in sent):
        # who signed in at a Postfix and writes in another's name has no row for those of ours; then these are
        named = {route.asked for route in out}
        alone = [_as_from(out[0], route) for route in into if route.asked not in named]
        return (*sent, *judge(inspection, alone))
    return (*sent, *judge(inspection, into))


def _as_from(sent: Route, route: Route) -> Route:
    """The sender's own row of this recipient."""
    return replace(
        route,
        direction=Direction.OUTGOING,
        domain_id=sent.domain_id,
        customer_id=sent.customer_id,
        mailbox_id=sent.mailbox_id,
        policy_of=sent.policy_of,
    )


def refusal_of(judged: Sequence[Judged]) -> Answer | None:
    """What to answer when every decision refuses; None when somebody gets it, or it is held."""
    return None if any(not is_refused(each) for each in judged) else answer_for(judged[0])


def is_looping(head: bytes, host: str) -> bool:
    """Too many hops, or too many by way of us (RFC 5321 §6.3)."""
    end = head.find(b"\r\n\r\n")
    lines = (head if end < 0 else head[:end]).lower().split(b"\r\n")
    hops = sum(line.startswith(b"received:") for line in lines)
    own = f"by {host.lower()} ".encode()
    return hops > LOOP_HOPS or sum(own in line for line in lines) > OWN_HOPS
