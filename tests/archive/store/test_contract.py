"""The conformance suite on every backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.store.contract import BackendContract, Ground, StoreContract

from .grounds import GROUNDS


@pytest.fixture(params=sorted(GROUNDS))
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    return GROUNDS[request.param](tmp_path)


class TestBackend(BackendContract):
    pass


class TestStore(StoreContract):
    pass
