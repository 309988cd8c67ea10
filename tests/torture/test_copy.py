"""A store folder that is copied while it is written, as `cp -r` does it: the copy tells the truth about itself.

It is refused, or opened; what was acknowledged before the copy began is there byte for byte, or `attach` says that the
copy is not whole; nobody ever gets other bytes than came in; and recover brings a copy back to what it proves.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import time
from pathlib import Path

import pytest

from archive.store import Store, StoreError
from archive.store.contract import check_invariants
from archive.store.errors import Damaged, NotFound
from archive.store.operations import attach, recover
from tests.archive.store.grounds import KEYS
from tests.torture.child import PACK_BYTES
from tests.torture.mails import made
from tests.torture.processes import Child

pytestmark = pytest.mark.torture

COPIES = 50 if os.environ.get("POSTKEEP_TORTURE") else 3


def copy_slowly(source: Path, target: Path, chance: random.Random) -> None:
    """File by file and piece by piece, in an order of the day; what goes meanwhile is missing."""
    names = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    chance.shuffle(names)
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        with (
            contextlib.suppress(FileNotFoundError),
            (source / name).open("rb") as file,
            (target / name).open("wb") as copied,
        ):
            while piece := file.read(1 << 16):
                copied.write(piece)
                if chance.random() < 0.05:
                    time.sleep(0.002)


def test_a_folder_that_was_copied_while_it_was_written_never_lies(quick_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}, {COPIES} copies")
    chance = random.Random(seed)
    root, work = quick_path / "store", quick_path / "work"
    Store.create(root, work, KEYS).close()
    child = Child.start("churn", root, work)
    try:
        for number in range(COPIES):
            child.wait_for("kept", 5 * (number + 2))
            before = {int(which): int(kept) for which, kept, _ in child.heard("kept")}
            place = quick_path / f"copy {number}"
            copy_slowly(root, place / "store", chance)
            with contextlib.suppress(StoreError):  # refused: that is no lie
                judge(place, before)
            shutil.rmtree(place)
        assert child.process.poll() is None, child.lines[-3:]
    finally:
        child.kill()


def judge(place: Path, before: dict[int, int]) -> None:
    with Store.open(place / "store", place / "work", KEYS, pack_bytes=PACK_BYTES) as store:
        report = attach.run(store, attach.plan(store))
        said = {number for problem in report.problems for number in problem.messages}
        for which, number in before.items():
            try:
                assert store.read(number) == made(which)
            except (Damaged, NotFound):
                assert number in said or not report.ok, f"mail {which} is missing, and nobody says so"
        recover.run(store, recover.plan(store))
        check_readable(store)
        if report.ok:
            check_invariants(store)


def check_readable(store: Store) -> None:
    """Every message that can be read is one that came in."""
    for number in store.catalogue.numbers():
        with contextlib.suppress(Damaged, NotFound):
            content = store.read(number)
            subject = store.known_row(number).subject
            assert content == made(int(subject.split()[-1]))
