"""kill -9 at random moments of a backup, and a full destination: what is listed is whole, the next run goes on."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from archive.backup import checking, restoring
from archive.backup.destination import FolderDestination
from archive.backup.errors import DestinationFull
from archive.backup.manifest import list_sets, open_key
from archive.store import Ingest, Store
from archive.store.contract import check_invariants
from tests.archive.backup.grounds import back_up
from tests.archive.store.grounds import KEYS
from tests.torture.child import PACK_BYTES
from tests.torture.mails import made
from tests.torture.processes import Child
from tests.torture.test_full_disk import ROOM_BYTES, fill_with, small_disk

__all__ = ["small_disk"]

pytestmark = pytest.mark.torture

KILLS = 50 if os.environ.get("POSTKEEP_TORTURE") else 10


def opened(place: Path) -> Store:
    return Store.open(place / "store", place / "work", KEYS, pack_bytes=PACK_BYTES)


def add(place: Path, first: int, last: int) -> dict[str, bytes]:
    """More mail; all that the store holds then."""
    with opened(place) as store:
        with Ingest(store, 1, index="no") as ingest:
            for number in range(first, last):
                ingest.put("Inbox", content=made(number))
        return {row.sha256: store.read(row.number) for row in store.rows(list(store.catalogue.numbers()))}


def test_a_backup_killed_anywhere_leaves_whole_sets_only_and_the_next_one_goes_on(quick_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}, {KILLS} kills")
    chance = random.Random(seed)
    Store.create(quick_path / "store", quick_path / "work", KEYS, pack_bytes=PACK_BYTES).close()
    destination = FolderDestination(quick_path / "destination")
    for kill in range(KILLS):
        if kill % 3 == 0:
            add(quick_path, 30 * kill, 30 * kill + 40)
        child = Child.start("back_up", quick_path / "store", quick_path / "work", destination.root)
        child.wait_for("begun")
        child.wait_for("step", chance.randrange(1, 12))
        time.sleep(chance.random() ** 3 * 0.1)
        child.kill()
        listed = list_sets(destination)
        # What was said to stand does, unless newer ones have pushed it out.
        assert {set_id for (set_id,) in child.heard("made")} <= {each.set for each in listed}
        assert all(each.manifest is not None for each in listed)
        for each in listed:
            assert each.manifest is not None
            assert checking.run(destination, each.manifest, checking.plan(each.manifest, deep=kill == KILLS - 1)).ok
    wanted = add(quick_path, 5000, 5010)
    with opened(quick_path) as store:
        manifest = back_up(destination, store)
    place = quick_path / "again"
    key = open_key(destination, manifest.key, master=KEYS.master)
    restoring.restore_store(destination, manifest.stores[0], place / "store", key=key, set_id=manifest.set)
    with opened(place) as again:
        assert {row.sha256: again.read(row.number) for row in again.rows(list(again.catalogue.numbers()))} == wanted
        check_invariants(again)


def test_a_destination_without_room_says_so_and_no_half_set_is_taken_for_a_whole_one(
    small_disk: Path, quick_path: Path
) -> None:
    with Store.create(quick_path / "store", quick_path / "work", KEYS, pack_bytes=PACK_BYTES) as store:
        fill_with(store, 0, 90)
        destination = FolderDestination(small_disk / "destination")
        filler = small_disk / "filler"
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        filler.write_bytes(bytes(free - ROOM_BYTES))
        with pytest.raises(DestinationFull, match="no room is left"):
            back_up(destination, store)
        assert list_sets(destination) == [] and not list(destination.root.rglob("*.tmp"))
        filler.unlink()
        manifest = back_up(destination, store)
        assert checking.run(destination, manifest, checking.plan(manifest)).ok
        assert manifest.bytes_written < manifest.bytes, "what had found room was used"
