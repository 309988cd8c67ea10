"""May a message be deleted? One answer for everybody who deletes: people, expiry, profiles, mass deletion.

It asks the minimum date (worked out when the message was archived, and again now, whichever is later), every hold over
every store the message is kept in, and compliance. Words are looked for in the message itself, never in the index. What
can't be asked blocks: a store that doesn't open, a message that can't be read. Not for who may delete
(`services.deleting`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils import timezone

from archive import engines
from archive.errors import StoreUnavailable
from archive.keeping import dates
from archive.keeping.policies import Archive, Verdict, decide
from archive.models import BLOCK, Compliance, LegalHold, RetentionBlock, RetentionPolicy, Store
from archive.owners import is_passing, owner_of
from archive.query.errors import QueryError
from archive.query.nodes import All, Node
from archive.store.errors import StoreError
from archive.store.judging import Judge, Judged
from archive.store.rows import Row


class Block(StrEnum):
    """Why a message stays."""

    EVERYTHING_HELD = "everything_held"
    HELD = "held"
    TOO_EARLY = "too_early"
    UNREADABLE = "unreadable"
    STORE_SILENT = "store_silent"
    WRITE_PROTECTED = "write_protected"
    NOT_UNDERSTOOD = "not_understood"


@dataclass(slots=True)
class Ruling:
    """What keeps one message, and until when; `policy` says the minimum, `last` the maximum.

    `details` of a block: names of holds or stores.
    """

    number: int
    minimum: int = dates.NO_MINIMUM
    maximum: int = dates.NEVER
    policy: int = 0
    last: int = 0
    holds: list[LegalHold] = field(default_factory=list)
    blocks: dict[Block, list[str]] = field(default_factory=dict)

    @property
    def allowed(self) -> bool:
        return not self.blocks

    def block(self, why: Block, detail: str = "") -> None:
        self.blocks.setdefault(why, []).append(detail)


def may_delete(store: Store, row: Row, *, now: datetime.datetime | None = None) -> Ruling:
    """The answer for one message. Raises: StoreUnavailable."""
    return Keeper(store, now=now).rule([row])[row.number]


class Keeper:
    """Rules about messages of one store, by the holds, policies and compliance as they are when it is made."""

    def __init__(self, store: Store, *, now: datetime.datetime | None = None) -> None:
        self.store = store
        self.opened = engines.open_store(store)
        self.now = now or timezone.now()
        self.today = dates.day_of(self.now)
        self.policies = [row.as_policy() for row in RetentionPolicy.objects.all()]
        self.holds = list(LegalHold.objects.filter(state=LegalHold.State.ACTIVE).order_by("pk"))
        self.custodians = _custodians(self.holds)
        self.everything_held = Compliance.now().legal_hold
        # Names of policies and holds whose words can't be read any more: then nobody knows what they cover.
        self.not_understood: list[str] = []
        self._policy_nodes = [
            self._understood(policy.name, policy.criteria.node) if policy.enabled else All() for policy in self.policies
        ]
        self._hold_nodes = [self._understood(hold.name, hold.words) for hold in self.holds]
        self._labels = self.opened.catalogue.mailboxes()

    def _understood(self, name: str, read: Callable[[], Node]) -> Node:
        try:
            return read()
        except QueryError:
            self.not_understood.append(name)
            return All()

    @property
    def reads_messages(self) -> bool:
        """Whether an answer takes more than the catalogue."""
        return any(not isinstance(node, All) for node in (*self._policy_nodes, *self._hold_nodes))

    def rule(self, rows: Sequence[Row]) -> dict[int, Ruling]:
        """The answer for each. Raises: StoreError where the catalogue itself can't be read."""
        rulings = {row.number: Ruling(row.number) for row in rows}
        judged = Judge(self.opened, [*self._policy_nodes, *self._hold_nodes], now=self.now).judge(rows)
        kept, held = judged[: len(self.policies)], judged[len(self.policies) :]
        stored = self._stored([row.number for row in rows])
        for row in rows:
            self._rule_dates(rulings[row.number], row, kept, stored[row.number])
        self._rule_holds(rulings, rows, held)
        self._rule_store(rulings)
        return rulings

    def rule_copies(self, copies: Sequence[Row]) -> list[Ruling]:
        """What keeps single copies in quarantine or recent mail: rows with that one placement each.

        Holds on their mailbox do, and what keeps everything. Policies of retention are about archives, not about them;
        what others have of the same content stays theirs. Raises: as rule.
        """
        rows = list({row.number: row for row in copies}.values())
        held = Judge(self.opened, self._hold_nodes, now=self.now).judge(rows)
        found = []
        for row in copies:
            ruling = Ruling(row.number)
            if self.everything_held:
                ruling.block(Block.EVERYTHING_HELD)
            self._block_held(ruling, row, {owner_of(mailbox) for _folder, mailbox in row.placements}, held)
            self._rule_store({row.number: ruling})
            found.append(ruling)
        return found

    def _rule_store(self, rulings: dict[int, Ruling]) -> None:
        for ruling in rulings.values():
            for name in self.not_understood:
                ruling.block(Block.NOT_UNDERSTOOD, name)
            if self.store.state in ("write_protected", "disabled"):
                ruling.block(Block.WRITE_PROTECTED, self.store.name)

    def verdict(self, row: Row, kept: Sequence[Judged]) -> Verdict:
        """What the policies as they are now say of a message that was judged."""
        matching = frozenset(
            policy.id for policy, said in zip(self.policies, kept, strict=True) if row.number in said.matching
        )
        archives = [self.archive_of(mailbox) for mailbox in archives_of(row)]
        archived, dated = dates.day_of_seconds(row.archived_ms // 1000), dates.day_of_seconds(row.date)
        return decide(self.policies, archives, archived, dated, matching)

    def verdicts(self, row: Row, kept: Sequence[Judged]) -> dict[int, Verdict]:
        """The same for each mailbox that has it, alone."""
        matching = frozenset(
            policy.id for policy, said in zip(self.policies, kept, strict=True) if row.number in said.matching
        )
        archived, dated = dates.day_of_seconds(row.archived_ms // 1000), dates.day_of_seconds(row.date)
        return {
            mailbox: decide(self.policies, [self.archive_of(mailbox)], archived, dated, matching)
            for mailbox in archives_of(row)
        }

    def archive_of(self, mailbox: int) -> Archive:
        """What policies call an archive: its address, and its mailbox's number."""
        return Archive.of(self._labels.get(mailbox, ""), mailbox)

    def judge(self, rows: Sequence[Row]) -> list[Judged]:
        """What each policy's words find."""
        return Judge(self.opened, self._policy_nodes, now=self.now).judge(rows)

    def _rule_dates(self, ruling: Ruling, row: Row, kept: Sequence[Judged], stored: Verdict) -> None:
        fresh = self.verdict(row, kept)
        known = fresh if stored.minimum == dates.UNKNOWN else stored
        first = fresh if fresh.minimum > known.minimum else known
        ruling.minimum, ruling.policy = first.minimum, first.policy
        last = fresh if fresh.maximum > known.maximum or (fresh.maximum == known.maximum and fresh.last) else known
        ruling.maximum, ruling.last = last.maximum, last.last
        if first.minimum > last.maximum:
            ruling.maximum, ruling.last = first.minimum, first.policy
        if any(row.number in said.doubtful for said in kept):
            ruling.block(Block.UNREADABLE)
        if ruling.minimum > self.today:
            ruling.block(Block.TOO_EARLY)

    def _rule_holds(self, rulings: dict[int, Ruling], rows: Sequence[Row], held: Sequence[Judged]) -> None:
        if self.everything_held:
            for ruling in rulings.values():
                ruling.block(Block.EVERYTHING_HELD)
        if not self.holds:
            return
        boxes = {row.number: {owner_of(mailbox) for _folder, mailbox in row.placements} for row in rows}
        for silent in self._add_copies(rows, boxes):
            for ruling in rulings.values():
                ruling.block(Block.STORE_SILENT, silent)
        for row in rows:
            self._block_held(rulings[row.number], row, boxes[row.number], held)

    def _block_held(self, ruling: Ruling, row: Row, boxes: set[int], held: Sequence[Judged]) -> None:
        for hold, said in zip(self.holds, held, strict=True):
            if self._covers(hold, row, boxes, said):
                ruling.holds.append(hold)
                ruling.block(Block.HELD, hold.name)

    def _covers(self, hold: LegalHold, row: Row, boxes: set[int], said: Judged) -> bool:
        if hold.everything:
            return True
        custodians = self.custodians[hold.pk]
        if custodians and not custodians & boxes:
            return False
        day = dates.date_of(dates.day_of_seconds(row.date))
        if day is not None and hold.date_from is not None and day < hold.date_from:
            return False
        if day is not None and hold.date_to is not None and day > hold.date_to:
            return False
        return row.number in said.matching or row.number in said.doubtful

    def _add_copies(self, rows: Sequence[Row], boxes: dict[int, set[int]]) -> list[str]:
        """Who else holds these contents, in other stores; the names of the stores that don't answer."""
        silent = []
        numbers = {bytes.fromhex(row.sha256): row.number for row in rows}
        for other in Store.objects.filter(detached_at=None).exclude(pk=self.store.pk).exclude(identity=None):
            try:
                opened = engines.open_store(other)
                found = opened.catalogue.find_sha256(list(numbers))
                copies = {row.number: row for row in opened.rows(list(found.values()))}
            except (StoreUnavailable, StoreError, OSError):
                silent.append(other.name)
                continue
            for digest, number in found.items():
                if number in copies:
                    boxes[numbers[digest]] |= {owner_of(mailbox) for _folder, mailbox in copies[number].placements}
        return silent

    def _stored(self, numbers: Sequence[int]) -> dict[int, Verdict]:
        """The days worked out when they were archived."""
        wanted = {number // BLOCK for number in numbers}
        blocks = {row.block: row.arrays() for row in RetentionBlock.objects.filter(store=self.store, block__in=wanted)}
        return {
            number: _at(blocks[number // BLOCK], number) if number // BLOCK in blocks else NOT_KNOWN
            for number in numbers
        }


def archives_of(row: Row) -> list[int]:
    """The mailboxes in whose archives a message is; passing copies are in none."""
    return sorted({mailbox for _folder, mailbox in row.placements if not is_passing(mailbox)})


def passes(row: Row) -> bool:
    """Whether somebody still has a passing copy of it, in quarantine or as recent mail."""
    return any(is_passing(mailbox) for _folder, mailbox in row.placements)


NOT_KNOWN = Verdict(dates.UNKNOWN, dates.NEVER)


def _at(arrays: Sequence[Sequence[int]], number: int) -> Verdict:
    at = number % BLOCK
    return Verdict(arrays[0][at], arrays[1][at], arrays[2][at], arrays[3][at])


def _custodians(holds: Sequence[LegalHold]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {hold.pk: set() for hold in holds}
    through = LegalHold.mailboxes.through.objects.filter(legalhold_id__in=found)
    for hold_id, mailbox_id in through.values_list("legalhold_id", "mailbox_id"):
        found[hold_id].add(mailbox_id)
    return found
