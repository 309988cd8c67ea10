"""Two imports and twenty readers on one store at once, in processes and threads, while messages are deleted."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import pytest

from archive.store import Store
from archive.store.contract import check_invariants
from archive.store.operations import compact
from tests.archive.store.grounds import KEYS
from tests.torture import child as reading
from tests.torture.child import PACK_BYTES
from tests.torture.processes import Child

pytestmark = pytest.mark.torture

MAILS = 4000 if os.environ.get("POSTKEEP_TORTURE") else 180
SECONDS = 60 if os.environ.get("POSTKEEP_TORTURE") else 2


def test_two_imports_and_twenty_readers_while_messages_are_deleted(quick_path: Path) -> None:
    root, work = quick_path / "store", quick_path / "work"
    with Store.create(root, work, KEYS, pack_bytes=PACK_BYTES) as store:
        # Half of what the second brings is what the first brings too, into another mailbox.
        importers = [
            Child.start("ingest", root, work, 1, 0, MAILS),
            Child.start("ingest", root, work, 2, MAILS // 2, MAILS + MAILS // 2),
        ]
        readers = [Child.start("read", root, work, SECONDS, 5) for _ in range(2)]
        wrong: list[BaseException] = []
        stop = threading.Event()
        threads = [threading.Thread(target=keep_looking, args=(store, which, stop, wrong)) for which in range(10)]
        for thread in threads:
            thread.start()
        try:
            deleted = delete_while(store, importers)
            compact.run(store, compact.plan(store))
            for importer in importers:
                assert importer.join() == 0, importer.lines[-3:]
                assert len(importer.heard("kept")) == MAILS
            for reader in readers:
                assert reader.join() == 0 and reader.heard("done"), reader.lines
        finally:  # nobody may be reading when the store is closed
            stop.set()
            for thread in threads:
                thread.join(60)
        assert not wrong, wrong
        assert deleted
        check_invariants(store, index=True)
        kept = {int(number) for importer in importers for _, number, _ in importer.heard("kept")}
        assert set(store.catalogue.numbers()) == kept - deleted


def keep_looking(store: Store, which: int, stop: threading.Event, wrong: list[BaseException]) -> None:
    chance = random.Random(which)
    try:
        while not stop.is_set():
            reading.look(store, chance)
            time.sleep(0.005)
    except BaseException as error:
        wrong.append(error)


def delete_while(store: Store, importers: list[Child]) -> set[int]:
    """Delete a few here and there until the imports are done; a number once deleted never comes back."""
    chance, deleted = random.Random(5), set[int]()
    while any(importer.process.poll() is None for importer in importers):
        if numbers := list(store.catalogue.numbers()):
            some = set(chance.sample(numbers, min(len(numbers), 3)))
            store.delete(sorted(some), reason="a test", by="me")
            deleted |= some
        time.sleep(0.02)
    return deleted
