"""A process that works on a store until it is done or killed: `python -m tests.torture.child WHAT ROOT WORK …`.

It says on stdout, line by line, what is acknowledged; what it said must be true whatever happens to it.
"""

from __future__ import annotations

import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from archive.backup import pruning
from archive.backup.destination import FolderDestination
from archive.backup.manifest import key_for_writing, list_sets
from archive.backup.writing import Subject, Writer
from archive.store import Ingest, Store, StoreError, preparing
from archive.store.errors import Busy, NotFound
from archive.store.indexer import Indexer
from archive.store.operations import compact, merge, recover, seal, verify
from archive.store.postgres import Database, FileObjects, PostgresBackend
from config.kit import paths
from tests.archive.store.grounds import KEYS
from tests.torture.mails import made

PACK_BYTES = 300_000


def say(*what: object) -> None:
    sys.stdout.write(" ".join(map(str, what)) + "\n")
    sys.stdout.flush()


def ingest(store: Store, mailbox: str, first: str, last: str) -> None:
    """Imports mails by number; says each one that is durable. Large ones come as a stream."""
    preparing.BESIDE_MESSAGES = 20  # as in a large import
    with Ingest(store, int(mailbox)) as running:
        say("begun")
        for number in range(int(first), int(last)):
            content = made(number)
            if len(content) > 4 << 20:
                running.put(f"Box {number % 3}", spool=BytesIO(content), token=number)
            else:
                running.put(f"Box {number % 3}", content=content, token=number)
            tell(running)
    tell(running)
    say("done", running.indexed)


def tell(running: Ingest) -> None:
    for outcome in running.outcomes():
        say("kept", outcome.token, outcome.number, outcome.state)


def index(store: Store) -> None:
    """Indexes what there is, a commit for each few messages, until all is done."""
    say("begun")
    with Indexer(store) as indexer:
        indexer.advance(on_messages=lambda count: indexer.commit())
    say("done")


def delete_and_compact(store: Store, seed: str) -> None:
    """Deletes a tenth at random, saying what is gone, then gives the bytes back."""
    say("begun")
    numbers = list(store.catalogue.numbers())
    for number in random.Random(int(seed)).sample(numbers, len(numbers) // 10):
        row = store.row(number)
        say("deleting", number)
        store.delete([number], reason="a test", by="me")
        if row is not None:
            say("deleted", number)
    compact.run(store, compact.plan(store))
    say("done")


def churn(store: Store) -> None:
    """Imports, deletes and compacts until it is killed, saying what is kept for good (every fifth is not deleted)."""
    say("begun")
    for first in range(0, 1 << 30, 25):
        with Ingest(store, 1, index="no") as running:
            for number in range(first, first + 25):
                running.put(f"Box {number % 3}", content=made(number), token=number)
            running.finish()
            kept = {outcome.token: outcome.number for outcome in running.outcomes()}
        store.delete([kept[which] for which in kept if which % 5], reason="a test", by="me", erase=first % 100 == 75)
        for which in kept:
            if which % 5 == 0:
                say("kept", which, kept[which], "archived")
        if first % 50 == 25:
            compact.run(store, compact.plan(store))


def seal_packs(store: Store) -> None:
    """Moves sealed packs out of the database."""
    say("begun")
    plan = seal.plan(store)
    report = seal.run(store, plan, lambda done, total, note: say("step", done))
    say("done", report.ok)


def opened(root: str, work: str) -> Store:
    """A store in a folder, or (`postgres:SCHEMA:OBJECTS`) in the database of the tests."""
    if not root.startswith("postgres:"):
        return Store.open(Path(root), Path(work), KEYS, pack_bytes=PACK_BYTES)
    _, schema, objects = root.split(":")
    database = Database(f"host={paths.run_dir()} user=postkeep dbname=postkeep", schema)
    backend = PostgresBackend(database, FileObjects(Path(objects)) if objects else None)
    return Store.open_in(backend, Path(work), KEYS, pack_bytes=PACK_BYTES)


def operate(store: Store, name: str, *arguments: str) -> None:
    """One operation of the engine, saying each step; `merge` takes the other store's folders."""
    say("begun")

    def progress(done: int, total: int, note: str) -> None:
        say("step", done)

    if name == "merge":
        with Store.open(Path(arguments[0]), Path(arguments[1]), KEYS, pack_bytes=PACK_BYTES) as source:
            report = merge.run(store, source, merge.plan(store, source), progress)
    elif name == "verify":
        report = verify.run(store, verify.plan(store), progress)
    elif name == "recover":
        report = recover.run(store, recover.plan(store, deleted=bool(arguments)), progress)
    else:
        report = compact.run(store, compact.plan(store), progress)
    say("done", report.ok)


def back_up(store: Store, destination: str) -> None:
    """A backup to a folder, saying each step and the set when it stands; then old sets go."""
    say("begun")
    there = FolderDestination(Path(destination))
    key_id, key = key_for_writing(there, KEYS)
    with there.hold():
        writer = Writer(there, key_id, key, progress=lambda done, total, note: say("step", done))
        say("made", writer.run([Subject(store, "Store", "store")], None).set)
        pruning.run(there, pruning.plan(there, [each.set for each in list_sets(there)[3:]]))
    say("done")


def read(store: Store, seconds: str, threads: str) -> None:
    """Reads, lists and searches in many threads; says how often, or what went wrong."""
    end = time.monotonic() + float(seconds)
    wrong: list[str] = []
    done = [0] * int(threads)

    def work(which: int) -> None:
        try:
            while time.monotonic() < end:
                look(store, random.Random(which * 1000 + done[which]))
                done[which] += 1
        except Exception as error:
            wrong.append(repr(error))

    crowd = [threading.Thread(target=work, args=(which,)) for which in range(int(threads))]
    say("begun")
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    say(*(["wrong", *wrong] if wrong else ["done", min(done), sum(done)]))


def look(store: Store, chance: random.Random) -> None:
    """One look, as a page takes it: a folder, a search, a message. A message may be gone by the time it is read."""
    folders = store.folders()
    if not folders:
        return
    folder = chance.choice(folders)
    rows = store.list_folder(folder.number, limit=20)
    hits = store.search(chance.choice(("plum", "pear fig", "subject:quince")), mailboxes={folder.mailbox}, limit=20)
    assert len(hits.rows) <= hits.total
    assert all(any(mailbox == folder.mailbox for _, mailbox in row.placements) for row in hits.rows)
    for row in [*rows, *hits.rows][:5]:
        try:
            content = store.read(row.number)
        except NotFound:
            assert store.row(row.number) is None
            continue
        assert len(content) == row.size


def hold(store: Store, name: str) -> None:
    """Holds a lock until killed."""
    with store.backend.lock(name):
        say("begun")
        time.sleep(600)


def limited(store: Store, most: str, last: str) -> None:
    """Imports with files that may not grow beyond a size; says how that ended."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), int(most)))
    say("begun")
    ingest(store, "1", "0", last)


WORKS: dict[str, Callable[..., None]] = {
    "ingest": ingest, "index": index, "compact": delete_and_compact, "read": read, "hold": hold, "limited": limited,
    "operate": operate, "churn": churn, "back_up": back_up, "seal": seal_packs,
}  # fmt: skip


def main() -> int:
    what, root, work, *arguments = sys.argv[1:]
    try:
        with opened(root, work) as store:
            WORKS[what](store, *arguments)
    except Busy as error:
        say("busy", error)
        return 3
    except StoreError as error:
        say("failed", type(error).__name__, error.permanent, error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
