"""Packs that leave the database: to a folder or a bucket, which fails, is out of reach, or whose writer is killed."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from archive.store.backend import FileBackend
from archive.store.contract import bring_index, check_invariants, keep, mail
from archive.store.errors import StorageFailed
from archive.store.operations import compact, seal, verify
from archive.store.packs import pack_name
from archive.store.postgres import FileObjects, PostgresBackend, S3Objects, objects
from archive.store.store import Store
from tests.s3 import S3, failing_proxy, needs_s3
from tests.torture.processes import Child

from .grounds import KEYS, PostgresGround, place_in

PACK_BYTES = 8000
ROUNDS = 30 if os.environ.get("POSTKEEP_TORTURE") else 3


@pytest.fixture
def ground(servers_running: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresGround]:
    monkeypatch.setattr(objects, "FIRST_PAUSE_S", 0.01)
    made = PostgresGround(tmp_path)
    yield made
    made.outside = None  # a bucket is thrown away as a whole
    made.end()


def filled(store: Store, count: int = 60) -> list[bytes]:
    """Messages that fill several packs."""
    contents = [mail(f"m{at}", random.Random(at).randbytes(1000).hex()) for at in range(count)]
    folder = store.ensure_folder(1, "Inbox")
    for at in range(0, count, 5):
        keep(store, folder, *contents[at : at + 5])
    return contents


def backend_of(store: Store) -> PostgresBackend:
    assert isinstance(store.backend, PostgresBackend)
    return store.backend


def all_of(store: Store) -> set[bytes]:
    return {store.read(number) for number in store.catalogue.numbers()}


def rows_of_packs(store: Store) -> int:
    """How many packs have any."""
    sql = "SELECT count(DISTINCT file) FROM content JOIN file ON file.id = content.file WHERE name LIKE 'packs/%'"
    return int(store.catalogue.reader.execute(sql).fetchone()[0])


@needs_s3
def test_sealed_packs_lie_in_the_bucket_and_no_more_in_the_database(ground: PostgresGround, s3_server: S3) -> None:
    bucket = s3_server.new_bucket()
    ground.outside = S3Objects(place_in(s3_server, bucket, "a/prefix"))

    def listed() -> list[str]:
        return [each["path"] for some in s3_server.store(bucket).list() for each in some]

    with ground.open(pack_bytes=PACK_BYTES) as store:
        contents = filled(store)
        sealed = [pack for pack in store.catalogue.packs() if pack.sealed]
        plan = seal.plan(store)
        assert plan.numbers == {"packs": len(sealed), "bytes": sum(pack.bytes for pack in sealed)}
        report = seal.run(store, plan)
        assert report.ok and report.numbers["packs"] == len(sealed) > 3
        assert len(listed()) == len(sealed) and all(
            key.startswith(f"a/prefix/{store.identity}/packs/") for key in listed()
        )
        assert rows_of_packs(store) == 1, "only the open pack is left"
        assert all_of(store) == set(contents)
        bring_index(store)
        assert verify.run(store, verify.plan(store, deep=True)).ok
        assert seal.run(store, seal.plan(store)).numbers["packs"] == 0
        # What is erased is gone from the bucket with compaction, not only from the index.
        before, numbers = set(listed()), list(store.catalogue.numbers())
        store.delete(numbers[:30], reason="a test", by="me")
        assert compact.run(store, compact.plan(store)).ok
        assert len(set(listed()) & before) <= len(before) // 2 + 1
        assert seal.run(store, seal.plan(store)).ok
        data = b"".join(bytes(s3_server.store(bucket).get(key).bytes()) for key in listed())
        rows = {row.sha256: row for row in store.rows(numbers[30:])}
        assert len(rows) == 30 and len(data) < sum(pack.bytes for pack in sealed) * 2 // 3
        check_invariants(store, index=True)
    with ground.open("elsewhere", pack_bytes=PACK_BYTES) as store:
        assert all_of(store) == set(contents[30:])


@needs_s3
def test_a_bucket_that_fails_one_request_in_five_loses_nothing(ground: PostgresGround, s3_server: S3) -> None:
    bucket = s3_server.new_bucket()
    with failing_proxy(s3_server, every=5) as proxy:
        ground.outside = S3Objects(place_in(proxy.server, bucket))
        with ground.open(pack_bytes=2000) as store:
            contents = filled(store, 30)
            report = seal.run(store, seal.plan(store))
            left = len(report.problems)
            assert left + report.numbers["packs"] == sum(pack.sealed for pack in store.catalogue.packs())
            assert all_of(store) == set(contents)
            while not seal.run(store, seal.plan(store)).ok:
                pass
            assert rows_of_packs(store) == 1
            check_invariants(store)
        assert proxy.failures > 10 and len(proxy.failed) == 5


@needs_s3
def test_while_the_bucket_is_out_of_reach_packs_stay_in_the_database(ground: PostgresGround, s3_server: S3) -> None:
    bucket = s3_server.new_bucket()
    with failing_proxy(s3_server, every=1000) as proxy:
        ground.outside = S3Objects(place_in(proxy.server, bucket), retries=0)
        with ground.open(pack_bytes=PACK_BYTES) as store:
            contents = filled(store, 40)
            assert seal.run(store, seal.plan(store)).ok
            proxy.down = True
            more = [mail(f"late {at}", random.Random(at).randbytes(900).hex()) for at in range(40)]
            for one in more:
                keep(store, store.ensure_folder(1, "Inbox"), one)
            waiting = seal.plan(store).numbers["packs"]
            report = seal.run(store, seal.plan(store))
            assert not report.ok and report.numbers["packs"] == 0 and waiting > 0
            late = [number for number in store.catalogue.numbers() if number > 40]
            assert {store.read(number) for number in late} == set(more)
            with pytest.raises(StorageFailed):
                store.read(1)
            proxy.down, proxy.full = False, True
            assert not seal.run(store, seal.plan(store)).ok
            proxy.full = False
            assert seal.run(store, seal.plan(store)).numbers["packs"] == waiting
            assert all_of(store) == set(contents + more)
            assert store.catalogue.reader.execute("SELECT count(*) FROM loose").fetchone()[0] == 0


class Liar(FileObjects):
    """Says that it wrote, and wrote something else."""

    def put(self, key: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        whole = bytearray(b"".join(pieces()))
        whole[len(whole) // 2] ^= 1
        super().put(key, lambda: [bytes(whole)])


def test_what_reads_back_differently_does_not_count(ground: PostgresGround, tmp_path: Path) -> None:
    ground.outside = Liar(tmp_path / "objects")
    with ground.open(pack_bytes=PACK_BYTES) as store:
        contents = filled(store)
        report = seal.run(store, seal.plan(store))
        assert report.numbers["packs"] == 0 and "not what was uploaded" in report.problems[0].what
        assert all_of(store) == set(contents)
        backend_of(store).sweep()
        assert not list((tmp_path / "objects").rglob("*.pack"))


def test_damage_of_an_object_is_found_and_named(ground: PostgresGround, tmp_path: Path) -> None:
    ground.outside = FileObjects(tmp_path / "objects")
    with ground.open(pack_bytes=PACK_BYTES) as store:
        filled(store)
        seal.run(store, seal.plan(store))
        file = sorted((tmp_path / "objects").rglob("*.pack"))[0]
        data = bytearray(file.read_bytes())
        row = next(iter(store.rows([1])))
        data[row.place.offset + 60] ^= 1
        file.write_bytes(bytes(data))
        (problem,) = verify.run(store, verify.plan(store, ["packs"])).problems
        assert problem.where == "pack 1" and problem.messages == [1]
        file.unlink()
    ground.outside = FileObjects(tmp_path / "objects")
    with ground.open(pack_bytes=PACK_BYTES) as store:
        (problem,) = verify.run(store, verify.plan(store, ["packs"], resume=False)).problems
        assert problem.messages_total == len(store.catalogue.pack_rows(1))


def test_a_store_is_the_same_when_its_files_are_copied_into_a_folder(ground: PostgresGround, tmp_path: Path) -> None:
    ground.outside = FileObjects(tmp_path / "objects")
    with ground.open(pack_bytes=PACK_BYTES) as store:
        contents = filled(store)
        seal.run(store, seal.plan(store))
        (tmp_path / "copy").mkdir()
        copy = FileBackend(tmp_path / "copy")
        for name in [
            "store.json",
            "keys.json",
            *(n for part in ("journal", "packs") for n in store.backend.names(part)),
        ]:
            writer = copy.append(name, 0)
            writer.write(store.backend.read(name, 0, store.backend.size(name)))
            writer.close()
    with Store.open(tmp_path / "copy", tmp_path / "copied", KEYS) as copied:
        assert all_of(copied) == set(contents)
        assert verify.run(copied, verify.plan(copied)).problems[0].part == "index", "it has none yet"


def test_killed_while_sealing_nothing_is_lost_and_nothing_stays_behind(ground: PostgresGround, tmp_path: Path) -> None:
    """`kill -9` at random moments of uploading, comparing, switching and sweeping."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    folder_of_objects = tmp_path / "objects"
    ground.outside = FileObjects(folder_of_objects)
    contents: set[bytes] = set()
    with ground.open(pack_bytes=PACK_BYTES) as store:
        folder = store.ensure_folder(1, "Inbox")
        for number in range(ROUNDS):
            some = [mail(f"r{number} {at}", random.Random(number * 99 + at).randbytes(900).hex()) for at in range(40)]
            for at in range(0, 40, 8):
                keep(store, folder, *some[at : at + 8])
            contents |= set(some)
            child = Child.start("seal", f"postgres:{ground.schema}:{folder_of_objects}", tmp_path / "child")
            child.wait_for("begun")
            child.wait_for("step", chance.randrange(1, 5))
            time.sleep(chance.random() ** 2 * 0.02)
            child.kill()
            gone = list(store.catalogue.numbers())[: chance.randrange(4)]
            contents -= {store.read(each) for each in gone}
            store.delete(gone, reason="a test", by="me")
            if number % 2:
                compact.run(store, compact.plan(store))
            assert {hashlib.sha256(each).hexdigest() for each in contents} == {
                row.sha256 for row in store.rows(list(store.catalogue.numbers()))
            }
            assert all_of(store) == contents
        assert seal.run(store, seal.plan(store)).ok
        check_invariants(store)
        assert verify.run(store, verify.plan(store, ["journal", "packs", "catalogue"])).ok
        known = {name for (name,) in store.catalogue.reader.execute("SELECT object FROM file WHERE object IS NOT NULL")}
        assert known == {str(path.relative_to(folder_of_objects)) for path in folder_of_objects.rglob("*.pack")}
        assert not known & {pack_name(pack.number) for pack in store.catalogue.packs()}
