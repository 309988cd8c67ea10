"""The description of the format is enough to read a store without the engine."""

from __future__ import annotations

import random
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest

from archive.store import Ingest, Store
from archive.store.contract import keep, letter, mail, noise
from archive.store.operations import compact

from .grounds import KEYS, RECOVERY
from .reader import read_store


def fill(store: Store) -> None:
    """Several packs, a dictionary, folders in two mailboxes, deletions, compaction, a large one, odd ones."""
    chance = random.Random(7)
    store.mailbox(1, "old@example.org")
    store.mailbox(1, "ann@example.org")
    store.mailbox(2, "bob@example.net")
    inbox, deep = store.ensure_folder(1, "Inbox"), store.ensure_folder(2, "Projekte/Größe/2026")
    contents = [mail(f"note {at}", chance.randbytes(chance.randrange(2000)).hex()) for at in range(120)]
    store.train_dictionary(contents)
    numbers = [number for at in range(0, 120, 10) for number in keep(store, inbox, *contents[at : at + 10])]
    keep(store, deep, *contents[30:60])
    keep(store, deep, b"", b"\0", bytes(range(256)))
    store.delete(numbers[:25], reason="a test", by="me")
    store.delete(numbers[40:50], folder=inbox, reason="a test", by="me")
    compact.run(store, compact.plan(store))
    with Ingest(store, 1, index="no") as ingest:
        ingest.put("Large", spool=BytesIO(mail("large") + chance.randbytes(9 << 20)))
    keep(store, inbox, mail("after it all"))
    first, second = noise(1, 60_000), noise(2, 5 << 20)
    (gone,) = keep(store, inbox, letter("one", first))
    keep(
        store,
        deep,
        letter("two", second, first, line=72),
        letter("three", first, ending=b"\n"),
        letter("4", first, line=99_999),
    )
    keep(store, inbox, mail("body", "x y z\r\n" * 9000), letter("odd", first, line=73) + b"A")
    store.delete([gone], reason="a test", by="me")
    compact.run(store, compact.plan(store))
    store.delete(numbers[60:63], reason="a test", by="me")
    store.move_folder(2, "Projekte", "Old/Projects")
    store.move_messages(numbers[70:80], inbox, store.ensure_folder(1, "Sorted"), by="me")
    store.ensure_folder(1, "Nothing/in it")
    store.remove_folders([folder.number for folder in store.folders()])


def exported(store: Store) -> Counter[tuple[str, str, bytes]]:
    labels = store.catalogue.mailboxes()
    paths = {folder.number: folder.path for folder in store.folders()}
    rows = list(store.iterate(None, mailboxes=None))
    return Counter((labels[row.placements[0][1]], paths[row.placements[0][0]], store.read(row.number)) for row in rows)


@pytest.mark.parametrize("by", ["master", "recovery"])
def test_a_reader_written_from_the_description_reads_what_the_engine_exports(tmp_path: Path, by: str) -> None:
    with Store.create(tmp_path / "store", tmp_path / "work", KEYS, pack_bytes=40_000) as store:
        fill(store)
        assert len(store.catalogue.packs()) > 2 and store.catalogue.packs()[0].number > 1
        wanted = exported(store)
    key = {"master": KEYS.master} if by == "master" else {"recovery": RECOVERY.private_bytes_raw()}
    assert Counter(read_store(tmp_path / "store", **key)) == wanted
    assert len(wanted) > 100
    with (tmp_path / "store" / "journal" / "00000001.log").open("ab") as journal:
        journal.write(b"an unfinished record of some length, longer than its head")
    assert Counter(read_store(tmp_path / "store", **key)) == wanted
