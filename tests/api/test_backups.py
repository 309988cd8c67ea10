"""Backups by the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import engines
from jobs.models import Task
from jobs.services import run_waiting
from tests.api import world
from tests.api.callers import is_problem
from tests.archive.django.conftest import stores
from tests.archive.django.factories import archive, make_mails

__all__ = ["stores"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(stores: None) -> Iterator[world.World]:
    yield world.build()
    engines.close_all()


def test_a_destination_is_added_backed_up_to_checked_and_forgotten(
    cast: world.World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POSTKEEP_BACKUP_ROOTS", str(tmp_path))
    archive(cast.own.mailbox, make_mails(3))
    caller = cast.administrator
    wanted = {"name": "Every night", "type": "folder", "path": str(tmp_path / "n")}
    refused = is_problem(caller.post("/backup-destinations", {**wanted, "path": "/etc"}), 422)
    assert "path" in str(refused)
    made = caller.post("/backup-destinations", wanted)
    assert made.status_code == 201, made.content
    place = made["Location"]
    assert caller.patch(place, {"keepLast": 3}).status_code == 204
    found = caller.get(place).json()
    assert (found["keepLast"], found["hasSecretKey"]) == (3, False) and "secretKey" not in found
    for action, body in (("run", {"indexes": True}), ("test", None), ("read", None)):
        answer = caller.post(f"{place}/{action}", body)
        assert answer.status_code == 202, answer.content
        run_waiting(answer.json()["taskId"])
        assert Task.objects.get(pk=answer.json()["taskId"]).state == Task.State.COMPLETED
    (backup,) = caller.get(f"/backups?destinationId={found['id']}").json()
    assert (backup["messages"], backup["state"], backup["withIndexes"]) == (3, "unchecked", True)
    run_waiting(caller.post(f"/backups/{backup['id']}/verify", None).json()["taskId"])
    assert caller.get(f"/backups/{backup['id']}").json()["state"] == "good"
    assert caller.delete(place).status_code == 204
    is_problem(caller.get(place), 404)
