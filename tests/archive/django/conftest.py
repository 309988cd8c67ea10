"""Every test here works on real stores below this session's HOME; what one left open is closed after it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from archive import engines
from config.kit import paths
from tests.archive.django.factories import ensure_keys


@pytest.fixture(autouse=True)
def stores() -> Iterator[None]:
    ensure_keys()
    yield
    engines.close_all()
    for folder in (
        paths.stores_dir(),
        paths.work_dir(),
        paths.uploads_dir(),
        paths.home() / "exports",
        paths.home() / "packages",
    ):
        shutil.rmtree(folder, ignore_errors=True)
