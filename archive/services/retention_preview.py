"""What other retention policies would mean, in numbers, before they are set: nothing changes.

Read from the catalogues, and words from the indexes, so that a million messages take seconds; where an index is behind
its store, that is said. What is set or deleted in the end is decided on the messages themselves (`retention_dates`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from archive import engines
from archive import store as engine
from archive.errors import StoreUnavailable
from archive.keeping import dates
from archive.keeping.policies import Policy, Verdict, decide
from archive.models import BLOCK, Compliance, LegalHold, RetentionBlock, Store, StoreState
from archive.query.nodes import All, Node
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
    for store in Store.objects.exclude(state=StoreState.DISABLED).order_by("pk"):
        try:
            found.append(StoreCount(store.name, engines.open_store(store).catalogue.counter("messages")))
        except (StoreUnavailable, StoreError, OSError):
            continue
    return found


def preview(policies: Sequence[Policy]) -> Preview:
    """What these policies would mean instead of those in force."""
    found = Preview()
    counting = _Counting(policies, dates.day_of(timezone.now()), found)
    for store in Store.objects.exclude(state=StoreState.DISABLED).order_by("pk"):
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
        labels = {number: label.lower() for number, label in opened.catalogue.mailboxes().items()}
        matching = [None if isinstance(node, All) else opened.numbers_matching(node) for node in self.nodes]
        always = frozenset(policy.id for policy, some in zip(self.policies, matching, strict=True) if some is None)
        worded = [(policy.id, some) for policy, some in zip(self.policies, matching, strict=True) if some is not None]
        minimum, maximum = _stored(store)
        known: dict[tuple[int, int, str, frozenset[int]], Verdict] = {}
        due: list[int] = []
        for number, archived_ms, date, boxes in opened.catalogue.keeping_facts():
            ids = always
            if worded:
                ids = always | {policy for policy, some in worded if number in some}
            key = (archived_ms // 86_400_000, date // 86_400, boxes, ids)
            verdict = known.get(key)
            if verdict is None:
                archives = {labels.get(int(box), "") for box in boxes.split(",")}
                archived, dated = key[0], dates.day_of_seconds(date)
                verdict = known[key] = decide(self.policies, archives, archived, dated, ids)
            self.found.messages += 1
            before = minimum.get(number // BLOCK), maximum.get(number // BLOCK)
            old = dates.NO_MINIMUM if before[0] is None else before[0][number % BLOCK]
            if old != dates.UNKNOWN and before[0] is not None:
                self.found.earlier += verdict.minimum < old
                self.found.later += verdict.minimum > old
            elif verdict.minimum != dates.NO_MINIMUM:
                self.found.later += 1
            if verdict.maximum <= self.today:
                due.append(number)
                self.mailboxes.update(labels.get(int(box), "") for box in boxes.split(","))
            elif verdict.maximum != dates.NEVER:
                self.days[verdict.maximum] += 1
        self._count_due(opened, due)

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
                boxes = {mailbox.pk for mailbox in hold.mailboxes.all()} or None
                some = wanted & opened.numbers_matching(hold_node(hold), mailboxes=boxes)
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


def _stored(store: Store) -> tuple[dict[int, Sequence[int]], dict[int, Sequence[int]]]:
    minimum: dict[int, Sequence[int]] = {}
    maximum: dict[int, Sequence[int]] = {}
    for row in RetentionBlock.objects.filter(store=store).iterator(chunk_size=20):
        minimum[row.block], maximum[row.block], _policy = row.arrays()
    return minimum, maximum
