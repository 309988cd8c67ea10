"""What is sent to the other addresses of a list: subscribe, unsubscribe, confirm, request, bounces.

Nobody is put on or off a list because a message says so: whoever the sender is said to be gets a link to confirm.
Programs are never answered, nor senders who aren't proved.
"""

from __future__ import annotations

import re
from contextlib import suppress

from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import BadAddress
from domains.errors import DomainsError
from domains.models import MailingList, Subscriber
from domains.services.lists import subscribing
from gateway.bounces.deciding import is_genuine
from gateway.lists import addresses, bouncing, deciding, notices
from gateway.models import ListPosting

_AUTOMATIC = re.compile(
    rb"^(?:auto-submitted:\s*(?!no\b)\S|precedence:\s*(?:bulk|junk)|x-auto-response-suppress:)", re.M
)
_WORD = re.compile(rb"^(?:subject:\s*)?(help|info|subscribe|join|unsubscribe|leave)\b", re.I | re.M)


def is_automatic(head: bytes) -> bool:
    """Whether a program wrote it. head: in lower case."""
    return _AUTOMATIC.search(head) is not None


def carry_out(row: ListPosting, raw: bytes) -> None:
    found, sender = row.list, row.message.sender
    if row.command == "bounces":
        if not sender:
            bouncing.note_report(found, row.argument, raw)
        return
    head, _blank, body = raw.partition(b"\r\n\r\n")
    if not sender or is_automatic(head.lower()):
        return
    command = row.command
    if command == "confirm":
        confirm(found, row.argument)
        return
    if command == "unsubscribe" and row.argument:  # with a proof at once, without one by a link
        leave(found, row.argument)
        return
    if not is_genuine(row.message, sender):
        return
    if command == "request":
        word = _WORD.search(head) or _WORD.search(body[:500])
        command = {b"subscribe": "subscribe", b"join": "subscribe", b"unsubscribe": "unsubscribe",
                   b"leave": "unsubscribe"}.get(word[1].lower() if word else b"", "help")  # fmt: skip
    match command:
        case "subscribe":
            subscribe(found, sender)
        case "unsubscribe":
            unsubscribe(found, sender)
        case _:
            notices.send_help(found, sender)


def subscribe(found: MailingList, sender: str) -> None:
    """A link to confirm, to the address itself; nothing where there is nothing to confirm."""
    try:
        token = subscribing.ask_to_subscribe(found, sender)
    except (DomainsError, BadAddress):
        return
    if token is not None:
        notices.send_confirmation(found, sender, token)


def unsubscribe(found: MailingList, sender: str) -> None:
    """A link to leave by, to the address itself."""
    who = deciding.subscriber_named(found, sender)
    if who is not None:
        notices.send_leave_link(found, who)


def leave(found: MailingList, argument: str) -> Subscriber | None:
    """Who leaves by this proof; None where it is none, or they have left already."""
    number = addresses.subscriber_of(found.pk, argument, "leave")
    rows = Subscriber.objects.select_related("list__address", "list__owner", "target")
    row = None if number is None else rows.filter(pk=number, list=found).first()
    if row is not None and row.mode != Subscriber.Mode.BANNED:
        subscribing.leave(Actor.system(), row)
    return row


def confirm(found: MailingList, argument: str) -> None:
    """Who answered the question whether they want to be on the list; a proof of another request does nothing."""
    number = addresses.number_in(argument)
    rows = Subscriber.objects.select_related("list__address__domain", "list__owner")
    row = None if number is None else rows.filter(pk=number, list=found, confirm_until__gt=timezone.now()).first()
    if row is None or addresses.subscriber_of(found.pk, argument, addresses.request_of(row.confirm_hash)) is None:
        return
    with suppress(subscribing.NoRequest):
        subscribing.confirm_request(row)
