"""Makes a golden store of the present format: `python -m tests.archive.store.golden.make FILE.zip`.

Run once for each version of the format, by the code that wrote it; what it made is kept for ever, and every later
version must read it (`test_golden`), with the catalogue it had and without. Not run by tests.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path

from archive.store import Store
from archive.store.contract import keep, letter, mail, noise
from archive.store.journal import Position
from archive.store.operations import compact
from tests.archive.store.grounds import KEYS


def make(target: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "store"
        with Store.create(root, Path(place) / "work", KEYS, pack_bytes=4000) as store:
            fill(store)
            said = manifest(store)
            store.catalogue.tidy()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(root.rglob("*")):
                if path.is_file() and path.suffix != ".lock":
                    archive.write(path, path.relative_to(root).as_posix())
            for name in ("store", "catalogue.sqlite"):
                archive.write(Path(place) / "work" / name, f"work/{name}")
            archive.writestr("MANIFEST.json", json.dumps(said, indent=1))


def fill(store: Store) -> None:
    """Something of all that the format has: labels, folders, a dictionary, deletions, a compaction, an open pack."""
    store.mailbox(1, "ann@example.org")
    store.mailbox(2, "bob@example.org")
    folders = [store.ensure_folder(1, "Inbox"), store.ensure_folder(1, "Inbox/Größe"), store.ensure_folder(2, "Inbox")]
    samples = [mail(f"sample {at}", f"The report of day {at} of year {at % 9} follows.\r\n" * 3) for at in range(60)]
    numbers = [number for at in range(6) for number in keep(store, folders[at % 3], samples[at], samples[at + 1])]
    store.train_dictionary(samples)
    for at in range(8, 24):
        numbers += keep(
            store, folders[at % 3], samples[at], mail(f"noise {at}", hashlib.sha512(b"%d" % at).hexdigest())
        )
    store.delete(numbers[2:20:3], reason="made for a test", by="golden")
    store.delete(numbers[1:2], folder=folders[0], reason="from one folder", by="golden")
    compact.run(store, compact.plan(store))
    keep(store, folders[0], b"", b"no header at all", mail("last", "after the compaction"))
    store.mailbox(2, "robert@example.org")
    store.ensure_folder(1, "Gone/deeper")
    store.move_folder(1, "Gone/deeper", "Kept")
    store.remove_folders([number for number in [store.find_folder(1, "Gone")] if number is not None])
    shared = noise(1, 26_000)
    keep(store, folders[0], letter("one", shared), letter("gone", noise(2, 25_000)))
    store.delete(
        keep(store, folders[2], letter("two", shared, line=72), letter("first", shared))[1:], reason="x", by="golden"
    )
    keep(store, folders[1], letter("three", shared, ending=b"\n"))
    store.delete(keep(store, folders[1], mail("erased"))[:1], reason="nothing may stay", by="golden", erase=True)


def manifest(store: Store) -> dict[str, object]:
    paths = {folder.number: [folder.mailbox, folder.path] for folder in store.folders()}
    rows = store.rows(list(store.catalogue.numbers()))
    return {
        "mailboxes": store.catalogue.mailboxes(),
        "records": sum(1 for _ in store.journal.read(Position())),
        "messages": [
            {
                "number": row.number, "sha256": row.sha256, "size": row.size, "date": row.date,
                "archived_ms": row.archived_ms, "subject": row.subject,
                "folders": [paths[folder] for folder, _ in row.placements],
            }
            for row in rows
        ],
    }  # fmt: skip


if __name__ == "__main__":
    make(Path(sys.argv[1]))
