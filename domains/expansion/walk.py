"""Going the way of a message, level by level, with a constant number of queries per level.

Plain rows and no model instances, because a group of 10,000 is asked for at every message. Cycles, depth and size are
cut and shown.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from accounts.addresses import MailAddress, parse_address
from accounts.errors import BadAddress as BadAccountAddress
from accounts.scopes import EVERYWHERE, Reach
from domains.errors import BadAddress
from domains.expansion import rows
from domains.expansion.rows import Claim, ClaimRow, Place
from domains.expansion.words import NO_PARENT, Delivery, Expansion, How, Outcome, Step
from domains.models import Address, Status

MAX_DEPTH = 20
MAX_STEPS = 200_000
MAILED = ("", "feed", "digest", "index")  # modes of subscribers who get something

_HOW = {
    Address.Kind.ALIAS.value: How.ALIAS.value,
    Address.Kind.GROUP.value: How.MEMBER.value,
    Address.Kind.LIST.value: How.SUBSCRIBER.value,
    Address.Kind.FORWARD.value: How.FORWARDED.value,
    Address.Kind.MAILBOX.value: How.FORWARDED.value,
}
_CLOSED = {
    Status.DISABLED.value: Outcome.DOMAIN_DISABLED.value,
    Status.PENDING.value: Outcome.DOMAIN_PENDING.value,
    Status.DELETED.value: Outcome.DOMAIN_DELETED.value,
    Status.PURGED.value: Outcome.DOMAIN_DELETED.value,
}
_ASLEEP = {Status.PENDING.value: Outcome.PENDING.value, Status.DELETED.value: Outcome.DELETED.value}
# plain text: a member of an enumeration costs a lookup in each of ten thousand rounds
MAILBOX, LIST, ENABLED = Address.Kind.MAILBOX.value, Address.Kind.LIST.value, Status.ENABLED.value
ANYONE, DELIVERED = Address.Senders.ANYONE.value, Outcome.DELIVERED.value


def expand(text: str, sender: str | None = None, *, reach: Reach = EVERYWHERE) -> Expansion:
    """Where a message to `text` goes, from `sender` ("" or None: somebody who may send to all of it).

    reach: the addresses that whoever asks may see; others are named and not followed. Raises: BadAddress.
    """
    asked = _parsed(text, "email")
    by = _parsed(sender, "sender") if sender else None
    with _uncollected():
        return _Walk(asked, by, reach).run()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Ten thousand new rows set the garbage collector going, which looks through the whole process, and find none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parsed(text: str, field: str) -> MailAddress:
    try:
        return parse_address(text)
    except BadAccountAddress as error:
        raise BadAddress(str(error), field=field) from error


class Arrival(NamedTuple):
    """An address that a message comes to: from where, and what is known of it."""

    parent: int
    level: int
    email: str
    how: str
    claim: Claim | None
    place: Place | None
    mode: str = ""
    data: dict[str, Any] | None = None


class _Walk:
    """One expansion on its way: what was seen, and what stands on the level to come."""

    def __init__(self, asked: MailAddress, sender: MailAddress | None, reach: Reach) -> None:
        self.asked, self.sender, self.reach = asked, sender, reach
        self.found = Expansion(str(asked), str(sender or ""))
        self.places: dict[int, Place] = {}
        self.open: set[int] = set()  # the domains in service that may be seen
        self.by_name: dict[str, Place | None] = {}
        self.first: dict[int, int] = {}  # claim -> the step where it first came by
        self.arrived: dict[str, int] = {}  # delivery -> its step
        self.caught: set[str] = set()
        self.ahead: dict[int, Claim] = {}  # step -> claim to go on from
        self.catch_alls: dict[int, str] = {}  # step -> the address that catches
        self.asleep: dict[int, int] = {}  # step of a mailbox that isn't enabled -> claim

    def run(self) -> Expansion:
        names = [self.asked.domain, *([self.sender.domain] if self.sender else [])]
        self.learn_names(names)
        place = self.by_name[self.asked.domain]
        if place is None or not self.is_seen(place):
            self.step(Arrival(NO_PARENT, 0, self.found.email, How.ASKED, None, None), Outcome.UNKNOWN_DOMAIN)
            return self.found
        own = f"{self.asked.local}@{place.name}"
        data = None if own == self.found.email else {"alias_of": own}
        claim = rows.claims_by_text([own]).get(own)
        self.arrive(Arrival(NO_PARENT, 0, self.found.email, How.ASKED, claim, place, data=data))
        level = 1
        while self.ahead or self.catch_alls:
            self.next_level(level)
            level += 1
        self.say_what_sleeps()
        return self.found

    # --- one level ---

    def next_level(self, level: int) -> None:
        ahead, catch_alls = self.ahead, self.catch_alls
        self.ahead, self.catch_alls = {}, {}
        if level > MAX_DEPTH:
            for number in (*ahead, *catch_alls):
                self.say(number, Outcome.TOO_DEEP)
            return
        self.refuse_senders(ahead)
        edges = rows.edges_of(list(ahead.values())) if ahead else []
        texts = rows.claims_by_text(set(catch_alls.values())) if catch_alls else {}
        of_claims = {row[7] for _edge, row in edges if row is not None}
        self.learn_ids(of_claims | {claim.domain_id for claim in texts.values()})
        unclaimed = [edge[1] for edge, _row in edges if edge[2] is None]
        unclaimed += [email for email in catch_alls.values() if email not in texts]
        self.learn_names({email.rpartition("@")[2] for email in unclaimed})
        for number, email in catch_alls.items():
            self.come(number, level, How.CATCH_ALL.value, email, texts.get(email), "")
        going = {claim.id: (number, _HOW[claim.kind]) for number, claim in ahead.items()}
        for edge, row in edges:
            number, how = going[edge[0]]
            self.come(number, level, how, edge[1], row, edge[3])

    def come(self, number: int, level: int, how: str, email: str, row: ClaimRow | None, mode: str) -> None:
        """Go along one edge. What most of a large group are, mailboxes that keep what they get, goes the short way."""
        if row is None:
            place = self.by_name[email.rpartition("@")[2]]
            self.arrive(Arrival(number, level, email, how, None, place, mode))
            return
        id, text, kind, is_enabled, _keep, recipients, _senders, domain_id = row
        steps = self.found.steps
        plain = is_enabled and kind == MAILBOX and not recipients and not mode and domain_id in self.open
        if plain and id not in self.first and text not in self.arrived and len(steps) < MAX_STEPS:
            here = len(steps)
            self.first[id] = self.arrived[text] = here
            steps.append(Step(here, number, level, text, how, DELIVERED, kind))
            self.found.deliveries.append(Delivery(text, DELIVERED, here))
        else:
            self.arrive(Arrival(number, level, text, how, Claim._make(row), self.places.get(domain_id), mode))

    def arrive(self, at: Arrival) -> None:
        """An address has come by: say what becomes of it, and put what it stands for on the next level."""
        steps = self.found.steps
        if len(steps) >= MAX_STEPS:
            if steps[-1].outcome != Outcome.TOO_MANY:
                self.step(at, Outcome.TOO_MANY)
        elif at.mode not in MAILED:
            self.step(at, Outcome.NO_MAIL, {"mode": at.mode})
        elif at.place is None:
            self.deliver(at, Outcome.EXTERNAL)
        elif not self.is_seen(at.place):
            self.deliver(at._replace(claim=None, mode=""), Outcome.BEYOND)
        elif at.place.suspended or at.place.status != ENABLED:
            closed = Outcome.DOMAIN_DISABLED if at.place.suspended else _CLOSED[at.place.status]
            self.step(at, closed)
        elif at.claim is None:
            self.unclaimed(at, at.place)
        else:
            self.claimed(at, at.claim)

    def claimed(self, at: Arrival, claim: Claim) -> None:
        seen = self.first.setdefault(claim.id, len(self.found.steps))
        if seen != len(self.found.steps):
            outcome = Outcome.CYCLE if self.is_above(at.parent, seen) else Outcome.REPEATED
            self.step(at, outcome, {"step": seen})
        elif not claim.is_enabled:
            number = self.step(at, Outcome.DISABLED)
            if claim.kind == MAILBOX:
                self.asleep[number] = claim.id
        elif claim.kind == MAILBOX:
            self.mailbox(at, claim)
        elif claim.kind != LIST and not claim.recipients:
            self.step(at, Outcome.EMPTY)
        else:
            told = None if claim.senders == ANYONE else {"senders": claim.senders}
            self.ahead[self.step(at, Outcome.EXPANDED, told)] = claim

    def mailbox(self, at: Arrival, claim: Claim) -> None:
        if not claim.recipients:
            self.deliver(at, Outcome.DELIVERED)
            return
        told = {"forwards": claim.recipients}
        keeps = claim.keep_copy
        self.ahead[self.deliver(at, Outcome.DELIVERED, told) if keeps else self.step(at, Outcome.FORWARDED, told)] = (
            claim
        )

    def unclaimed(self, at: Arrival, place: Place) -> None:
        if not place.catch_all or at.email == place.catch_all or at.how == How.CATCH_ALL:
            self.step(at, Outcome.UNKNOWN_ADDRESS)
        elif at.email in self.caught:
            self.step(at, Outcome.REPEATED)
        else:
            self.caught.add(at.email)
            self.catch_alls[self.step(at, Outcome.CAUGHT)] = place.catch_all

    # --- writing down ---

    def step(self, at: Arrival, outcome: str, told: dict[str, Any] | None = None) -> int:
        steps = self.found.steps
        number = len(steps)
        kind = "" if at.claim is None else at.claim.kind
        data = {**(at.data or {}), **(told or {})} if at.data or told else None
        steps.append(Step(number, at.parent, at.level, at.email, at.how, outcome, kind, data))
        return number

    def deliver(self, at: Arrival, outcome: str, told: dict[str, Any] | None = None) -> int:
        """The end of a way: noted once, however many ways lead to it."""
        first = self.arrived.get(at.email)
        if first is not None:
            return self.step(at, Outcome.REPEATED, {"step": first})
        if at.mode not in ("", "feed"):
            outcome, told = Outcome.LATER, {**(told or {}), "mode": at.mode}
        number = self.step(at, outcome, told)
        self.arrived[at.email] = number
        self.found.deliveries.append(Delivery(at.email, outcome, number))
        return number

    def say(self, number: int, outcome: str, told: dict[str, Any] | None = None) -> None:
        """Say something else of a step than was thought at first."""
        step = self.found.steps[number]
        self.found.steps[number] = step._replace(outcome=outcome, data={**(step.data or {}), **(told or {})} or None)

    def is_above(self, number: int, wanted: int) -> bool:
        """Whether a step is on the way that leads to this one."""
        while number > wanted:
            number = self.found.steps[number].parent
        return number == wanted

    # --- who may see, who may send ---

    def is_seen(self, place: Place) -> bool:
        reach = self.reach
        return reach.everything or place.id in reach.domains or place.customer_id in reach.customers

    def refuse_senders(self, ahead: dict[int, Claim]) -> None:
        """Take those away that don't let this sender in; without a sender everybody is let in."""
        narrow = {number: claim for number, claim in ahead.items() if claim.senders != ANYONE}
        if not narrow or self.sender is None:
            return
        allowed = self.letting_in({claim.id: claim for claim in narrow.values()}, self.sender)
        for number, claim in narrow.items():
            if claim.id not in allowed:
                self.say(number, Outcome.SENDER_REFUSED)
                del ahead[number]

    def letting_in(self, narrow: Mapping[int, Claim], sender: MailAddress) -> set[int]:
        place = self.by_name[sender.domain]
        if place is not None and not self.is_seen(place):
            place = None  # what else a sender of others is called isn't told by who lets them in
        own = f"{sender.local}@{place.name}" if place else str(sender)
        names = [own, str(sender)]
        by = {kind: [key for key, claim in narrow.items() if claim.senders == kind] for kind in Address.Senders.values}
        allowed = {key for key in by["domain"] if place is not None and narrow[key].domain_id == place.id}
        if by["members"]:
            is_ours = place is not None or self.by_name[sender.domain] is None
            allowed |= rows.having_member(by["members"], names, aliases=names if is_ours else ())
        if by["listed"]:
            domains = [f"@{sender.domain}", *([f"@{place.name}"] if place else [])]
            allowed |= rows.listing_sender(by["listed"], [*names, *domains])
        return allowed

    def say_what_sleeps(self) -> None:
        """Of a mailbox that takes nothing: whether it is disabled, pending or deleted."""
        states = rows.mailbox_states(self.asleep.values()) if self.asleep else {}
        for number, claim_id in self.asleep.items():
            outcome = _ASLEEP.get(states.get(claim_id, ""))
            if outcome:
                self.say(number, outcome)

    # --- what is known of domains ---

    def learn_ids(self, ids: set[int]) -> None:
        missing = ids - self.places.keys()
        if missing:
            self.keep(rows.places_by_id(missing).values())

    def keep(self, places: Iterable[Place]) -> None:
        for place in places:
            self.places[place.id] = place
            if place.status == ENABLED and not place.suspended and self.is_seen(place):
                self.open.add(place.id)

    def learn_names(self, names: Iterable[str]) -> None:
        missing = set(names) - self.by_name.keys()
        if missing:
            self.by_name.update(dict.fromkeys(missing))
            found = rows.places_by_name(missing)
            self.by_name.update(found)
            self.keep(found.values())
