"""Handing one message over for all its recipients of one destination, and what came of it for each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import DatabaseError
from django.utils import timezone

from config.kit import net
from gateway.content import DamagedContent
from gateway.delivery.client import Client, Envelope, Rcpt, Unsuitable
from gateway.delivery.composing import TooManyHops, compose, stuffed
from gateway.delivery.said import End, Outcome
from gateway.delivery.tracing import changes_for
from gateway.models import Content, ContentPart
from gateway.queue.claiming import Claimed
from gateway.queue.tried import Tried

logger = logging.getLogger("postkeep.delivery")

OF_RECIPIENT = ("NOTIFY", "ORCPT")
AGAIN_AFTER = timedelta(seconds=20)
MORE_BYTES = 2_000  # for the lines we put before a message, when it is compared with what a server takes


@dataclass(slots=True)
class Work:
    """One transaction: a message and its recipients at one destination."""

    claimed: list[Claimed]

    @property
    def destination(self) -> str:
        return self.claimed[0].item.destination

    def all_are(self, outcome: Outcome) -> list[Tried]:
        return [Tried.of(each, outcome) for each in self.claimed]


def works_of(claimed: Iterable[Claimed], most: int) -> list[Work]:
    """Recipients of one message that may share a transaction, at most `most` each, in their order."""
    open_ones: dict[object, Work] = {}
    found: list[Work] = []
    for each in claimed:
        item = each.item
        of_message = tuple(sorted((name, value) for name, value in item.parameters.items() if name not in OF_RECIPIENT))
        key = (
            item.destination, item.message_id, item.content_id, item.sender, item.relay_id, item.subject_prefix,
            tuple(item.headers), of_message,
        )  # fmt: skip
        work = open_ones.get(key)
        if work is None or len(work.claimed) >= most:
            work = open_ones[key] = Work([])
            found.append(work)
        work.claimed.append(each)
    return found


async def hand_over(client: Client, work: Work, threads: Executor) -> list[Tried] | None:
    """Send it by this connection; None: the connection, used before, was gone before anything happened."""
    deliverable = [each for each in work.claimed if _is_sayable(each.item.address) and _is_sayable(each.item.sender)]
    refused = Outcome(End.FAILED, "5.1.3", "this address can't be said in SMTP")
    tried = [Tried.of(each, refused) for each in work.claimed if each not in deliverable]
    if not deliverable:
        return tried
    first, was_used = deliverable[0], client.taken > 0
    try:
        envelope = await _envelope(client, deliverable, threads)
        message = stuffed(compose(_pieces(first, threads), changes_for(first.item, only=len(deliverable) == 1)))
        outcomes = await client.send(envelope, message)
    except Unsuitable as error:
        outcome = Outcome(End.FAILED, error.status, str(error))
    except TooManyHops:
        outcome = Outcome(End.FAILED, "5.4.6", "the message has been through too many servers")
    except DamagedContent as error:
        logger.error("%s", error)
        outcome = Outcome(End.DEFERRED, "4.3.0", "the message can't be read here")
    except DatabaseError as error:
        logger.warning("a message could not be read: %s", error)
        again = timezone.now() + AGAIN_AFTER
        return tried + [Tried.of(each, Outcome(End.RETURNED, "", ""), again) for each in deliverable]
    except net.NetError as error:
        if was_used and not tried:
            return None
        outcome = Outcome(End.DEFERRED, "4.4.2", str(error))
    else:
        for each, outcome in zip(deliverable, outcomes, strict=True):
            logger.debug("item %d to %s: %s", each.item.pk, work.destination, outcome.end)
        return tried + [Tried.of(each, outcome) for each, outcome in zip(deliverable, outcomes, strict=True)]
    there = replace(outcome, host=client.host, address=client.address, port=client.port, tls=client.tls)
    return tried + [Tried.of(each, there) for each in deliverable]


async def _envelope(client: Client, claimed: list[Claimed], threads: Executor) -> Envelope:
    item, data = claimed[0].item, claimed[0].data
    parameters: dict[str, str] = item.parameters
    is_8bit = parameters.get("BODY", "").upper() == "8BITMIME" or (data is not None and not data.isascii())
    if data is None and not is_8bit:
        # large and undeclared: said to be so where the server takes it, looked through where it doesn't
        is_8bit = "8BITMIME" in client.extensions or await _has_8bit(claimed[0], threads)
    needs_utf8 = "SMTPUTF8" in parameters
    if needs_utf8 and data is not None and "SMTPUTF8" not in client.extensions:
        needs_utf8 = not data.partition(b"\r\n\r\n")[0].isascii()
    return Envelope(
        sender=item.sender,
        recipients=tuple(Rcpt(each.item.address, _of_recipient(each)) for each in claimed),
        size_bytes=item.content.size_bytes + MORE_BYTES,
        parameters=tuple((name, parameters[name]) for name in ("RET", "ENVID") if name in parameters),
        is_8bit=is_8bit,
        needs_utf8=needs_utf8,
    )


def _of_recipient(claimed: Claimed) -> tuple[tuple[str, str], ...]:
    parameters: dict[str, str] = claimed.item.parameters
    return tuple((name, parameters[name]) for name in OF_RECIPIENT if name in parameters)


async def _has_8bit(claimed: Claimed, threads: Executor) -> bool:
    async for piece in _pieces(claimed, threads):
        if not piece.isascii():
            return True
    return False


async def _pieces(claimed: Claimed, threads: Executor) -> AsyncIterator[bytes]:
    """The bytes, part by part, each read when it is wanted. Raises: DamagedContent, DatabaseError."""
    if claimed.data is not None:
        yield claimed.data
        return
    loop, content = asyncio.get_running_loop(), claimed.item.content
    number = seen = 0
    while seen < content.size_bytes:
        piece = await loop.run_in_executor(threads, _part, content.pk, number)
        if not piece:
            raise DamagedContent(f"content {content.pk} has {seen} of {content.size_bytes} bytes")
        yield piece
        seen, number = seen + len(piece), number + 1


def _part(content_id: int, number: int) -> bytes:
    if number == 0:
        data = Content.objects.filter(pk=content_id).values_list("data", flat=True).first()
        if data is not None:
            return bytes(data)
    part = ContentPart.objects.filter(content_id=content_id, number=number).values_list("data", flat=True).first()
    return b"" if part is None else bytes(part)


def _is_sayable(address: str) -> bool:
    """Nothing that could end a path or a command."""
    if not address:
        return True
    local, _, host = address.rpartition("@")
    if local.startswith('"') and local.endswith('"'):
        local = local.replace(" ", "").replace("<", "").replace(">", "")
    text = local + host
    return bool(host) and text.isprintable() and not any(character in "<> " for character in text)
