"""Checking a store's checkpoints against its journal: part of every verification.

For each: is it signed, by a key of this server, does the journal have that very chain at that place, does it name the
one before it, does its time stamp hold; and do folder and database have the same ones. With `deep` the tree is made
anew from the journal and compared with every root. A journal that was cut exactly between two records shows here:
nothing else notices that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archive.evidence import stamps
from archive.evidence.checkpoints import BadCheckpoint, Checkpoint, Statement, kept
from archive.evidence.leaves import Leaves
from archive.evidence.tree import Frontier
from archive.models import EvidenceKey, Store, StoreCheckpoint
from archive.services.evidence import authority
from archive.store import Store as OpenedStore
from archive.store.errors import Damaged
from archive.store.journal import Position
from archive.store.operations.report import Problem, Report

PART = "evidence"


@dataclass(slots=True)
class Findings:
    """What was found: how many checkpoints and stamps were looked at, what is wrong, what is worth knowing."""

    checkpoints: int = 0
    stamps: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def wrong(self, where: str, what: str) -> None:
        self.problems.append(Problem.of(PART, where, what))


class Check:
    """One look at all the evidence of a store."""

    def __init__(self, store: Store, opened: OpenedStore) -> None:
        self._opened = opened
        self._rows = {row.digest: row for row in StoreCheckpoint.objects.filter(identity=opened.identity)}
        self._keys = set(EvidenceKey.objects.values_list("public", flat=True))
        asked = authority()
        self._roots = asked.roots() if asked is not None and asked.certificates else []
        self._store = store
        self._anew_at: int | None = None
        self.found = Findings()

    def run(self, *, deep: bool = False) -> Findings:
        seen: dict[str, Statement] = {}
        for name, each in kept(self._opened):
            if isinstance(each, BadCheckpoint):
                self.found.wrong(name, str(each))
                continue
            self.found.checkpoints += 1
            seen[each.digest] = each.said()
            self._look_at(name, each)
        for digest, row in self._rows.items():
            if digest not in seen:
                self.found.checkpoints += 1
                seen[digest] = row.said()
                self.found.wrong(f"record {row.record}", "the database has a checkpoint that the store's folder lacks")
                self._look_at(f"record {row.record}", row.as_checkpoint())
        for said in seen.values():
            if said.previous and said.previous not in seen:
                self.found.wrong(f"record {said.record}", "the checkpoint before this one is missing")
        if deep:
            self._grow(seen)
        return self.found

    def _look_at(self, name: str, checkpoint: Checkpoint) -> None:
        said = checkpoint.said()
        if not checkpoint.is_signed():
            self.found.wrong(name, "the checkpoint's signature does not hold")
            return
        if said.store != self._opened.identity:
            self.found.wrong(name, "the checkpoint is of another store")
            return
        if checkpoint.key.hex() not in self._keys:
            self.found.notes.append(
                f"{name}: signed by another server ({said.server}), key {checkpoint.key.hex()[:16]}…"
            )
        if not self._journal_agrees(said):
            if self._is_of_old_journal(said):
                self.found.notes.append(f"{name}: of the journal before it was written anew")
            else:
                self.found.wrong(name, "the journal is not the one that was signed: it was changed or cut off")
        if checkpoint.stamp:
            self._look_at_stamp(name, checkpoint)

    def _journal_agrees(self, said: Statement) -> bool:
        try:
            return self._opened.journal.holds(said.position)
        except Damaged:
            return False

    def _is_of_old_journal(self, said: Statement) -> bool:
        """Was the journal written anew after this was signed? The record that says so stands in it."""
        if self._anew_at is None:
            self._anew_at = 0
            try:
                for record in self._opened.journal.read(Position(), events=False):
                    if b'["rec",' in record.text:
                        said_in = record.opened()
                        if any(event[0] == "rec" for event in said_in.events):
                            self._anew_at = said_in.at_ms
            except Damaged:
                pass  # the journal's own check names it
        return said.made_at.timestamp() * 1000 <= self._anew_at

    def _look_at_stamp(self, name: str, checkpoint: Checkpoint) -> None:
        if not self._roots:
            self.found.notes.append(f"{name}: has a time stamp; no certificates are set to check it with")
            return
        try:
            stamps.check(checkpoint.stamp, checkpoint.signature, self._roots)
            self.found.stamps += 1
        except stamps.StampRefused as error:
            self.found.wrong(name, str(error))

    def _grow(self, seen: dict[str, Statement]) -> None:
        """The tree, leaf by leaf: whenever it is as large as a checkpoint says, it must have that root."""
        awaited: dict[int, list[Statement]] = {}
        for said in seen.values():
            if self._journal_agrees(said):
                awaited.setdefault(said.messages, []).append(said)
        edge, leaves = Frontier(), Leaves(self._opened)
        self._compare(edge, awaited)
        try:
            for record in self._opened.journal.read(Position()):
                for leaf in leaves.of(record):
                    edge.add(leaf.hash())
                    self._compare(edge, awaited)
        except Damaged:
            return  # the journal's own check names it

    def _compare(self, edge: Frontier, awaited: dict[int, list[Statement]]) -> None:
        for said in awaited.get(edge.count, ()):
            if edge.root().hex() != said.root:
                self.found.wrong(f"record {said.record}", "the messages are not those that were signed")


def add_to(report: Report, store: Store, opened: OpenedStore, *, deep: bool = False) -> None:
    """Look at a store's evidence as a part of its verification."""
    found = Check(store, opened).run(deep=deep)
    report.numbers |= {"checkpoints": found.checkpoints, "time_stamps": found.stamps}
    report.problems += found.problems
    report.notes += found.notes
