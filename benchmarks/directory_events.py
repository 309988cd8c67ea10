"""The audit events that the services would have left of an invented directory. Not for its own rows.

One event for a domain, two for a person, two for each other address (and one more for each thousand members).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from accounts.actors import Actor
from accounts.models import AuditEvent
from benchmarks.bulk import next_id, rows
from domains.models import Address
from domains.services.recipients import PER_EVENT

if TYPE_CHECKING:
    from benchmarks.directory_data import Writer

COLUMNS = ("at", "action", "object_type", "object_id", "object_label", "details")
SCOPES = ("domain_id", "customer_id", "about_user_id")


class Event(NamedTuple):
    """One event; `home` are the domain, customer and person it belongs to."""

    actor: Actor
    at: dt.datetime
    action: str
    kind: str
    key: int
    label: str
    details: dict[str, Any]
    home: tuple[int | None, int | None, int | None]


def write_events(writer: Writer) -> None:
    """All of them, domain by domain."""
    numbers = count(next_id(AuditEvent))
    with rows(AuditEvent, "id", "actor_label", "via", *COLUMNS, *SCOPES) as write:
        for event in _events(writer):
            who = (event.actor.label, event.actor.via)
            what = (event.at, event.action, event.kind, str(event.key), event.label, event.details)
            write(next(numbers), *who, *what, *event.home)


def _events(writer: Writer) -> Iterator[Event]:
    console, system = Actor.console(), Actor.system()
    for domain in writer.directory.domains:
        first = writer.first_person[domain.number]
        at, made = writer.at(domain), writer.made(first)
        key, customer = writer.domain + domain.number, writer.customer + domain.customer
        home = (key, customer, None)
        yield Event(console, made, "domain.create", "domains.domain", key, at[1:], {}, home)
        mailboxes = {}
        for number, person in enumerate(writer.persons[domain.number], first):
            email, when = person.local + at, writer.made(number)
            mailbox, whose = writer.mailbox + number, (key, customer, writer.user + number)
            mailboxes[email] = (mailbox, whose)
            yield Event(system, when, "user.create", "accounts.user", whose[2], email, {"administrator": False}, whose)
            status = {"status": person.status}
            yield Event(console, when, "mailbox.create", "domains.mailbox", mailbox, email, status, whose)
        for number, other in enumerate(writer.others[domain.number], writer.first_other[domain.number]):
            text = other.local + at
            if other.kind == Address.Kind.ALIAS:
                target, whose = mailboxes[other.recipients[0]]
                details = {"mailbox": other.recipients[0]}
                yield Event(console, made, "alias.create", "domains.address", number, text, details, home)
                told = {"alias": text}
                address = other.recipients[0]
                yield Event(console, made, "mailbox.add_alias", "domains.mailbox", target, address, told, whose)
                continue
            is_group = other.kind == Address.Kind.GROUP
            details = {"senders": Address.Senders.ANYONE.value} if is_group else {}
            yield Event(console, made, f"{other.kind.value}.create", "domains.address", number, text, details, home)
            verb = "add_members" if is_group else "add_targets"
            for start in range(0, len(other.recipients), PER_EVENT):
                part = other.recipients[start : start + PER_EVENT]
                told_all = {"count": len(part), "emails": part}
                action = f"{other.kind.value}.{verb}"
                yield Event(console, made, action, "domains.address", number, text, told_all, home)
