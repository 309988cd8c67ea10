"""A disk without room: a clear error that says it will pass, nothing acknowledged lost, and all goes on afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.store import Ingest, Store
from archive.store.contract import check_invariants
from archive.store.errors import StoreFull
from tests.archive.store.grounds import KEYS
from tests.torture.child import PACK_BYTES
from tests.torture.mails import made
from tests.torture.processes import Child

pytestmark = pytest.mark.torture

ROOM_BYTES = 100_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk; the test with limited files covers part of it")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def check_kept(store: Store, child: Child) -> None:
    kept = {int(which): int(number) for which, number, _ in child.heard("kept")}
    for which, number in kept.items():
        assert store.read(number) == made(which)


@pytest.mark.parametrize("full", ["store", "work"])
def test_an_import_onto_a_full_disk_fails_clearly_and_goes_on_when_there_is_room(
    small_disk: Path, quick_path: Path, full: str
) -> None:
    root = (small_disk if full == "store" else quick_path) / "store"
    work = (small_disk if full == "work" else quick_path) / "work"
    Store.create(root, work, KEYS).close()
    filler = small_disk / "filler"
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    filler.write_bytes(bytes(free - ROOM_BYTES))
    child = Child.start("ingest", root, work, 1, 0, 96)
    assert child.join() == 2, child.lines[-3:]
    ((kind, permanent, *_),) = child.heard("failed")
    assert (kind, permanent) == (StoreFull.__name__, "False")
    filler.unlink()
    with Store.open(root, work, KEYS, pack_bytes=PACK_BYTES) as store:
        check_kept(store, child)
        check_invariants(store)
    again = Child.start("ingest", root, work, 1, 0, 96)
    assert again.join() == 0, again.lines[-3:]
    assert again.heard("done") and len(again.heard("kept")) == 96
    with Store.open(root, work, KEYS, pack_bytes=PACK_BYTES) as store:
        assert store.facts().messages == 96
        check_invariants(store, index=True)


@pytest.mark.parametrize("operation", ["compact", "merge"])
def test_an_operation_on_a_full_disk_fails_clearly_and_is_finished_when_there_is_room(
    small_disk: Path, quick_path: Path, operation: str
) -> None:
    root, work = small_disk / "store", quick_path / "work"
    source_at = quick_path / "source"
    with Store.create(root, work, KEYS, pack_bytes=PACK_BYTES) as store:
        fill_with(store, 0, 70)
        if operation == "compact":
            store.delete(list(store.catalogue.numbers())[::2], reason="a test", by="me")
        wanted = {row.sha256 for row in store.rows(list(store.catalogue.numbers()))}
    if operation == "merge":
        with Store.create(source_at / "store", source_at / "work", KEYS, pack_bytes=PACK_BYTES) as source:
            fill_with(source, 70, 160)
            wanted |= {row.sha256 for row in source.rows(list(source.catalogue.numbers()))}
    filler = small_disk / "filler"
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    filler.write_bytes(bytes(free - ROOM_BYTES))
    arguments = [operation] if operation == "compact" else [operation, source_at / "store", source_at / "work"]
    child = Child.start("operate", root, work, *arguments)
    assert child.join() == 2, child.lines[-3:]
    ((kind, permanent, *_),) = child.heard("failed")
    assert (kind, permanent) == (StoreFull.__name__, "False")
    with Store.open(root, work, KEYS, pack_bytes=PACK_BYTES) as store:
        check_invariants(store)
    filler.unlink()
    again = Child.start("operate", root, work, *arguments)
    assert again.join() == 0, again.lines[-3:]
    with Store.open(root, work, KEYS, pack_bytes=PACK_BYTES) as store:
        assert {row.sha256 for row in store.rows(list(store.catalogue.numbers()))} == wanted
        check_invariants(store, index=True)


def fill_with(store: Store, first: int, last: int) -> None:
    with Ingest(store, 1) as ingest:
        for number in range(first, last):
            if number % 97 != 96:
                ingest.put("Inbox", content=made(number))


def test_an_import_into_files_that_may_not_grow_fails_clearly_and_loses_nothing(tmp_path: Path) -> None:
    root, work = tmp_path / "store", tmp_path / "work"
    Store.create(root, work, KEYS).close()
    child = Child.start("limited", root, work, 200_000, 400)
    assert child.join() == 2, child.lines[-3:]
    ((kind, permanent, *_),) = child.heard("failed")
    assert (kind, permanent) in ((StoreFull.__name__, "False"), ("StorageFailed", "False"))
    with Store.open(root, work, KEYS, pack_bytes=PACK_BYTES) as store:
        check_kept(store, child)
        check_invariants(store)
    again = Child.start("ingest", root, work, 1, 0, 90)
    assert again.join() == 0, again.lines[-3:]
