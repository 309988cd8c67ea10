"""The conformance suite on every backend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.store.contract import (
    BackendContract,
    ErasureContract,
    FolderContract,
    OperationContract,
    SharingContract,
    StoreContract,
)
from tests.s3 import S3, needs_s3

from .grounds import GROUNDS, S3Ground, SealingGround, StoreGround, place_in

# What a store does by itself is the same wherever its packs lie; the operations read and write them.
THOROUGH = bool(os.environ.get("POSTKEEP_TORTURE"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "ground" in metafunc.fixturenames:
        thorough = THOROUGH or metafunc.cls is TestOperations
        names = [name for name, ground in sorted(GROUNDS.items()) if thorough or ground is not SealingGround]
        metafunc.parametrize("ground", names, indirect=True)


@pytest.fixture
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreGround]:
    if "postgres" in request.param:
        request.getfixturevalue("servers_running")
    made = GROUNDS[request.param](tmp_path)
    yield made
    made.end()


@pytest.fixture
def another(ground: StoreGround, tmp_path: Path) -> Iterator[StoreGround]:
    """A second ground of the same kind."""
    (tmp_path / "another").mkdir()
    made = type(ground)(tmp_path / "another")
    yield made
    made.end()


class TestBackend(BackendContract):
    pass


class TestStore(StoreContract):
    pass


class TestOperations(OperationContract):
    pass


class TestFolders(FolderContract):
    pass


class TestSharing(SharingContract):
    pass


class TestErasure(ErasureContract):
    pass


@pytest.fixture
def on_s3(servers_running: None, s3_server: S3, tmp_path: Path) -> Iterator[list[StoreGround]]:
    """Two grounds whose packs go to a bucket."""
    bucket = s3_server.new_bucket()
    grounds: list[StoreGround] = []
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        grounds.append(S3Ground(tmp_path / name, place_in(s3_server, bucket, name)))
    yield grounds
    for one in grounds:
        one.end()


@needs_s3
class TestOnS3:
    """Of the contract what deals most with packs: the rest is the same on a folder of objects."""

    def test_packs_are_sealed_and_all_stays_readable(self, on_s3: list[StoreGround]) -> None:
        StoreContract().test_packs_are_sealed_at_their_size_and_all_stays_readable(on_s3[0])

    def test_a_merge_brings_every_message_to_its_owner_and_folder(self, on_s3: list[StoreGround]) -> None:
        OperationContract().test_a_merge_brings_every_message_to_its_owner_and_folder(*on_s3)

    def test_a_folder_that_lacks_a_pack_is_not_whole(self, on_s3: list[StoreGround]) -> None:
        OperationContract().test_a_folder_that_lacks_a_pack_or_its_end_is_not_whole(on_s3[0])

    def test_deleted_messages_come_back_until_compaction(self, on_s3: list[StoreGround]) -> None:
        OperationContract().test_deleted_messages_come_back_while_their_bytes_lie_there(on_s3[0])
