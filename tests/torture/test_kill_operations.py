"""kill -9 at random moments of verify, compact, merge and recover: the invariants hold, and the next run finishes.

CI runs ten kills of each with a printed seed, `make torture` fifty.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from archive.store import Ingest, Store
from archive.store.contract import check_invariants
from archive.store.operations import compact, leftovers, merge, recover, verify
from archive.store.parts import PART
from tests.archive.store.grounds import KEYS
from tests.torture.child import PACK_BYTES
from tests.torture.mails import made
from tests.torture.processes import Child

pytestmark = pytest.mark.torture

KILLS = 50 if os.environ.get("POSTKEEP_TORTURE") else 10
MAILS = 180


def fill(place: Path, first: int, last: int, mailboxes: tuple[int, ...]) -> None:
    """A store with mails by number in some mailboxes, each third in two of them."""
    with Store.create(place / "store", place / "work", KEYS, pack_bytes=PACK_BYTES) as store:
        for mailbox in mailboxes:
            store.mailbox(mailbox, f"{mailbox}@example.org")
            with Ingest(store, mailbox) as ingest:
                for number in range(first, last):
                    if number % 3 == 0 or mailboxes[number % len(mailboxes)] == mailbox:
                        ingest.put(f"Box {number % 4}", content=made(number))
        store.catalogue.tidy()


def opened(place: Path) -> Store:
    return Store.open(place / "store", place / "work", KEYS, pack_bytes=PACK_BYTES)


def shown(store: Store) -> Counter[tuple[int, str, str]]:
    paths = {folder.number: (folder.mailbox, folder.path) for folder in store.folders()}
    rows = store.rows(list(store.catalogue.numbers()))
    return Counter((*paths[folder], row.sha256) for row in rows for folder, _ in row.placements)


def killed(place: Path, chance: random.Random, *arguments: object) -> bool:
    """Start an operation and kill it somewhere; whether it came to its end before."""
    child = Child.start("operate", place / "store", place / "work", *arguments)
    child.wait_for("begun")
    child.wait_for("step", chance.randrange(1, 12))
    time.sleep(chance.random() ** 3 * 0.2)
    child.kill()
    return bool(child.heard("done"))


@pytest.fixture
def chance() -> random.Random:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}, {KILLS} kills")
    return random.Random(seed)


def test_a_merge_killed_anywhere_goes_on_and_nobodys_mail_becomes_anothers(
    quick_path: Path, chance: random.Random
) -> None:
    fill(quick_path / "source", 0, MAILS, (2, 3))
    fill(quick_path / "first", MAILS // 2, MAILS // 2 + 60, (1, 2))
    with opened(quick_path / "source") as source, opened(quick_path / "first") as first:
        wanted = shown(source) | shown(first)
        before = shown(source)
    place, round_number = quick_path / "into 0", 0
    shutil.copytree(quick_path / "first", place)
    for kill in range(KILLS):
        source_at = quick_path / "source"
        done = killed(place, chance, "merge", source_at / "store", source_at / "work")
        with opened(place) as store:
            check_invariants(store, index=kill % 5 == 4)
            there = shown(store)
            assert not there - wanted, "something came to somebody else"
            assert not done or there == wanted
        if done:
            round_number += 1
            place = quick_path / f"into {round_number}"
            shutil.copytree(quick_path / "first", place)
    with opened(place) as store, opened(quick_path / "source") as source:
        assert merge.run(store, source, merge.plan(store, source)).ok
        assert shown(store) == wanted and shown(source) == before
        check_invariants(store, index=True)
        assert verify.run(store, verify.plan(store)).ok


def test_a_compaction_killed_anywhere_keeps_what_is_wanted_and_the_room_comes_back(
    quick_path: Path, chance: random.Random
) -> None:
    fill(quick_path, 0, MAILS, (1, 2))
    for kill in range(KILLS):
        with opened(quick_path) as store:
            numbers = list(store.catalogue.numbers())
            if len(numbers) < 40:
                with Ingest(store, 1) as ingest:
                    for number in range(1000 * (kill + 1), 1000 * (kill + 1) + MAILS // 2):
                        ingest.put("More", content=made(number))
                numbers = list(store.catalogue.numbers())
            some = chance.sample(numbers, len(numbers) // 6)
            store.delete(some, reason="a test", by="me", erase=kill % 2 == 1)
            wanted = shown(store)
        killed(quick_path, chance, "compact")
        with opened(quick_path) as store:
            assert shown(store) == wanted
            check_invariants(store, index=kill % 5 == 4)
    with opened(quick_path) as store:
        compact.run(store, compact.plan(store))
        assert compact.plan(store).numbers["bytes_freed"] == 0
        assert shown(store) == wanted
        check_invariants(store, index=True)


def test_a_verification_killed_anywhere_goes_on_and_still_finds_the_damage(
    quick_path: Path, chance: random.Random
) -> None:
    fill(quick_path, 0, MAILS, (1, 2))
    with opened(quick_path) as store:
        pack = store.catalogue.packs()[0]
        assert pack.sealed
        victim = [number for number, _, _ in store.catalogue.pack_rows(pack.number) if not number & PART][3]
        place = store.rows([victim])[0].place
    file = quick_path / "store" / "packs" / f"{pack.number:08d}.pack"
    raw = bytearray(file.read_bytes())
    raw[place.offset + place.length - 5] ^= 4
    file.write_bytes(raw)
    for _ in range(KILLS):
        killed(quick_path, chance, "verify")
        with opened(quick_path) as store:
            check_round(store)
    with opened(quick_path) as store:
        report = verify.run(store, verify.plan(store))
        assert [victim] in [problem.messages for problem in report.problems]
        assert verify.plan(store).numbers["goes_on"] == 0


def check_round(store: Store) -> None:
    """What is kept of a round that was killed can be read, or is none."""
    plan = verify.plan(store)
    assert plan.numbers["goes_on"] in (0, 1) and plan.total >= 0


@pytest.mark.parametrize("deleted", [False, True], ids=["as it is", "with deleted ones"])
def test_a_recovery_killed_anywhere_loses_nothing_and_doubles_nothing(
    quick_path: Path, chance: random.Random, deleted: bool
) -> None:
    fill(quick_path, 0, MAILS, (1, 2))
    with opened(quick_path) as store:
        everything = shown(store)
        if deleted:
            gone = chance.sample(list(store.catalogue.numbers()), 40)
            store.delete(gone, reason="a test", by="me")
        wanted = shown(store)
    for kill in range(KILLS):
        killed(quick_path, chance, "recover", *(["deleted"] if deleted else []))
        with opened(quick_path) as store:
            there = shown(store)
            assert not wanted - there and not there - everything
            check_invariants(store, index=kill % 5 == 4)
    with opened(quick_path) as store:
        assert recover.run(store, recover.plan(store, deleted=deleted)).ok
        assert shown(store) == (everything if deleted else wanted)
        check_invariants(store, index=True)
        assert not deleted or leftovers.count(store) >= 40
