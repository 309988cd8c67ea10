"""The conformance suite on every backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.store.contract import (
    BackendContract,
    ErasureContract,
    FolderContract,
    Ground,
    OperationContract,
    SharingContract,
    StoreContract,
)

from .grounds import GROUNDS


@pytest.fixture(params=sorted(GROUNDS))
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    return GROUNDS[request.param](tmp_path)


@pytest.fixture
def another(request: pytest.FixtureRequest, ground: Ground, tmp_path: Path) -> Ground:
    """A second ground of the same kind."""
    (tmp_path / "another").mkdir()
    return type(ground)(tmp_path / "another")  # type: ignore[call-arg]


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
