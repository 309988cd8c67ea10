"""What ten simulated years must leave of an archive, by rules written down here a second time. Pure.

Shares no code with the archive, so an error of ours doesn't cancel itself out. Days count from `FIRST`. The rules are
those of docs/decisions/0016: the first policy that fits decides in each mailbox, a message in several is kept for the
longest, whole days and the day after, extending never shortens, a hold covers copies in other stores.
"""

from __future__ import annotations

import calendar
import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import format_datetime

FIRST = dt.date(2016, 1, 1)
MONTHS = 120
PROCESSED_ON = 20
KINDS = ("invoice", "notice", "letter", "offer", "report")
NEVER, AT_ONCE = 10**9, -(10**9)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way into the archive. `content` names its bytes: a later copy has those of an earlier one."""

    month: int
    archived: int
    content: int
    dated: int
    kind: str
    boxes: tuple[int, ...]

    def raw(self) -> bytes:
        moment = dt.datetime.combine(FIRST + dt.timedelta(self.dated), dt.time(9), dt.UTC)
        return (
            f"From: Somebody {self.content % 97} <s{self.content % 97}@elsewhere.example>\r\n"
            f"To: people@ours.example\r\nSubject: {self.kind} {self.content}\r\nDate: {format_datetime(moment)}\r\n"
            f"Message-ID: <{self.content}@elsewhere.example>\r\n\r\n"
            f"About {self.kind} {self.content}: {self.content * 7919 % 100_003}\r\n"
        ).encode()


def invent(count: int, boxes: int, *, seed: int = 1) -> Iterator[Letter]:
    """So many letters, month by month; one in thirty for two mailboxes, one in fifty a copy of an earlier one."""
    chance = random.Random(seed)  # noqa: S311  (no secret)
    earlier: list[Letter] = []
    for at in range(count):
        month = at * MONTHS // count
        year, rest = divmod(FIRST.year * 12 + month, 12)
        first = (dt.date(year, rest + 1, 1) - FIRST).days
        archived = first + chance.randrange(calendar.monthrange(year, rest + 1)[1])
        whose = tuple(sorted({chance.randrange(boxes) for _ in range(2 if chance.randrange(30) == 0 else 1)}))
        if earlier and chance.randrange(50) == 0:
            old = earlier[chance.randrange(len(earlier))]
            yield Letter(month, archived, old.content, old.dated, old.kind, whose)
            continue
        dated = archived - (0 if chance.randrange(4) else chance.randrange(900))
        made = Letter(month, archived, at, dated, KINDS[chance.randrange(len(KINDS))], whose)
        if len(earlier) < 50_000:
            earlier.append(made)
        else:
            earlier[chance.randrange(len(earlier))] = made
        yield made


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy. word: a word of the subject; boxes: only these mailboxes (none: all)."""

    name: str
    period: int
    unit: str
    word: str = ""
    boxes: tuple[int, ...] = ()
    by_own_date: bool = False
    deletes: bool = True
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A hold from the beginning of one month to that of another."""

    begins: int
    ends: int | None = None
    boxes: tuple[int, ...] = ()
    word: str = ""
    dated_from: dt.date | None = None
    dated_to: dt.date | None = None


ACCOUNTS = Rule("Accounts", 7, "years", "invoice", locked=True)
BOARD = Rule("Board", 20, "years", boxes=(0, 1), deletes=False)
NOTICES = Rule("Notices", 6, "months", "notice", by_own_date=True)


@dataclass(slots=True)
class Kept:
    """One message of a store: who has it, and from when it may go and when it goes."""

    letter: Letter
    boxes: set[int]
    minimum: int
    maximum: int


class Model:
    """The account: archive, set_rules and process, in the order in which they happen."""

    POLICIES: dict[int, list[Rule]] = {
        0: [ACCOUNTS, BOARD, NOTICES, Rule("Rest", 3, "years")],
        48: [ACCOUNTS, BOARD, NOTICES, Rule("Rest", 40, "months")],
        80: [ACCOUNTS, BOARD, Rule("Notices", 8, "weeks", "notice", by_own_date=True), Rule("Rest", 30, "months")],
    }
    SHORTENS = frozenset({0, 80})  # the first ones delete what nothing deleted
    HOLDS: dict[str, Case] = {
        "Case 1": Case(30, 70, boxes=(3, 4, 5), word="letter"),
        "Case 2": Case(50, None, dated_from=dt.date(2018, 2, 1), dated_to=dt.date(2018, 3, 31)),
        "Case 3": Case(64, 100, boxes=(7,)),
    }

    def __init__(self) -> None:
        self.rules: Sequence[Rule] = ()
        self.shortened = False
        self.stores: list[dict[int, Kept]] = [{}, {}]
        self.month = 0

    def set_rules(self, month: int) -> Sequence[Rule]:
        self.rules, self.shortened = self.POLICIES[month], month in self.SHORTENS
        for store in self.stores:
            for kept in store.values():
                minimum, maximum = self._days(kept)
                if not self.shortened:
                    minimum, maximum = max(minimum, kept.minimum), max(maximum, kept.maximum)
                kept.minimum, kept.maximum = minimum, max(minimum, maximum)
        return self.rules

    def archive(self, store: int, letter: Letter) -> None:
        self.month = letter.month
        kept = self.stores[store].get(letter.content)
        if kept is not None:  # one more mailbox has it: that is asked anew when it should go
            kept.boxes.update(letter.boxes)
            return
        kept = self.stores[store][letter.content] = Kept(letter, set(letter.boxes), AT_ONCE, NEVER)
        kept.minimum, kept.maximum = self._days(kept)

    def process(self, day: int) -> int:
        """How many go on this day."""
        gone = 0
        for at, store in enumerate(self.stores):
            due = [content for content, kept in store.items() if self._is_due(kept, day)]
            going = [content for content in due if not self._is_held(at, store[content])]
            for content in going:
                del store[content]
            gone += len(going)
        return gone

    def contents(self, store: int) -> Iterator[int]:
        return iter(self.stores[store])

    def count(self) -> int:
        return sum(map(len, self.stores))

    def held(self, day: int) -> int:
        """How many would have gone by this day and are held."""
        return sum(self._is_due(kept, day) for store in self.stores for kept in store.values())

    def _is_due(self, kept: Kept, day: int) -> bool:
        if kept.maximum > day or kept.minimum > day:
            return False
        minimum, maximum = self._days(kept)
        return max(minimum, maximum) <= day

    def _days(self, kept: Kept) -> tuple[int, int]:
        """(from when it may go, when it goes) by the rules as they are, for the longest of its mailboxes."""
        found = [self._days_in(kept.letter, box) for box in kept.boxes]
        minimum = max(each[0] for each in found)
        return minimum, max(minimum, *(each[1] for each in found))

    def _days_in(self, letter: Letter, box: int) -> tuple[int, int]:
        for rule in self.rules:
            if (not rule.word or rule.word == letter.kind) and (not rule.boxes or box in rule.boxes):
                day = after(letter.dated if rule.by_own_date else letter.archived, rule.period, rule.unit)
                return day, day if rule.deletes else NEVER
        return AT_ONCE, NEVER

    def _is_held(self, at: int, kept: Kept) -> bool:
        other = self.stores[1 - at].get(kept.letter.content)
        boxes = kept.boxes | (other.boxes if other else set())
        return any(self._covers(case, kept.letter, boxes) for case in self.HOLDS.values())

    def _covers(self, case: Case, letter: Letter, boxes: set[int]) -> bool:
        if not case.begins <= self.month or (case.ends is not None and case.ends <= self.month):
            return False
        if case.boxes and not boxes & set(case.boxes):
            return False
        if case.word and case.word != letter.kind:
            return False
        dated = FIRST + dt.timedelta(letter.dated)
        return (case.dated_from or dated) <= dated <= (case.dated_to or dated)


def after(day: int, period: int, unit: str) -> int:
    """The day after the last of a period that begins on a day."""
    start = FIRST + dt.timedelta(day)
    if unit == "weeks":
        return day + 7 * period + 1
    months = start.year * 12 + start.month - 1 + (period * 12 if unit == "years" else period)
    year, month = divmod(months, 12)
    end = dt.date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
    return (end - FIRST).days + 1


def month_of(month: int) -> str:
    return f"{FIRST.year + month // 12}-{month % 12 + 1:02}"
