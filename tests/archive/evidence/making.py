"""Stores, checkpoints and packages for tests of the evidence, without a database."""

from __future__ import annotations

import datetime
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from archive.evidence import checkpoints
from archive.evidence.leaves import Leaves
from archive.evidence.packages import Message, PackageWriter, StoreProof
from archive.evidence.tree import prove
from archive.store import Ingest, Keys, Store

VERIFIER = Path(__file__).parents[3] / "deploy" / "verifier" / "verify_package.py"
MAILS = [
    b"From: ann@example.net\r\nSubject: Lunch\r\n\r\nShall we?\r\n",
    b"From: bob@example.org\nSubject: Quoting\n\nFrom here on\n>From there on\nno newline at the end",
    b"\n",
    b"From: cat@example.com\nSubject: Attached\n\n" + bytes(range(256)) * 4,
]


def load_verifier() -> ModuleType:
    """The offline verifier, as a file of its own."""
    spec = importlib.util.spec_from_file_location("verify_package", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_store(place: Path, mails: Sequence[bytes] = MAILS) -> Store:
    keys = Keys(os.urandom(32), X25519PrivateKey.generate().public_key().public_bytes_raw())
    store = Store.create(place / "store", place / "work", keys)
    add(store, mails)
    return store


def add(store: Store, mails: Sequence[bytes]) -> None:
    store.mailbox(1, "ann@example.net")
    with Ingest(store, 1, index="no") as ingest:
        for mail in mails:
            ingest.put("Inbox", content=mail)


def sign(store: Store, key: Ed25519PrivateKey, previous: str = "") -> checkpoints.Checkpoint:
    now = datetime.datetime.now(datetime.UTC)
    return checkpoints.make(
        store, Leaves(store).catch_up(), key, at=now, server="https://mail.example.org", previous=previous
    )


def make_package(
    path: Path,
    store: Store,
    *,
    kind: str = "eml",
    numbers: Sequence[int] | None = None,
    key: Ed25519PrivateKey | None = None,
    stamp: bytes = b"",
) -> Ed25519PrivateKey:
    """A package of some of a store's messages; the key it is signed with."""
    key = key or Ed25519PrivateKey.generate()
    made = sign(store, key)
    checkpoint = checkpoints.Checkpoint(made.statement, made.key, made.signature, stamp)
    leaves = Leaves(store)
    trees = leaves.catch_up()
    wanted = list(numbers if numbers is not None else range(1, trees.count + 1))
    named, places = leaves.named(wanted), trees.places(wanted)
    writer = PackageWriter(path, kind=kind, messages=len(wanted), size_bytes=1000)
    for number in wanted:
        about = {"id": f"1:{number}", "subject": "…", "folders": []}
        writer.add(Message(store.identity, named[number], places[number], about), store.stream(number))
    nodes = prove(trees.hashes(), trees.count, sorted(places.values()))
    head = {
        "made": "2026-11-29T12:00:00+00:00", "made_by": "user:auditor@example.org",
        "server": "https://mail.example.org", "reason": "a test", "left_out": [],
    }  # fmt: skip
    proof = StoreProof(store.identity, "Main", checkpoint, nodes)
    writer.finish(head, [proof], key, texts={"README.txt": b"Read me.\n", "log.json": b"[]\n"})
    return key
