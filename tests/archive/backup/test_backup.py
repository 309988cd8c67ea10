"""Backup sets: what is written and what not twice, what comes back, and what is said when something is wrong."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.backup import checking, pruning, restoring
from archive.backup.destination import Destination, FolderDestination
from archive.backup.errors import (
    DestinationBusy,
    DestinationFailed,
    DestinationFull,
    DestinationRefused,
    InTheWay,
    KeyRefused,
    SetDamaged,
    SetUnknown,
)
from archive.backup.manifest import (
    Manifest,
    key_for_writing,
    list_sets,
    open_key,
    read_set,
    set_name,
    wrong_with_key,
)
from archive.backup.s3 import Bucket, S3Destination
from archive.backup.sealing import seal, sealed_size, unseal
from archive.backup.writing import Subject, Writer, preview
from archive.store import Store
from archive.store.contract import check_invariants
from archive.store.errors import Stopped
from archive.store.indexer import Indexer
from archive.store.operations import attach, compact
from tests.archive.backup.grounds import PACK_BYTES, back_up, bucket_of, contents, fill, key_of, placed, store_at
from tests.archive.store.grounds import KEYS, RECOVERY
from tests.s3 import S3, failing_proxy, needs_s3

RECOVERY_PRIVATE = RECOVERY.private_bytes_raw()


@pytest.fixture(params=["folder", pytest.param("s3", marks=needs_s3)])
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    if request.param == "folder":
        return FolderDestination(tmp_path / "destination")
    return bucket_of(request.getfixturevalue("s3_server"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with store_at(tmp_path / "original") as made:
        fill(made, 0, 90)
        fill(made, 60, 110, mailbox=2, folder="Sent/Old")
        yield made


def restored(destination: Destination, manifest: Manifest, place: Path, name: str = "Store 0") -> Store:
    part = manifest.store(name)
    restoring.restore_store(
        destination, part, place / "store", key=key_of(destination, manifest), set_id=manifest.set,
        work=place / "work",
    )  # fmt: skip
    return Store.open(place / "store", place / "work", KEYS, pack_bytes=PACK_BYTES)


def test_a_backup_comes_back_as_it_was_and_the_next_one_writes_only_what_is_new(
    destination: Destination, store: Store, tmp_path: Path
) -> None:
    with Indexer(store) as indexer:
        indexer.advance()
    asked = preview(destination, [Subject(store, "Store 0", "store-0")])
    first = back_up(destination, store, indexes=True)
    assert first.messages == 110 == asked.messages and asked.new_bytes == asked.bytes > 0
    assert first.bytes_written == first.bytes and not first.problems
    before = contents(store)

    fill(store, 110, 130)
    second = back_up(destination, store)
    assert second.messages == 130
    sealed = sum(pack.bytes for pack in store.catalogue.packs() if pack.sealed)
    assert second.bytes_written < second.bytes - 0.5 * sealed, "sealed packs were written again"
    nothing_new = back_up(destination, store)
    assert nothing_new.bytes_written == 0
    assert [each.set for each in list_sets(destination)] == sorted(
        [first.set, second.set, nothing_new.set], reverse=True
    )
    for manifest in (first, second):
        report = checking.run(destination, manifest, checking.plan(manifest))
        assert report.ok and report.numbers["bytes"] == manifest.bytes

    with restored(destination, first, tmp_path / "first") as again:
        assert contents(again) == before and again.identity == store.identity
        assert placed(again, 2) == placed(store, 2)
        assert again.index.has(list(again.catalogue.numbers())) == 110, "the index came along"
        assert attach.run(again, attach.plan(again)).ok
        fill(again, 200, 220)  # and it is a store like any other
        check_invariants(again)
    with restored(destination, second, tmp_path / "second") as again:
        assert contents(again) == contents(store)
    with pytest.raises(InTheWay):
        restored(destination, second, tmp_path / "first")


def test_a_backup_of_a_store_that_is_written_to_meanwhile_ends_at_one_record(store: Store, tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path / "destination")
    stop = threading.Event()

    def go_on() -> None:
        at = 1000
        while not stop.is_set():
            fill(store, at, at + 5)
            at += 5

    writing = threading.Thread(target=go_on)
    writing.start()
    try:
        manifests = [back_up(destination, store) for _ in range(2)]
    finally:
        stop.set()
        writing.join()
    everything = contents(store)
    for number, manifest in enumerate(manifests):
        assert checking.run(destination, manifest, checking.plan(manifest)).ok
        with restored(destination, manifest, tmp_path / f"again {number}") as again:
            check_invariants(again)
            found = contents(again)
            assert len(found) == manifest.messages >= 110 and found.items() <= everything.items()
            assert again.catalogue.position() == manifest.store("Store 0").position


def test_old_sets_go_and_take_only_what_no_kept_set_needs(store: Store, tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path / "destination")
    first = back_up(destination, store)
    store.delete(list(store.catalogue.numbers())[::2], reason="a test", by="me")
    compact.run(store, compact.plan(store))
    second = back_up(destination, store)
    third = back_up(destination, store)
    now = third.when() + datetime.timedelta(days=10)
    sets = list_sets(destination)
    assert pruning.too_old(sets, keep_last=1, keep_days=11, now=now) == []
    assert pruning.too_old(sets, keep_last=2, keep_days=0, now=now) == [first.set]
    assert set(pruning.too_old(sets, keep_last=0, keep_days=0, now=now)) == {first.set, second.set}
    plan = pruning.plan(destination, [first.set])
    assert plan.numbers["sets"] == 1 and 0 < plan.numbers["bytes"] < first.bytes
    report = pruning.run(destination, plan)
    assert report.numbers == plan.numbers
    for manifest in (second, third):
        assert checking.run(destination, manifest, checking.plan(manifest)).ok
    with pytest.raises(SetUnknown):
        read_set(destination, first.set)
    with restored(destination, second, tmp_path / "again") as again:
        assert contents(again) == contents(store)
    # Where one set can't be read nobody knows what it needs.
    name = set_name(third.set)
    destination.delete(name)
    destination.put(name, lambda: iter([b"{"]), 1)
    with pytest.raises(SetDamaged, match="nothing is removed"):
        pruning.plan(destination, [second.set])


def test_what_is_damaged_at_the_destination_is_found_and_not_restored(store: Store, tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path / "destination")
    manifest = back_up(destination, store)
    key = key_of(destination, manifest)
    pack = next(item for item in manifest.store("Store 0").items if item.name.startswith("packs/"))
    path = destination.root / pack.object
    whole = path.read_bytes()
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    assert checking.run(destination, manifest, checking.plan(manifest, deep=False)).ok, "only sizes were asked for"
    report = checking.run(destination, manifest, checking.plan(manifest))
    assert [problem.where for problem in report.problems] == [pack.object]
    with pytest.raises(SetDamaged, match="not what was written"):
        restored(destination, manifest, tmp_path / "again")
    assert not (tmp_path / "again" / "store" / "store.json").exists(), "half a restore is no store"
    path.write_bytes(whole)
    with restored(destination, manifest, tmp_path / "again") as again:  # goes on where it was
        assert contents(again) == contents(store)
    path.unlink()
    assert not checking.run(destination, manifest, checking.plan(manifest, deep=False)).ok

    changed = destination.root / set_name(manifest.set)
    changed.write_bytes(changed.read_bytes().replace(b'"messages": 110', b'"messages": 999'))
    assert read_set(destination, manifest.set).messages == 999
    with pytest.raises(SetDamaged, match="was changed"):
        read_set(destination, manifest.set, key)
    with pytest.raises(SetUnknown):
        read_set(destination, "../../etc/passwd")


def test_a_pack_that_is_damaged_or_missing_in_the_store_is_told_and_the_rest_is_kept(
    store: Store, tmp_path: Path
) -> None:
    destination = FolderDestination(tmp_path / "destination")
    sealed = [pack for pack in store.catalogue.packs() if pack.sealed]
    (store.root / f"packs/{sealed[0].number:08d}.pack").write_bytes(bytes(sealed[0].bytes))
    (store.root / f"packs/{sealed[1].number:08d}.pack").unlink()
    manifest = back_up(destination, store)
    assert len(manifest.problems) == 2 and manifest.messages == 110
    assert any("is missing" in each for each in manifest.problems)
    assert any("is not what it was" in each for each in manifest.problems)


def test_sealed_files_and_keys(store: Store, tmp_path: Path) -> None:
    key = bytes(range(32))
    for size in (0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20):
        plain, digest = bytes(size), "ab" * 32
        sealed = b"".join(seal(key, digest, iter([plain[:100], plain[100:]])))
        assert len(sealed) == sealed_size(size)
        assert b"".join(unseal(key, iter([sealed]), "it")) == plain
        for wrong in (sealed[:-1], sealed[:40], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"PKB1" + sealed[5:] + b"x"):
            with pytest.raises(SetDamaged):
                b"".join(unseal(key, iter([wrong]), "it"))
        with pytest.raises(SetDamaged):
            b"".join(unseal(bytes(32), iter([sealed]), "it"))
    destination = FolderDestination(tmp_path / "destination")
    manifest = back_up(destination, store)
    mine = key_of(destination, manifest)
    assert open_key(destination, manifest.key, recovery=RECOVERY_PRIVATE) == mine
    with pytest.raises(KeyRefused):
        open_key(destination, manifest.key, master=bytes(32))
    with pytest.raises(KeyRefused):
        open_key(destination, manifest.key, recovery=bytes([1]) * 32)
    everything = b"".join(path.read_bytes() for path in destination.root.rglob("*") if path.is_file())
    assert KEYS.master not in everything and KEYS.master.hex().encode() not in everything and mine not in everything
    assert wrong_with_key(destination, manifest.key, mine) == ""
    path = destination.root / "keys" / f"{manifest.key}.json"
    said = json.loads(path.read_bytes())
    said["recovery"]["nonce"] = said["master"]["nonce"]  # what only the recovery key could try
    path.write_text(json.dumps(said))
    assert "not what was written" in wrong_with_key(destination, manifest.key, mine)
    assert key_for_writing(destination, KEYS)[0] != manifest.key


def test_a_store_is_looked_into_where_its_backup_lies(destination: Destination, store: Store, tmp_path: Path) -> None:
    manifest = back_up(destination, store)
    part = manifest.store(store.identity)
    for keys in ({"master": KEYS.master}, {"recovery": RECOVERY_PRIVATE}):
        with restoring.look_into(
            destination, part, tmp_path / f"work {len(keys)} {next(iter(keys))}", **keys
        ) as inside:
            assert placed(inside, 2) == placed(store, 2)
            assert contents(inside) == contents(store)
    with pytest.raises(KeyRefused):
        restoring.look_into(destination, part, tmp_path / "no", master=bytes(32))


def test_one_works_on_a_destination_at_a_time_and_a_stopped_backup_leaves_no_set(store: Store, tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path / "destination")
    with destination.hold(), pytest.raises(DestinationBusy), FolderDestination(destination.root).hold():
        pass
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 6

    subject = Subject(store, "Store", "store")
    with pytest.raises(Stopped):
        Writer(destination, "0" * 32, bytes(32), stop=stop).run([subject], None)
    assert list_sets(destination) == [] and destination.sizes("stores")
    there = sum(destination.sizes("stores").values())
    whole = back_up(destination, store)
    assert whole.bytes_written == whole.bytes - there, "what had been sent was used"
    (destination.root / "stores" / "x.tmp").write_bytes(b"of a killed writer")
    pruning.run(destination, pruning.plan(destination, []))
    assert not list(destination.root.rglob("*.tmp"))


@needs_s3
def test_a_bucket_that_fails_one_request_in_five_loses_nothing_and_errors_are_named(
    s3_server: S3, store: Store, tmp_path: Path
) -> None:
    with failing_proxy(s3_server) as proxy:
        destination = bucket_of(proxy.server)
        first = back_up(destination, store)
        fill(store, 300, 340)
        second = back_up(destination, store)
        assert set(proxy.failed) == {"busy", "cut before", "cut after", "cut answer", "told wrong"}
        assert destination.retried > 5
        for manifest in (first, second):
            assert checking.run(destination, manifest, checking.plan(manifest)).ok
        with restored(destination, second, tmp_path / "again") as again:
            assert contents(again) == contents(store)
        big = bytes(20 << 20)  # in several parts
        destination.put("big", lambda: iter([big[:7_000_000], big[7_000_000:]]), len(big))
        assert b"".join(destination.read("big", at, 4 << 20) for at in range(0, len(big), 4 << 20)) == big

        fill(store, 400, 410)
        proxy.full = True
        with pytest.raises(DestinationFull, match="no room is left"):
            back_up(destination, store)
        proxy.full = False
        proxy.down = True
        with pytest.raises(DestinationFailed, match=r"SlowDown.*tried 8 times"):
            back_up(destination, store)
        proxy.down = False
        assert [each.set for each in list_sets(destination)] == sorted([first.set, second.set], reverse=True)
        assert back_up(destination, store).messages == second.messages + 10
    where = Bucket(s3_server.endpoint, s3_server.new_bucket(), "us-east-1", "", s3_server.key, s3_server.secret)
    for wrong, said in (
        (replace(where, secret="wrong"), "SignatureDoesNotMatch"),
        (replace(where, bucket="no-such-bucket"), "NoSuchBucket"),
    ):
        with pytest.raises(DestinationRefused, match=said):
            S3Destination(wrong).put("x", lambda: iter([b"x"]), 1)
    with pytest.raises(DestinationFailed):
        S3Destination(replace(where, endpoint="http://127.0.0.1:9"), tries=2, pause=lambda s: None).size("x")
