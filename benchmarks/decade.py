"""Ten simulated years of an archive with an exact account of what must be left: mail comes in, retention is processed
every month, policies are made longer and, once, shorter, holds come and end, copies lie in other mailboxes and stores.

    manage.py shell -c "from benchmarks.decade import run; run(20_000)"  # in an empty house (benchmarks.keeping)

What must be there is worked out beside it by `benchmarks.decade_model`, which shares no code with the archive. Prints
one line of JSON. Raises: AssertionError at the first month that differs. Not for a house that is in use.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from accounts.actors import Actor
from archive import engines
from archive.models import DeletionCertificate, LegalHold, Store, StoreState
from archive.services import holds, retention_policies
from archive.services.retention_dates import follow
from archive.services.retention_run import process
from archive.services.stores import create_store, current_store
from archive.store import Ingest, journal
from archive.store.operations import compact, recover, verify
from benchmarks.decade_model import FIRST, MONTHS, PROCESSED_ON, Letter, Model, Rule, invent, month_of
from benchmarks.directory_data import fill
from config.kit import secrets
from domains.models import Mailbox
from jobs.running import TaskRun

CONSOLE = Actor.console()
BOXES = 40
UNITS = {"days": "day", "weeks": "week", "months": "month", "years": "year"}
SECOND_STORE_FROM = 60  # the month in which new mail goes to another store


def run(messages: int) -> None:
    """All of it. Prints {"messages", "deleted", "left", "seconds": {...}, ...}."""
    if not secrets.has_recovery_key():
        secrets.make_recovery_key()
    fill(BOXES, 2, 1)
    print(json.dumps(_Decade(messages).run()))


class _Decade:
    """One run: the archive and the model side by side."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.boxes = list(Mailbox.objects.order_by("pk")[:BOXES])
        self.model = Model()
        self.stores: list[Store] = [current_store(CONSOLE)]
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.places: dict[tuple[int, int], int] = {}  # (store's place, letter) -> number
        self.holds: dict[str, LegalHold] = {}
        self.deleted = 0

    def run(self) -> dict[str, Any]:
        letters = iter(invent(self.messages, BOXES))
        waiting: list[Letter] = [next(letters)]
        for month in range(MONTHS):
            self._change(month)
            some = waiting
            for letter in letters:
                if letter.month > month:
                    waiting = [letter]
                    break
                some.append(letter)
            with self._timed("archive"):
                self._archive(month, some)
            self._process(month)
        self._end()
        return {
            "messages": self.messages, "months": MONTHS, "deleted": self.deleted, "left": self.model.count(),
            "held_at_the_end": self.model.held(_day(MONTHS - 1)), "stores": len(self.stores),
            "certificates": DeletionCertificate.objects.count(), "seconds": dict(self.seconds),
        }  # fmt: skip

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[what] += time.perf_counter() - began

    def _change(self, month: int) -> None:
        """What people decide at the beginning of a month, in the archive and in the model."""
        if month in self.model.POLICIES:
            rules = self.model.set_rules(month)
            with self._timed("policies"):
                known = {row.name: row.pk for row in retention_policies.list_policies()}
                edition = retention_policies.set_policies(
                    CONSOLE, [values_of(rule, self.boxes, known.get(rule.name, 0)) for rule in rules]
                )
                assert edition.shortens == self.model.shortened
                for store in self.stores:
                    assert follow(store).done
        for name in self.model.HOLDS:
            if self.model.HOLDS[name].begins == month:
                self._place(name)
            if self.model.HOLDS[name].ends == month:
                holds.release_hold(CONSOLE, self.holds[name], reason="The case is closed")
        if month == SECOND_STORE_FROM:
            Store.objects.update(state=StoreState.NORMAL)
            self.stores.append(create_store(CONSOLE, name="Later"))
            Store.objects.filter(pk=self.stores[-1].pk).update(state=StoreState.CURRENT)

    def _place(self, name: str) -> None:
        case = self.model.HOLDS[name]
        self.holds[name] = holds.place_hold(
            CONSOLE,
            holds.HoldTerms(
                name, "The court says so", mailboxes=[self.boxes[at] for at in case.boxes],
                query=f"subject:{case.word}" if case.word else "", date_from=case.dated_from, date_to=case.dated_to,
            ),
        )  # fmt: skip

    def _archive(self, month: int, letters: Sequence[Letter]) -> None:
        """A month's mail, day by day, dated in the journal as it would have been."""
        at = len(self.stores) - 1
        opened = engines.open_store(self.stores[at])
        by_day: dict[int, list[Letter]] = {}
        for letter in letters:
            by_day.setdefault(letter.archived, []).append(letter)
        try:
            for day, some in sorted(by_day.items()):
                moment = dt.datetime.combine(FIRST + dt.timedelta(day), dt.time(12), dt.UTC).timestamp()
                journal.clock = lambda moment=moment: moment  # type: ignore[misc]
                self._archive_day(opened, at, some)
        finally:
            journal.clock = time.time

    def _archive_day(self, opened: Any, at: int, letters: Sequence[Letter]) -> None:
        for box in {box for letter in letters for box in letter.boxes}:
            opened.mailbox(self.boxes[box].pk, self.boxes[box].address)
        with Ingest(opened, self.boxes[0].pk, index="no") as ingest:
            for letter in letters:
                raw = letter.raw()
                for box in letter.boxes:
                    ingest.put("Inbox", content=raw, token=letter, mailbox=self.boxes[box].pk)
        for outcome in ingest.outcomes():
            self.places[at, outcome.token.content] = outcome.number
        for letter in letters:
            self.model.archive(at, letter)

    def _process(self, month: int) -> None:
        day = _day(month)
        with self._timed("process"):
            moment = dt.datetime.combine(FIRST + dt.timedelta(day), dt.time(3), dt.UTC)
            result = process(CONSOLE, TaskRun(0), now=moment)
        gone = self.model.process(day)
        self.deleted += gone
        assert result["deleted"] == gone, f"{month_of(month)}: {result['deleted']} were deleted, {gone} should"
        if month % 12 == 11:
            self._compare(month)

    def _compare(self, month: int) -> None:
        """Not only as many: the very same messages."""
        for at, store in enumerate(self.stores):
            there = set(engines.open_store(store).catalogue.numbers())
            wanted = {self.places[at, content] for content in self.model.contents(at)}
            assert there == wanted, f"{month_of(month)}: other messages are left in “{store.name}”"
        print(f"{month_of(month)}: {self.model.count():,} left, {self.deleted:,} deleted", file=sys.stderr)

    def _end(self) -> None:
        """Certificates and journals say the same; so it is after recovery and compaction, and what is left is whole."""
        certified = DeletionCertificate.objects.exclude(ended_at=None)
        assert sum(each.messages for each in certified) == self.deleted
        for store in self.stores:
            opened = engines.open_store(store)
            removed = sum(
                len(event[1])
                for record in opened.journal.read(journal.Position())
                for event in record.events
                if event[0] == "del"
            )
            assert removed == sum(each.messages for each in certified.filter(store=store))
            for name, operation in (("compact", compact), ("recover", recover), ("verify", verify)):
                opened = engines.open_store(store)
                with self._timed(name):
                    plan: Any = operation.plan(opened)
                    report = operation.run(opened, plan, lambda *_: None, lambda: False)
                assert name != "verify" or report.ok, report
                engines.close_all()
        self._compare(MONTHS - 1)
        assert process(CONSOLE, TaskRun(0), now=_moment(MONTHS - 1))["deleted"] == 0


def values_of(rule: Rule, boxes: Sequence[Mailbox], known: int = 0) -> dict[str, Any]:
    """A policy as the service takes it; known: its number, where it is there already."""
    return {
        "id": known, "name": rule.name, "period": rule.period, "interval": UNITS[rule.unit],
        "reference": "MessageDate" if rule.by_own_date else "ArchiveDate", "deletes": rule.deletes,
        "from_text": "", "to_text": "", "query": rule.word, "in_subject": bool(rule.word), "in_body": False,
        "in_attachments": False, "in_attachment_contents": False, "enabled": True, "locked": rule.locked,
        "included": [boxes[at].address for at in rule.boxes] or None, "excluded": [], "position": 0,
    }  # fmt: skip


def _day(month: int) -> int:
    """The day on which a month's retention is processed."""
    year, rest = divmod(FIRST.year * 12 + FIRST.month - 1 + month, 12)
    return (dt.date(year, rest + 1, PROCESSED_ON) - FIRST).days


def _moment(month: int) -> dt.datetime:
    return dt.datetime.combine(FIRST + dt.timedelta(_day(month)), dt.time(3), dt.UTC)
