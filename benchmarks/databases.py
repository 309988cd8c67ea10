"""Stores in PostgreSQL beside those in folders: importing, sealing, compacting of the same mails, in the same run.

Our own PostgreSQL with our settings, packs sealed into a folder. A part of the section `stores`, not one of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archive.store import Ingest, Keys, Store
from archive.store.operations import seal, verify
from archive.store.postgres import Database, FileObjects, PostgresBackend
from archive.store.postgres.backend import PACK_BYTES
from benchmarks.figures import Target, table
from benchmarks.quiet import own_servers
from benchmarks.section import Result
from config import servers

# A database writes each byte twice (its log, then its files), so half as fast is what can be hoped for at best.
INGEST_SHARE = 0.4


@contextmanager
def in_database(place: Path, keys: Keys) -> Iterator[Store]:
    """An empty store in a PostgreSQL of its own."""
    with own_servers(place / "home") as sockets:
        database = Database(f"host={sockets} user={servers.ACCOUNT} dbname=postkeep", "store_benchmark")
        backend = PostgresBackend.create(database, FileObjects(place / "packs"))
        with Store.create_in(backend, place / "work", keys, pack_bytes=PACK_BYTES) as store:
            yield store


def filled(store: Store, messages: Iterable[bytes]) -> float:
    """How many seconds it takes until all of them are kept; the index comes later."""
    store.mailbox(1, "all@example.org")
    started = time.perf_counter()
    with Ingest(store, 1, index="no") as ingest:
        for at, content in enumerate(messages):
            ingest.put(f"Folder {at % 20}", content=content)
    return time.perf_counter() - started


def measure(place: Path, keys: Keys, messages: list[bytes]) -> Result:
    """Seconds of each, and what the database holds before and after its packs have left it."""
    with Store.create(place / "folder", place / "folder-work", keys) as store:
        folder = filled(store, messages)
    with in_database(place, keys) as store:
        backend = store.backend
        assert isinstance(backend, PostgresBackend)
        found: Result = {"messages": len(messages), "raw_bytes": sum(map(len, messages)), "folder": folder}
        found["database"] = filled(store, messages)
        found["before"] = backend.size_bytes()
        started = time.perf_counter()
        moved = seal.run(store, seal.plan(store))
        found |= {"seal": time.perf_counter() - started, "sealed_bytes": moved.numbers["bytes"]}
        started = time.perf_counter()
        report = verify.run(store, verify.plan(store, [part for part in verify.PARTS if part != "index"]))
        if not (report.ok and moved.ok):
            raise RuntimeError(f"stores in PostgreSQL: {[*moved.problems, *report.problems][:3]}")
        found["verify"] = time.perf_counter() - started
    return found


def ratio(found: Result) -> float:
    """How fast a database takes mail, compared with a folder (1 = as fast)."""
    return float(found["folder"] / found["database"])


def tables(found: Result) -> str:
    messages, raw = found["messages"], found["raw_bytes"]
    rows = [
        (name, f"{found[key]:.2f}", f"{messages / found[key]:,.0f}", f"{raw / 1e6 / found[key]:,.0f}")
        for name, key in (("import into a folder", "folder"), ("import into PostgreSQL", "database"))
    ]
    said = (
        f"Stores in PostgreSQL: {ratio(found):.0%} of a folder's speed. {found['sealed_bytes'] / 1e6:,.0f} MB of packs "
        f"left the database in {found['seal']:.1f} s, read back; verified in {found['verify']:.1f} s.\n\n"
    )
    return said + table(("", "s", "messages/s", "MB/s"), rows)


def targets(found: Result) -> list[Target]:
    return [Target("import into PostgreSQL ÷ into a folder", ratio(found), INGEST_SHARE, at_least=True)]
