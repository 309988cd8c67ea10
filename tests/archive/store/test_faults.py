"""A fault at every single call of adding, deleting, training and compacting: nothing acknowledged is ever lost.

For each call number n the same work starts from the same store; at the n-th changing call the backend refuses, writes
half, or the process dies (then, with memory behind, also without what was not synced). Afterwards a new process opens
the store: the invariants hold, every acknowledged message is there, and the same work can be done again to its end.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import itertools
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive.mail.extract import extract
from archive.store import journal
from archive.store.adding import Incoming
from archive.store.backend import MemoryBackend
from archive.store.codec import squeeze_stream
from archive.store.contract import bring_index, check_invariants, keep, letter, mail
from archive.store.contract.making import noise as attached
from archive.store.errors import Damaged, StoreError
from archive.store.faulty import Fault, FaultyBackend, Killed
from archive.store.layout import make_store
from archive.store.operations import compact, merge, recover
from archive.store.parts import LEAST_BYTES
from archive.store.store import Store

from .grounds import KEYS

PACK_BYTES = 6000
SHARED, OTHER = attached(1, LEAST_BYTES), attached(2, LEAST_BYTES)
SEGMENT_BYTES = 1500
THOROUGH = bool(os.environ.get("POSTKEEP_TORTURE"))

pytestmark = pytest.mark.torture

Work = Callable[[Store], list[bytes]]


@dataclass
class Base:
    """A store to begin with: its bytes, its work folder, and what had been acknowledged."""

    memory: MemoryBackend
    work: Path
    identity: str
    key: bytes
    kept: dict[int, bytes]


class Run:
    """One run on a copy of the base, with a fault planned."""

    def __init__(self, base: Base, place: Path) -> None:
        self.base = base
        memory = MemoryBackend()
        memory.files, memory.synced = copy.deepcopy(base.memory.files), dict(base.memory.synced)
        self.backend = FaultyBackend(memory)
        self.work = place
        shutil.copytree(base.work, place)

    def open(self) -> Store:
        store = Store(self.backend, self.work, self.base.key, self.base.identity, pack_bytes=PACK_BYTES)
        store.refresh()
        return store

    def open_anyhow(self) -> Store:
        """As `Store.open(repair=True)` does: what is damaged is left to recover."""
        store = Store(self.backend, self.work, self.base.key, self.base.identity, pack_bytes=PACK_BYTES)
        with contextlib.suppress(Damaged):
            store.refresh()
        return store


@pytest.fixture(autouse=True)
def tiny_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journal segments that are full after a few records."""
    real = journal.Journal.__init__

    def small(self: journal.Journal, *arguments: object) -> None:
        real(self, *arguments, segment_bytes=SEGMENT_BYTES)  # type: ignore[arg-type]

    monkeypatch.setattr(journal.Journal, "__init__", small)


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def some_mail(name: str, size: int = 300) -> bytes:
    return mail(name, noise(hash_of(name), size).hex())


def hash_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")


@pytest.fixture
def base(quick_path: Path, tiny_segments: None) -> Base:
    memory = MemoryBackend()
    identity, key = make_store(memory, KEYS)
    with Store(memory, quick_path / "base", key, identity, pack_bytes=PACK_BYTES) as store:
        store.mailbox(1, "a@example.org")
        folder = store.ensure_folder(1, "Inbox")
        store.ensure_folder(2, "Theirs/deep")
        contents = [some_mail(f"old {at}") for at in range(14)]
        numbers = [number for at in range(0, 14, 2) for number in keep(store, folder, *contents[at : at + 2])]
        kept = dict(zip(numbers, contents, strict=True))
        # An attachment that two messages share, one of which goes; and one that goes with its only message.
        more = [letter("shared", SHARED), letter("shared too", SHARED), letter("alone", attached(9, LEAST_BYTES))]
        numbers += keep(store, folder, *more)
        kept |= dict(zip(numbers[-3:], more, strict=True))
        for number in [*numbers[2:9], *numbers[-2:]]:
            store.delete([number], reason="a test", by="me")
            del kept[number]
        bring_index(store)
        assert len(store.catalogue.packs()) > 1 and len(store.journal.segments()) > 1
        store.catalogue.tidy()
    return Base(memory, quick_path / "base", identity, key, kept)


def add_batch(store: Store) -> list[bytes]:
    """Two batches: one fills the pack, one begins the next; one content twice, one that is known."""
    acknowledged: list[bytes] = []
    folder, other = store.ensure_folder(1, "Inbox"), store.ensure_folder(2, "Theirs/new")
    for batch in (0, 1, 2):
        contents = [some_mail(f"new {batch} {at}", 800) for at in range(3)]
        contents[2:] = [letter("attached", SHARED), letter("attached too", OTHER)][batch : batch + 1] or contents[2:]
        keep(store, folder, *contents, contents[0], some_mail("old 0"))
        keep(store, other, contents[1])
        acknowledged += contents
    return acknowledged


def add_large(store: Store) -> list[bytes]:
    """A message of many frames, streamed (the format asks for frames of at most 4 MiB, so small ones do)."""
    content = mail("large", "x" * 100) + noise(1, 5000)
    pieces = [content[at : at + 1000] for at in range(0, len(content), 1000)]
    one = Incoming(
        hashlib.sha256(content).digest(), len(content), 7, store.ensure_folder(1, "Inbox"),
        lambda: squeeze_stream(pieces, store.dictionaries, 0), None, lambda: extract(content),
    )  # fmt: skip
    store.add([one])
    return [content]


def train(store: Store) -> list[bytes]:
    """A dictionary, and a message compressed with it."""
    store.train_dictionary([some_mail(f"sample {at}", 400) for at in range(60)])
    content = some_mail("with the dictionary", 400)
    keep(store, store.ensure_folder(1, "Inbox"), content)
    return [content]


def delete(store: Store) -> list[bytes]:
    """Deletes what was there, all of it."""
    numbers = list(store.catalogue.numbers())
    store.delete(numbers[:2], folder=store.ensure_folder(1, "Inbox"), reason="a test", by="me")
    store.delete(numbers[2:], reason="a test", by="me")
    return []


def compacting(store: Store) -> list[bytes]:
    """Gives back the bytes of what was deleted, and keeps something afterwards."""
    compact.run(store, compact.plan(store))
    content = some_mail("after compaction")
    keep(store, store.ensure_folder(1, "Inbox"), content)
    return [content]


def erasing(store: Store) -> list[bytes]:
    """Nothing of what was erased may stay: a dictionary made of it goes, and what was compressed with it is anew."""
    folder = store.ensure_folder(1, "Inbox")
    contents = [some_mail(f"sample {at}", 60) for at in range(60)]
    numbers = keep(store, folder, *contents[:3])
    store.train_dictionary(contents)
    keep(store, folder, *contents[3:6])
    store.delete(numbers[:1], reason="a test", by="me", erase=True)
    compact.run(store, compact.plan(store))
    return contents[1:6]


def merging(store: Store) -> list[bytes]:
    """Brings another store's messages, some known here; its own bytes never fail."""
    place = Path(tempfile.mkdtemp(dir=store.work.parent))
    memory = MemoryBackend()
    identity, key = make_store(memory, KEYS)
    contents = [some_mail(f"theirs {at}", 300) for at in range(5)]
    with Store(memory, place, key, identity) as source:
        folder, other = source.ensure_folder(2, "Theirs/deep"), source.ensure_folder(9, "New")
        contents += [letter("theirs", SHARED), letter("theirs too", OTHER)]
        keep(source, folder, *contents, some_mail("old 0"))
        keep(source, other, contents[0])
        merge.run(store, source, merge.plan(store, source))
    shutil.rmtree(place)
    return contents


def bringing_back(store: Store) -> list[bytes]:
    """Brings back what was deleted, then keeps something."""
    recover.run(store, recover.plan(store, deleted=True))
    content = some_mail("after bringing back")
    keep(store, store.ensure_folder(1, "Inbox"), content)
    return [content]


WORKS: dict[str, Work] = {
    "add": add_batch, "add a large one": add_large, "train": train, "delete": delete, "compact": compacting,
    "merge": merging, "bring back": bringing_back,
}  # fmt: skip
if THOROUGH:
    WORKS["erase"] = erasing  # with every call of a rebuilt index, it takes minutes


def faults_for(call: int) -> Iterator[Fault]:
    """All of them where there is time, else a changing third of them for each call."""
    for at, fault in enumerate(Fault):
        if THOROUGH or (at + call) % 3 == 0:
            yield fault


@pytest.mark.parametrize("name", list(WORKS))
def test_a_fault_at_any_call_loses_nothing_and_the_work_can_be_done_again(name: str, base: Base) -> None:
    work = WORKS[name]
    for call in itertools.count(1):
        fired = [one_fault(base, work, call, fault) for fault in faults_for(call)]
        if not any(fired):
            assert call > 4, "the work makes no calls"
            break


def one_fault(base: Base, work: Work, call: int, fault: Fault) -> bool:
    """Whether the work got as far as that call."""
    run = Run(base, base.work.with_name(f"run {call} {fault.name}"))
    store = run.open()
    run.backend.plan(call, fault)
    survived = True
    try:
        work(store)
    except StoreError as error:
        assert fault in (Fault.FULL, Fault.FAILED, Fault.TORN), error
        assert not error.permanent
    except Killed:
        survived = False
    fired = run.backend.fired
    try:
        if survived:
            run.backend.revive()  # the same process goes on
        else:
            run.backend.crash()
            store.catalogue.close()
            store = run.open()
        check(store, base, work)
        done = work(store)
        check(store, base, work, index=THOROUGH or call % 5 == 0, also=done)
        store.catalogue.close()
    except Exception as error:
        raise AssertionError(f"after call {call}: {fault.value}") from error
    shutil.rmtree(run.work)
    return fired


def check(store: Store, base: Base, work: Work, *, index: bool = False, also: list[bytes] | None = None) -> None:
    """Invariants; what was there before is there (unless it was to be deleted); what was acknowledged now, once."""
    store.refresh()
    check_invariants(store, index=index)
    if work is not delete:
        for number, content in base.kept.items():
            assert store.read(number) == content
    for content in also or []:
        found = store.catalogue.find_sha256([hashlib.sha256(content).digest()])
        assert [store.read(number) for number in found.values()] == [content]


def test_recover_killed_at_any_call_still_keeps_every_message_when_it_runs_again(base: Base) -> None:
    for call in itertools.count(1):
        for fault in (Fault.KILLED_BEFORE, Fault.KILLED_TORN, Fault.KILLED_AFTER)[:: 1 if THOROUGH else 2]:
            run = Run(base, base.work.with_name(f"recover {call} {fault.name}"))
            damage(run)
            store = run.open_anyhow()
            run.backend.plan(call, fault)
            with contextlib.suppress(Killed):
                recover.run(store, recover.plan(store))
            fired = run.backend.fired
            run.backend.crash()
            store.catalogue.close()
            store = run.open_anyhow()
            recover.run(store, recover.plan(store))
            found = {store.read(number) for number in store.catalogue.numbers()}
            assert found >= set(base.kept.values()), f"call {call}, {fault.value}"
            check_invariants(store)
            store.catalogue.close()
            shutil.rmtree(run.work)
        if not fired:
            assert call > 4
            break


def damage(run: Run) -> None:
    """Bytes of a record in the middle of the journal become others."""
    memory = run.backend.inner
    assert isinstance(memory, MemoryBackend)
    segment = memory.files["journal/00000001.log"]
    segment[len(segment) // 2 : len(segment) // 2 + 8] = b"DAMAGED!"
