"""Stores to back up, and the places they are backed up to."""

from __future__ import annotations

from pathlib import Path

from archive.backup.destination import Destination
from archive.backup.manifest import Manifest, key_for_writing, open_key
from archive.backup.s3 import Bucket, S3Destination
from archive.backup.writing import Subject, Writer
from archive.store import Ingest, Store
from tests.archive.store.grounds import KEYS
from tests.s3 import S3
from tests.torture.mails import made

PACK_BYTES = 200_000


def store_at(place: Path) -> Store:
    root = place / "store"
    if (root / "store.json").exists():
        return Store.open(root, place / "work", KEYS, pack_bytes=PACK_BYTES)
    return Store.create(root, place / "work", KEYS, pack_bytes=PACK_BYTES)


def fill(store: Store, first: int, last: int, *, mailbox: int = 1, folder: str = "Inbox") -> None:
    store.mailbox(mailbox, f"{mailbox}@example.org")
    with Ingest(store, mailbox) as ingest:
        for number in range(first, last):
            ingest.put(folder, content=made(number))


def contents(store: Store) -> dict[str, bytes]:
    """What it holds, by hash."""
    return {row.sha256: store.read(row.number) for row in store.rows(list(store.catalogue.numbers()))}


def placed(store: Store, mailbox: int) -> set[tuple[str, str]]:
    """(folder, hash) of everything in a mailbox."""
    paths = {folder.number: folder.path for folder in store.folders(mailbox)}
    rows = store.rows(list(store.catalogue.numbers()))
    return {(paths[folder], row.sha256) for row in rows for folder, box in row.placements if box == mailbox}


def back_up(destination: Destination, *stores: Store, indexes: bool = False) -> Manifest:
    key_id, key = key_for_writing(destination, KEYS)
    subjects = [Subject(store, f"Store {number}", f"store-{number}") for number, store in enumerate(stores)]
    with destination.hold():
        return Writer(destination, key_id, key).run(subjects, None, indexes=indexes)


def key_of(destination: Destination, manifest: Manifest) -> bytes:
    return open_key(destination, manifest.key, master=KEYS.master)


def bucket_of(server: S3, prefix: str = "backups/of us") -> S3Destination:
    """A destination in a new bucket; its pauses are short."""
    where = Bucket(server.endpoint, server.new_bucket(), server.region, prefix, server.key, server.secret)
    return S3Destination(where, pause=lambda seconds: None)
