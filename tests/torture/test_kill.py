"""`kill -9` at random moments of importing, indexing, deleting and compacting, again and again on one store."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from archive.store import Store
from archive.store.contract import check_invariants
from archive.store.errors import Busy
from tests.archive.store.grounds import KEYS
from tests.torture.child import PACK_BYTES
from tests.torture.mails import made
from tests.torture.processes import Child

pytestmark = pytest.mark.torture

ROUNDS = 100 if os.environ.get("POSTKEEP_TORTURE") else 10
MAILS_EACH = 250


class History:
    """What was acknowledged so far."""

    def __init__(self, place: Path) -> None:
        self.root, self.work = place / "store", place / "work"
        Store.create(self.root, self.work, KEYS).close()
        self.kept: dict[int, int] = {}  # mail → number
        self.doubtful: set[int] = set()  # numbers of deletions that were begun and not acknowledged
        self.gone: set[int] = set()

    def start(self, what: str, *arguments: object) -> Child:
        return Child.start(what, self.root, self.work, *arguments)

    def hear(self, child: Child) -> None:
        for which, number, _ in child.heard("kept"):
            self.kept[int(which)] = int(number)
        self.gone |= {int(number) for (number,) in child.heard("deleted")}
        self.doubtful |= {int(number) for (number,) in child.heard("deleting")}
        self.kept = {which: number for which, number in self.kept.items() if number not in self.gone}

    def check(self, *, index: bool) -> None:
        with Store.open(self.root, self.work, KEYS, pack_bytes=PACK_BYTES) as store:
            check_invariants(store, index=index)
            for which, number in list(self.kept.items()):
                if store.row(number) is None:
                    assert number in self.doubtful, f"mail {which} was acknowledged and is lost"
                    del self.kept[which]
                elif which % 7 == 0:
                    assert store.read(number) == made(which)
            assert not self.gone & set(store.catalogue.numbers())


def test_kill_at_random_moments_loses_nothing_doubles_nothing_and_goes_on(quick_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}, {ROUNDS} rounds")
    chance = random.Random(seed)
    history = History(quick_path)
    for number in range(ROUNDS):
        what = chance.choice(["ingest", "ingest", "ingest", "index", "compact"]) if number else "ingest"
        # Each import begins again from the start of a moving window: what is there is skipped, the rest goes on.
        first, last = max(0, number - 4) * 60, max(0, number - 4) * 60 + MAILS_EACH
        arguments = {"ingest": (1, first, last), "index": (), "compact": (chance.randrange(1 << 30),)}[what]
        child = history.start(what, *arguments)
        if chance.random() < 0.15:
            time.sleep(chance.random() * 0.5)  # while it starts, opens, catches up
        else:
            child.wait_for("begun")
            word = {"ingest": "kept", "index": "begun", "compact": "deleted"}[what]
            child.wait_for(word, chance.randrange(40))
            time.sleep(chance.random() ** 3 * 0.3)
        child.kill()
        history.hear(child)
        history.check(index=number % 5 == 4)
    finish(history)


def finish(history: History) -> None:
    """Undisturbed, the import comes to its end, and all of it is found."""
    child = history.start("ingest", 1, 0, MAILS_EACH)
    assert child.join() == 0, child.lines[-3:]
    history.hear(child)
    assert len(child.heard("kept")) == MAILS_EACH
    history.check(index=True)
    with Store.open(history.root, history.work, KEYS, pack_bytes=PACK_BYTES) as store:
        numbers = {history.kept[which] for which in range(MAILS_EACH)}
        assert len(numbers) == MAILS_EACH
        assert store.index.has(sorted(numbers)) == MAILS_EACH


def test_a_lock_excludes_other_processes_and_is_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store", tmp_path / "work", KEYS) as store:
        child = Child.start("hold", tmp_path / "store", tmp_path / "work", "some.lock")
        child.wait_for("begun")
        with pytest.raises(Busy), store.backend.lock("some.lock", wait=False):
            pass
        child.kill()
        with store.backend.lock("some.lock", wait=False):
            pass
