"""Behind a Postfix that hands over what it has taken already (`Door.FILTER`): where its recipients lead, and what is
against them.

    in_front.may_go(found)                      # the answer to a RCPT: hardly ever no
    incoming = in_front.with_refusals(incoming) # what other doors would have said to a RCPT stands with the recipient
    routes, direction, answer = in_front.routes_of(incoming)

Postfix would send a bounce to whoever is said to have written, so nothing is refused to it. What the directory knows is
followed as at every door: aliases, groups, forwards, lists; everything goes back to Postfix (`filter_next`). What it
doesn't know goes back as it came, for Postfix knows addresses of its own. Why so: docs/decisions/0051.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.conf import settings

from domains.policy.facts import Direction
from gateway.flow import OK, Answer, Asked, Incoming, Route, Ways
from gateway.resolving import (
    BAD_ADDRESS,
    MAY_NOT_SEND,
    UNKNOWN,
    Resolved,
    Sender,
    address_of,
    outgoing_route,
    resolve,
    sender_of,
)

NO_WAY_BACK = Answer(451, "4.3.5", "Nobody has said where filtered mail goes back to; try again later")


def may_go(found: Resolved) -> Answer:
    """What to say to a RCPT: Postfix keeps what isn't in use yet, and hears of an address that none is."""
    refusal = found.refusal
    if refusal is not None and (refusal is BAD_ADDRESS or refusal.code < 500):
        return refusal
    return OK


def with_refusals(incoming: Incoming) -> Incoming:
    """With the reason on each recipient that another door would have refused. Raises: DatabaseError."""
    sender = incoming.sender.address
    # who signed in writes to others as themselves; who Postfix else lets send to others is its own business
    is_somebody_else = incoming.client.user_id is not None and sender_of(incoming.client, sender) is None
    return replace(
        incoming, recipients=tuple(_with_refusal(asked, sender, is_somebody_else) for asked in incoming.recipients)
    )


def _with_refusal(asked: Asked, sender: str, is_somebody_else: bool) -> Asked:
    found = resolve(asked.address, sender)
    refusal = MAY_NOT_SEND if is_somebody_else and not found.is_ours else found.refusal if found.is_ours else None
    if asked.refusal or refusal is None or refusal is UNKNOWN:
        return asked
    return replace(asked, refusal=refusal.text)


def routes_of(incoming: Incoming) -> tuple[tuple[Route, ...], Direction, Answer | None]:
    """As `intake.routes_of`, of a message whose recipients have their refusals. Raises: DatabaseError."""
    back = settings.GATEWAY.filter_next
    if not back:
        return (), Direction.INCOMING, NO_WAY_BACK
    client, sender = incoming.client, incoming.sender.address
    own = sender_of(client, sender)
    writer = sender_of(client, "") if own is None and client.user_id is not None else own
    routes: dict[tuple[str, Direction], Route] = {}
    for asked in incoming.recipients:
        for route in _routes(asked, own, writer, sender):
            transport = "" if route.ends is Ways.LIST else back
            made = replace(route, asked=asked.address, transport=transport, return_path=route.return_path or sender)
            routes.setdefault((made.address, made.direction), made)
    is_out = any(route.direction is Direction.OUTGOING for route in routes.values())
    return tuple(routes.values()), Direction.OUTGOING if is_out else Direction.INCOMING, None


def _routes(asked: Asked, own: Sender | None, writer: Sender | None, sender: str) -> Iterator[Route]:
    """The sender's row, and those of recipients of ours; of what is refused one alone, which is told of or kept."""
    found = resolve(asked.address, sender)
    if own is not None:
        route = outgoing_route(asked.address, own, sender)
        yield replace(route, ends=Ways.HERE) if found.is_ours and not asked.refusal else route
        if not found.is_ours or asked.refusal:
            return
    elif writer is not None and not found.is_ours:
        # told of it is who signed in, not whom they name
        yield outgoing_route(asked.address, writer, address_of(writer))
        return
    if asked.refusal or not found.routes:
        yield _as_named(asked, found)
    else:
        yield from found.routes


def _as_named(asked: Asked, found: Resolved) -> Route:
    """To the address that Postfix named, judged by the policy of who it is."""
    box = _mailbox_of(found)
    if box is not None:
        return replace(box, address=asked.address)
    return Route(
        asked=asked.address,
        address=asked.address,
        ends=Ways.EXTERNAL,
        direction=Direction.INCOMING,
        domain_id=found.domain_id,
        customer_id=found.customer_id,
        way=(asked.address,),
    )


def _mailbox_of(found: Resolved) -> Route | None:
    """The route of whose address it is: all others there may be pass through it, as forwards do."""
    boxes = (route for route in found.routes if route.ends is Ways.MAILBOX)
    return next((box for box in boxes if all(box.address in route.way for route in found.routes)), None)
