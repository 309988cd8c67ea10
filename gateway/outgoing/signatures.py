"""The stage that signs: which signature each recipient gets, put into the message, and what the passport says of it.

Recipients who get the same one share a version of the message. What can't be signed leaves as it is, with the reason.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from accounts.addresses import parse_address
from accounts.errors import BadAddress
from domains.models import Mailbox, Status
from domains.policy.facts import Direction
from gateway.directory import Remembered
from gateway.flow import Body, Door, InFile, InMemory, Judged, Leaving
from gateway.outgoing.message import Outgoing
from gateway.signature_books import Person, blocks_for, person_for
from gateway.signatures.block import Block
from gateway.signatures.choosing import Writing, choose
from gateway.signatures.fitness import Why
from gateway.signatures.placing import Placed, place
from gateway.steps import Kind

IN_MEMORY_BYTES = 1 << 20
LARGE_BYTES = 4 << 20
MOST_BYTES = 128 << 20
_WRITTEN = frozenset({Door.SUBMISSION, Door.FILTER, Door.CONSOLE, Door.RELEASE})
_REPLY = re.compile(r"\s*(?:re|aw|antw|sv|vs|rép|réf|ref|res)\s*(?:\[\d+\])?\s*:", re.I)
_one_large = threading.Lock()
_froms: Remembered[tuple[str, int], int] = Remembered(20_000)


def add_signatures(message: Outgoing, leaving: Leaving) -> Sequence[Leaving]:
    """The versions with the signatures of whoever writes. Raises: DatabaseError."""
    incoming = message.incoming
    if incoming.door not in _WRITTEN or not incoming.sender.address:
        return (leaving,)
    person = _writer(message)
    if person is None or (person.book.own is None and not person.book.rules):
        return (leaving,)
    groups: dict[tuple[str, ...], tuple[list[int], list[Block]]] = {}
    for at in leaving.of:
        blocks = blocks_for(person, choose(person.book, _writing(message, message.judged[at], person)).templates)
        groups.setdefault(tuple(block.key for block in blocks), ([], blocks))[0].append(at)
    return tuple(_signed(leaving, tuple(of), blocks) for of, blocks in groups.values())


def _writer(message: Outgoing) -> Person | None:
    """Who signed in; where a whole network may send, whose the From address is. Nobody borrows another's signature by
    writing another's name into From."""
    number, named = message.sender.mailbox_id, message.inspection.header_from
    if number is None and named:
        domain_id = message.sender.domain_id
        number = _froms.ask((named, domain_id), lambda: _mailbox_of(named, domain_id)) or None
    return None if number is None else person_for(number)


def _mailbox_of(address: str, domain_id: int) -> int:
    """0 where it is nobody's own address; aliases are left to who sends."""
    try:
        parsed = parse_address(address)
    except BadAddress:
        return 0
    rows = Mailbox.objects.filter(claim__local=parsed.local, domain_id=domain_id, domain__names__name=parsed.domain)
    return rows.filter(status=Status.ENABLED).values_list("pk", flat=True).first() or 0


def _writing(message: Outgoing, judged: Judged, person: Person) -> Writing:
    route = judged.route
    is_ours = route.direction is Direction.INCOMING
    same = route.domain_id == person.domain_id or (
        route.customer_id is not None and route.customer_id == person.customer_id
    )
    return Writing(
        recipient=route.asked,
        is_inside=is_ours and same,
        is_reply=is_reply(message.inspection.facts.headers, message.inspection.subject),
        day=timezone.localdate(message.incoming.received_at),
    )


def is_reply(headers: Sequence[tuple[str, str]], subject: str) -> bool:
    """Whether a message goes on with a thread."""
    names = {name.lower() for name, value in headers if value.strip()}
    return bool(names & {"in-reply-to", "references"}) or _REPLY.match(subject) is not None


def _signed(leaving: Leaving, of: tuple[int, ...], blocks: list[Block]) -> Leaving:
    leaving = replace(leaving, of=of)
    if not blocks:
        return leaving
    placed = _placed(leaving.body, blocks)
    body = leaving.body if not placed.added else _body(placed.raw)
    return replace(leaving, body=body, notes=(*leaving.notes, _note(placed, len(of))))


def _placed(body: Body, blocks: list[Block]) -> Placed:
    """One large message at a time, so that many of them don't fill the memory."""
    if body.size_bytes > MOST_BYTES:
        return Placed(b"", why=Why.SIZE)
    if body.size_bytes <= LARGE_BYTES:
        return place(body.read(), blocks)
    with _one_large:
        return place(body.read(), blocks)


def _body(raw: bytes) -> Body:
    if len(raw) <= IN_MEMORY_BYTES:
        return InMemory(raw)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when nobody holds it any more
    file.write(raw)
    return InFile(file, len(raw), hashlib.sha256(raw).digest())


def _note(placed: Placed, recipients: int) -> tuple[str, dict[str, Any]]:
    if not placed.added:
        why = Why.ERROR if placed.why is None else placed.why
        return Kind.UNSIGNED.value, {"because": why.value, "recipients": recipients}
    spots = {"above" if each.is_above else "end" for each in placed.insertions}
    return Kind.SIGNATURE.value, {
        "signature": ", ".join(placed.added),
        "spot": "above" if "above" in spots else "end",
        "recipients": recipients,
    }
