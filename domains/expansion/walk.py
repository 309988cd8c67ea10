"""Going the way of a message, level by level, with a constant number of queries per level.

Plain rows and no model instances, because a group of 10,000 is asked for at every message. Cycles, depth and size are
cut and shown.
"""

from __future__ import annotations

import gc
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, repeat
from typing import Any, NamedTuple

from accounts.addresses import MailAddress, parse_address
from accounts.errors import BadAddress as BadAccountAddress
from accounts.scopes import EVERYWHERE, Reach
from domains.errors import BadAddress
from domains.expansion import rows
from domains.expansion.rows import Claim, ClaimRow, Edge, Place
from domains.expansion.words import NO_PARENT, Delivery, Expansion, How, Outcome, Step
from domains.models import Address, Domain, Status

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
REFUSE = Domain.Unknown.REFUSE.value


def expand(text: str, sender: str | None = None, *, reach: Reach = EVERYWHERE, through_lists: bool = True) -> Expansion:
    """Where a message to `text` goes, from `sender` ("" or None: somebody who may send to all of it).

    reach: the addresses that whoever asks may see; others are named and not followed. Not through_lists: a message
    ends at a mailing list, which distributes it itself. Raises: BadAddress.
    """
    asked = _parsed(text, "email")
    by = _parsed(sender, "sender") if sender else None
    with _uncollected():
        return _Walk(asked, by, reach, through_lists).run()


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


_step, _delivery = partial(tuple.__new__, Step), partial(tuple.__new__, Delivery)
PLAIN = Claim(0, "", MAILBOX, True, False, 0, ANYONE, 0)  # what is known of a mailbox that comes the short way


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

    def __init__(
        self, asked: MailAddress, sender: MailAddress | None, reach: Reach, through_lists: bool = True
    ) -> None:
        self.asked, self.sender, self.reach, self.through_lists = asked, sender, reach, through_lists
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
        edges = rows.edges_of(list(ahead.values())) if ahead else rows.Edges({}, [])
        texts = rows.claims_by_text(set(catch_alls.values())) if catch_alls else {}
        of_claims = {row[7] for _edge, row in edges.others if row is not None}
        self.learn_ids(of_claims | {claim.domain_id for claim in texts.values()})
        unclaimed = [edge[1] for edge, _row in edges.others if edge[2] is None]
        unclaimed += [email for email in catch_alls.values() if email not in texts]
        hosts = {email.rpartition("@")[2] for email in chain(unclaimed, *edges.plain.values())}
        self.learn_names(hosts)
        closed = {host for host in hosts if (place := self.by_name[host]) is None or place.id not in self.open}
        for number, email in catch_alls.items():
            claim = texts.get(email)
            place = self.places.get(claim.domain_id) if claim else self.by_name[email.rpartition("@")[2]]
            self.arrive(Arrival(number, level, email, How.CATCH_ALL.value, claim, place))
        others: dict[int, list[tuple[Edge, ClaimRow | None]]] = {}
        for edge, row in edges.others:
            others.setdefault(edge[0], []).append((edge, row))
        for number, claim in sorted(ahead.items(), key=lambda item: item[1].id):
            plain, more = edges.plain.get(claim.id, []), others.get(claim.id, [])
            if closed:
                shut = [text for text in plain if text.rpartition("@")[2] in closed]
                plain = [text for text in plain if text.rpartition("@")[2] not in closed]
                more += (self.as_other(claim.id, text) for text in shut)
            self.go(number, level, claim, sorted(plain), more)

    def as_other(self, source: int, text: str) -> tuple[Edge, ClaimRow]:
        """A mailbox of a domain that takes nothing, or that isn't to be seen."""
        place = self.by_name[text.rpartition("@")[2]]
        domain_id = place.id if place else 0
        return (source, text, None, ""), (0, text, MAILBOX, True, False, 0, ANYONE, domain_id)

    def go(
        self,
        number: int,
        level: int,
        source: Claim,
        plain: list[str],
        others: list[tuple[Edge, ClaimRow | None]],
    ) -> None:
        """Along all edges of one address, in the order of the addresses."""
        how = _HOW[source.kind]
        done = 0
        for edge, row in sorted(others, key=lambda other: other[0][1]):
            ahead = bisect(plain, edge[1], lo=done)
            self.deliver_plain(number, level, how, plain[done:ahead])
            done = ahead
            if row is None:
                place = self.by_name[edge[1].rpartition("@")[2]]
                self.arrive(Arrival(number, level, edge[1], how, None, place, edge[3]))
            else:
                claim = Claim._make(row)
                self.arrive(Arrival(number, level, claim.text, how, claim, self.places.get(claim.domain_id), edge[3]))
        self.deliver_plain(number, level, how, plain[done:])

    def deliver_plain(self, number: int, level: int, how: str, texts: Sequence[str]) -> None:
        """To mailboxes in use that forward nothing, each named once: what most of a large group are."""
        steps = self.found.steps
        here = len(steps)
        if here + len(texts) > MAX_STEPS or not self.arrived.keys().isdisjoint(texts):
            for text in texts:
                self.deliver_one(Arrival(number, level, text, how, PLAIN, None))
            return
        numbers = range(here, here + len(texts))
        self.arrived.update(zip(texts, numbers, strict=True))
        # without a call of Python's for each: tuple.__new__ makes the rows
        same = map(repeat, (how, DELIVERED, MAILBOX, None))
        steps.extend(map(_step, zip(numbers, repeat(number), repeat(level), texts, *same, strict=False)))
        self.found.deliveries.extend(map(_delivery, zip(texts, repeat(DELIVERED), numbers, strict=False)))

    def deliver_one(self, at: Arrival) -> None:
        if len(self.found.steps) < MAX_STEPS:
            self.deliver(at, DELIVERED)
        elif self.found.steps[-1].outcome != Outcome.TOO_MANY:
            self.step(at, Outcome.TOO_MANY)

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
        elif claim.kind == LIST and not self.through_lists:
            self.deliver(at, Outcome.DELIVERED)
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
            if place.unknown_recipients == REFUSE:
                self.step(at, Outcome.UNKNOWN_ADDRESS)
            else:
                self.deliver(at, Outcome.BEHIND)
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
        """The end of a way: noted once, however many ways lead to it, and by its own name."""
        email: str = (at.data or {}).get("alias_of", at.email)
        first = self.arrived.get(email)
        if first is not None:
            return self.step(at, Outcome.REPEATED, {"step": first})
        if at.mode not in ("", "feed"):
            outcome, told = Outcome.LATER, {**(told or {}), "mode": at.mode}
        number = self.step(at, outcome, told)
        self.arrived[email] = number
        self.found.deliveries.append(Delivery(email, outcome, number))
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
