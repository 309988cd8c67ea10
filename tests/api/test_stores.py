"""Stores by the API: verification of all, unlocking with a key that is told nowhere, renewal of the master key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archive import engines
from jobs.models import Task
from tests.api import world
from tests.api.callers import is_problem
from tests.archive.django.conftest import stores
from tests.archive.django.factories import make_store

__all__ = ["stores"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(stores: None) -> Iterator[world.World]:
    make_store()
    yield world.build()
    engines.close_all()


def test_upkeep_of_all_stores_and_their_keys_is_asked_for(cast: world.World) -> None:
    (store,) = cast.administrator.get("/stores").json()
    verified = cast.administrator.post("/stores/verification", {"deep": True})
    assert (verified.status_code, verified.json()["command"]) == (202, "VerifyStores"), verified.content
    assert Task.objects.get(pk=verified.json()["id"]).arguments == {"include_indexes": True, "deep": True}

    key = "ABCDEFGH-IJKLMNOP"
    unlock = cast.administrator.post(f"/stores/{store['id']}/unlock", {"passphrase": key})
    assert (unlock.status_code, unlock.json()["command"]) == (202, "UnlockStore"), unlock.content
    assert key not in unlock.content.decode() and key not in str(Task.objects.get(type="UnlockStore").arguments)
    is_problem(cast.administrator.post(f"/stores/{store['id']}/unlock", {}), 422)
    is_problem(cast.administrator.post("/stores/999/unlock", {"passphrase": key}), 404)

    assert cast.administrator.get("/master-key").json()["stores"] == 1
    renewed = cast.administrator.post("/master-key/renewal")
    assert renewed.status_code in (202, 409), renewed.content  # 409: it takes a second person
    asked = Task.objects.filter(type="RenewMasterKey").exists()
    assert asked == (renewed.status_code == 202)
