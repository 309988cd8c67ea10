"""What other retention policies would mean, in numbers, before they are set: nothing changes.

Read from the catalogues, and words from the indexes, so that a million messages take seconds; where an index is behind
its store, that is said. What is set or deleted in the end is decided on the messages themselves (`retention_dates`).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from archive import engines
from archive import store as engine
from archive.errors import StoreUnavailable
from archive.keeping import dates
from archive.keeping.dates import Reference
from archive.keeping.policies import Archive, Policy, decide, deciding
from archive.models import BLOCK, Compliance, LegalHold, RetentionBlock, Store
from archive.owners import is_passing, passing
from archive.query.errors import QueryError
from archive.query.nodes import All, Node
from archive.selectors import open_stores
from archive.services.holds import hold_node
from archive.store.errors import StoreError

MONTHS_SHOWN = 24
MAILBOXES_SHOWN = 20


@dataclass
class Preview:
    """What would be so with other policies.

    by_month: ("2027-03", how many fall due in it) for those that don't yet; by_mailbox: (address, how many fall due at
    once). behind, silent: stores whose index is behind, or that don't answer, so that numbers may lack theirs.
    """

    messages: int = 0
    earlier: int = 0
    later: int = 0
    due: int = 0
    held: int = 0
    by_month: list[tuple[str, int]] = field(default_factory=list)
    by_mailbox: list[tuple[str, int]] = field(default_factory=list)
    by_hold: list[tuple[str, int]] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoreCount:
    store: str
    messages: int


def store_counts() -> list[StoreCount]:
    """How many messages each store that answers has."""
    found = []
    for store in open_stores():
        try:
            found.append(StoreCount(store.name, engines.open_store(store).catalogue.counter("messages")))
        except (StoreUnavailable, StoreError, OSError):
            continue
    return found


def preview(policies: Sequence[Policy]) -> Preview:
    """What these policies would mean instead of those in force."""
    found = Preview()
    counting = _Counting(policies, dates.day_of(timezone.now()), found)
    for store in open_stores():
        try:
            opened = engines.open_store(store)
            if opened.lag():
                found.behind.append(store.name)
            counting.store(store, opened)
        except (StoreUnavailable, StoreError, OSError):
            found.silent.append(store.name)
    counting.finish()
    return found


class _Counting:
    """Goes through the stores and counts."""

    def __init__(self, policies: Sequence[Policy], today: int, found: Preview) -> None:
        self.policies, self.today, self.found = policies, today, found
        self.nodes: list[Node] = [policy.criteria.node() if policy.enabled else All() for policy in policies]
        self.holds = list(LegalHold.objects.filter(state=LegalHold.State.ACTIVE).prefetch_related("mailboxes"))
        self.everything = Compliance.now().legal_hold
        self.days: Counter[int] = Counter()
        self.mailboxes: Counter[str] = Counter()
        self.held: Counter[str] = Counter()

    def store(self, store: Store, opened: engine.Store) -> None:
        """Every message once; a million of them in a few seconds, so what can be is looked up."""
        labels = {number: label.lower() for number, label in opened.catalogue.mailboxes().items()}
        holders, sets = opened.catalogue.holders()
        archives = [
            [Archive.of(labels.get(box, ""), box) for box in sorted(boxes) if not is_passing(box)] for boxes in sets
        ]
        words = self._words(opened, len(holders))
        before = _stored(store, len(holders))
        kinds: dict[tuple[int, int], _Kind] = {}
        tables: dict[int, Days] = {}
        earlier = later = messages = 0
        due: list[int] = []
        due_of: Counter[int] = Counter()
        days: dict[int, int] = {}
        for number, archived, dated in opened.catalogue.keeping_days():
            if number >= len(holders):
                break  # archived since we began to look
            key = holders[number], words[number]
            kind = kinds.get(key)
            if kind is None:
                kind = kinds[key] = _Kind(self.policies, archives[key[0]], frozenset(self._ids(key[1])), tables)
            minimum, maximum = kind.days(archived, dated)
            messages += 1
            old = before[number]
            if minimum != old:
                earlier += minimum < old
                later += minimum > old
            if maximum <= self.today:
                due.append(number)
                due_of[key[0]] += 1
            elif maximum != dates.NEVER:
                days[maximum] = days.get(maximum, 0) + 1
        self.found.messages += messages
        self.found.earlier += earlier
        self.found.later += later
        self.days.update(days)
        for place, count in due_of.items():
            self.mailboxes.update({labels.get(box, ""): count for box in sets[place] if not is_passing(box)})
        self._count_due(opened, due)

    def _words(self, opened: engine.Store, count: int) -> list[int]:
        """By number, which policies with words fit a message by the index: a bit for each."""
        found = [0] * count
        for at, node in enumerate(self.nodes):
            if not isinstance(node, All):
                bit = 1 << at
                for number in opened.numbers_matching(node):
                    if number < count:
                        found[number] |= bit
        return found

    def _ids(self, bits: int) -> list[int]:
        """The policies that fit: those without words, and those of the bits."""
        return [
            policy.id
            for at, (policy, node) in enumerate(zip(self.policies, self.nodes, strict=True))
            if isinstance(node, All) or bits >> at & 1
        ]

    def _count_due(self, opened: engine.Store, due: list[int]) -> None:
        self.found.due += len(due)
        if not due:
            return
        held: set[int] = set(due) if self.everything else set()
        wanted = set(due)
        for hold in self.holds:
            if hold.everything:
                some = wanted
            else:
                own = [mailbox.pk for mailbox in hold.mailboxes.all()]
                boxes = {*own, *map(passing, own)} or None
                try:
                    some = wanted & opened.numbers_matching(hold_node(hold), mailboxes=boxes)
                except QueryError:  # nobody knows what it covers, so nothing goes
                    some = wanted
            self.held[hold.name] += len(some)
            held |= some
        self.found.held += len(held)

    def finish(self) -> None:
        months: Counter[str] = Counter()
        for day, count in self.days.items():
            date = dates.date_of(day)
            months["" if date is None else f"{date:%Y-%m}"] += count
        self.found.by_month = sorted(months.items())[:MONTHS_SHOWN]
        self.found.by_mailbox = self.mailboxes.most_common(MAILBOXES_SHOWN)
        self.found.by_hold = [(name, count) for name, count in self.held.most_common() if count]


Days = dict[int | tuple[int, int], tuple[int, int]]


class _Kind:
    """Messages in the same archives that the same policies fit: their days depend on two dates only."""

    def __init__(
        self, policies: Sequence[Policy], archives: Sequence[Archive], ids: frozenset[int], tables: dict[int, Days]
    ) -> None:
        self._policies, self._archives, self._ids = policies, archives, ids
        chosen = {None if each is None else each.id for each in (deciding(policies, one, ids) for one in archives)}
        policy = next((each for each in policies if chosen == {each.id}), None)
        self._both = policy is None
        self._by_archive = policy is not None and policy.reference is Reference.ARCHIVE_DATE
        self._nothing = chosen == {None} or not chosen
        # Where one policy decides, a day says all, whoever's mail it is.
        self._known: Days = {} if policy is None else tables.setdefault(policy.id, {})

    def days(self, archived: int, dated: int) -> tuple[int, int]:
        """(minimum, maximum), as `decide` says."""
        if self._nothing:
            return dates.NO_MINIMUM, dates.NEVER
        key = (archived, dated) if self._both else archived if self._by_archive else dated
        found = self._known.get(key)
        if found is None:
            within = min(max(dated, dates.FIRST), dates.LAST)
            verdict = decide(self._policies, self._archives, archived, within, self._ids)
            found = self._known[key] = verdict.minimum, verdict.maximum
        return found


def _stored(store: Store, count: int) -> array[int]:
    """From when each message may go by what is worked out; what isn't counts as at any time."""
    found = array("i", [dates.NO_MINIMUM]) * (max(count, 1) + BLOCK)
    for row in RetentionBlock.objects.filter(store=store).only("block", "minimum").iterator(chunk_size=20):
        minimum = array("i", bytes(row.minimum))
        start = row.block * BLOCK
        if start <= count:
            known = array("i", [max(day, dates.NO_MINIMUM) for day in minimum])
            found[start : start + BLOCK] = known
    return found
