"""Stores as earlier versions wrote them, kept in `golden/`: every later version opens, verifies and upgrades them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from archive.store import Store
from archive.store.contract import check_invariants, keep, mail
from archive.store.errors import NeedsUpgrade
from archive.store.layout import FORMAT
from archive.store.operations import upgrade, verify

from .golden.make import manifest
from .grounds import KEYS

# A word that the next format has and this one has not.
NEWER: dict[int, list[Any]] = {1: ["own", [[1, 9]]], 2: ["use", 1, [1]]}
GOLDEN = sorted(path for path in (Path(__file__).parent / "golden").glob("format-*.zip"))


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """The store's folder, beside the work folder it had, and what was in it."""
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(tmp_path / "store")
    (tmp_path / "store" / "work").rename(tmp_path / "work")
    manifest_path = tmp_path / "store" / "MANIFEST.json"
    said = json.loads(manifest_path.read_text())
    manifest_path.unlink()
    return tmp_path, said


def as_json(value: object) -> object:
    return json.loads(json.dumps(value))


def test_there_is_one_of_each_format() -> None:
    assert [path.stem for path in GOLDEN] == [f"format-{number}" for number in range(1, FORMAT + 1)]


@pytest.mark.parametrize("work", ["work", "elsewhere"])
def test_all_of_it_is_there_with_its_catalogue_and_without(golden: tuple[Path, dict[str, Any]], work: str) -> None:
    place, said = golden
    with Store.open(place / "store", place / work, KEYS) as store:
        assert as_json(manifest(store)) == said
        check_invariants(store, index=True)
        assert verify.run(store, verify.plan(store, deep=True)).ok


def test_an_older_store_is_written_with_the_words_it_has_until_it_is_upgraded(
    golden: tuple[Path, dict[str, Any]],
) -> None:
    place, _ = golden
    with (
        Store.open(place / "store", place / "work", KEYS) as store,
        Store.open(place / "store", place / "other", KEYS) as beside,
    ):
        keep(store, store.ensure_folder(1, "New"), mail("kept in an older store"))
        if store.format < FORMAT:
            with pytest.raises(NeedsUpgrade), store.writer_lease():
                store.commit([NEWER[store.format]])
        plan = upgrade.plan(store)
        assert plan.numbers["format"] == store.format and plan.numbers["to"] == FORMAT
        assert upgrade.run(store, plan).ok
        assert upgrade.run(store, upgrade.plan(store)).ok, "a second time changes nothing"
        assert store.format == beside.format == FORMAT
        with beside.writer_lease():
            beside.commit([["own", [[1, 9]]]])
        store.refresh()
        assert 9 in {folder.mailbox for folder in store.folders()}
        check_invariants(store)
        assert verify.run(store, verify.plan(store, ["journal", "packs", "dictionaries", "catalogue"])).ok
