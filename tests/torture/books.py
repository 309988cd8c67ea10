"""What a gateway under torture is told, and its books: what its rows and stores say became of each message.

In the test's own process, or as `fork(environment, "tests.torture.books", "serve", port)` in a house's. Not for what
senders and the sink know (`mail_load`); `account` compares the two.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError, connections

from accounts.actors import Actor
from archive import engines
from archive.models import Store
from archive.owners import passing
from domains.models import Mailbox, SenderRule
from domains.services import policies, relays
from gateway.models import Kept, Message, QueueItem, QueueSettings, Recipient, RepositoryItem, Step
from gateway.queue import adding
from gateway.queue.settings import forget
from gateway.queue.storing import REFUSED
from tests.domains.factories import make_domain, make_mailbox_in
from tests.torture.mail_load import PICKY

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Books:
    """recipients: (number of the message, address, state). kept: (number, folder, state, what is wrong with the copy).

    in_stores: copies in the stores, and how many there should be. possible_duplicates: deliveries that may have come.
    """

    recipients: list[tuple[int, str, str]]
    messages: int
    refused: int
    possible_duplicates: int
    kept: list[tuple[int, str, str, str]]
    in_stores: tuple[int, int]


def serve(port: int) -> None:
    """Two domains behind the sink at this port: one keeps what is blocked and all else for a while, one refuses."""
    system = Actor.system()
    values = {"name": "in", "transport_dest": "127.0.0.1", "transport_type": "SMTP", "transport_port": port}
    domain, picky = make_domain("example.org"), make_domain(PICKY.partition("@")[2])
    for each in (domain, picky):
        relays.create_relay(system, each, values)
    assert domain.default_policy is not None
    kept = {
        "quarantine": True,
        "quarantine_props.store_blacklisted": True,
        "retention": True,
        "spam_score": 1000.0,
        "relay_props.spam_score_limit": 1000.0,
    }
    policies.update_policy(system, domain.default_policy, kept)
    for name in ("ada", "gone"):
        make_mailbox_in(domain, name)
    make_mailbox_in(picky, PICKY.partition("@")[0])
    for place, blocked in ((domain, "evil.example"), (picky, "evil.example"), (picky, "friends.example")):
        SenderRule.objects.create(domain=place, value=blocked, type=SenderRule.Type.BLOCK)
    QueueSettings.objects.update_or_create(defaults={"first_retry_s": 1, "longest_retry_s": 1})
    forget()


def waiting() -> dict[str, int]:
    """How many wait to leave (they are tried now) and to be kept, by why; empty once nothing waits any more.

    Raises: DatabaseError.
    """
    QueueItem.objects.filter(claimed_until=None).update(next_at=LONG_AGO)
    adding.notify()
    problems = Kept.objects.filter(state=Kept.State.WAITING).values_list("problem", flat=True)
    return Counter([*("queued" for _item in QueueItem.objects.all()), *(f"to be kept: {why}" for why in problems)])


def is_settled() -> bool:
    try:
        return not waiting()
    except (DatabaseError, InterfaceError):
        connections.close_all()
        return False


def read() -> Books:
    rows = Recipient.objects.values_list("message__message_id", "address", "state")
    return Books(
        recipients=[(_number(message_id), address, state) for message_id, address, state in rows],
        messages=Message.objects.count(),
        refused=RepositoryItem.objects.filter(recipient__address=PICKY, repository__name=REFUSED).count(),
        possible_duplicates=Step.objects.filter(data__possible_duplicate=True).count(),
        kept=[_copy(row) for row in Kept.objects.select_related("recipient__message").order_by("pk")],
        in_stores=(_placed(), _to_be_placed()),
    )


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _copy(row: Kept) -> tuple[int, str, str, str]:
    number = _number(row.recipient.message.message_id)
    return number, row.folder, row.state, _wrong_with(row, number)


def _wrong_with(row: Kept, number: int) -> str:
    if row.store_id is None or row.number is None or row.sha256 is None:
        return row.problem or "it is in no store"
    raw = engines.open_store(Store.objects.get(pk=row.store_id)).read(row.number)
    if hashlib.sha256(raw).digest() != bytes(row.sha256):
        return "the store has other bytes than were put in"
    return "" if f"\r\nSubject: n{number}.\r\n".encode() in raw else "it is another message"


def _placed() -> int:
    opened = [engines.open_store(store) for store in Store.objects.all()]
    for each in opened:
        each.refresh()
    owners = [passing(pk) for pk in Mailbox.objects.values_list("pk", flat=True)]
    return sum(folder.messages for store in opened for owner in owners for folder in store.folders(owner))


def _to_be_placed() -> int:
    """The same bytes twice for one mailbox are one copy."""
    rows = Kept.objects.exclude(sha256=None).values_list("mailbox", "folder", "sha256")
    return len({(mailbox, folder, bytes(digest or b"")) for mailbox, folder, digest in rows})


def account(accepted: dict[int, str], unheard: int, arrived: Counter[int], books: Books) -> None:
    """That each 250 is accounted for, exactly.

    accepted: recipient by number. unheard: answers that were lost on their way. arrived: at the sink, by number.
    """
    states: dict[int, list[str]] = {}
    refused: list[str] = []
    for number, address, state in books.recipients:
        (refused if address == PICKY else states.setdefault(number, [])).append(state)
    assert states.keys() == accepted.keys()
    for number, to in accepted.items():
        wanted = {"held"} if number % 3 == 0 else {"bounced", "stored"} if to.startswith("gone") else {"delivered"}
        assert set(states[number]) <= wanted, (number, states[number])
    # what is refused for one of two, whose sender nothing proves, lies in a repository, once for each message
    asked = sum(len(found) for number, found in states.items() if number % 7 == 0)
    assert refused == ["stored"] * asked and asked
    assert books.refused == asked
    # a message is there twice only where its sender didn't hear the answer and came again
    assert books.messages - len(accepted) <= unheard
    delivered = Counter({number: each.count("delivered") for number, each in states.items() if "delivered" in each})
    assert arrived.keys() == delivered.keys(), "what isn't there is lost, what is there besides was never delivered"
    twice = arrived.total() - delivered.total()
    assert 0 <= twice <= books.possible_duplicates
    assert all(arrived[number] >= count for number, count in delivered.items())
    _account_for_kept(states, books)


def _account_for_kept(states: dict[int, list[str]], books: Books) -> None:
    """What is kept is in a store, once for each recipient and no more, with the bytes that came."""
    wanted = Counter[tuple[int, str]]()
    for number, found in states.items():
        wanted[number, "Quarantine" if number % 3 == 0 else "Retention"] = len(found)
    assert Counter((number, folder) for number, folder, _state, _wrong in books.kept) == wanted
    assert {(state, wrong) for _number, _folder, state, wrong in books.kept} == {("kept", "")}
    placed, to_be_placed = books.in_stores
    assert placed == to_be_placed


def main(what: str, *arguments: str) -> None:
    import django

    django.setup()
    if what == "serve":
        serve(int(arguments[0]))
    elif what == "waiting":
        print(json.dumps(waiting()))
    elif what == "read":
        print(json.dumps(dataclasses.asdict(read())))


if __name__ == "__main__":
    main(*sys.argv[1:])
