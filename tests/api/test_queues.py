"""Queues and repositories by the API."""

from __future__ import annotations

import pytest

from gateway.models import QueueItem, RepositoryItem
from gateway.queue.storing import ERROR, store
from jobs.models import Task
from jobs.services import run_waiting
from tests.api import world
from tests.api.callers import is_problem
from tests.gateway.making import make_queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_queue_is_looked_at_counted_held_and_cleared(cast: world.World) -> None:
    caller = cast.administrator
    make_queued(["a@example.net", "b@example.net"])
    [queue] = caller.get("/queues").json()
    assert (queue["name"], queue["size"], queue["held"]) == ("outgoing", 2, 0)
    [message] = caller.get("/queued-messages?recipient=a@example.net").json()
    assert (message["sender"], message["recipients"], message["state"]) == (
        "ada@example.org", ["a@example.net"], "waiting",
    )  # fmt: skip
    assert caller.get(f"/queued-messages/{message['id']}").json()["tries"] == []
    wanted = {"recipient": "a@example.net"}
    assert caller.post("/queues/outgoing/count", wanted).json() == {"messages": 1}
    for action, state in (("hold", "held"), ("free", "waiting"), ("flush", "waiting")):
        _do(cast, f"/queues/outgoing/{action}", wanted)
        assert QueueItem.objects.get(address="a@example.net").state == state
    _do(cast, "/queues/outgoing/reject", {**wanted, "notice": False})
    _do(cast, "/queues/outgoing/delete", {})
    assert not QueueItem.objects.exists()
    is_problem(caller.get("/queues/none"), 404)
    assert caller.get("/queue-destinations").json() == []


def test_settings_are_changed_within_their_limits(cast: world.World) -> None:
    caller = cast.administrator
    assert caller.patch("/queue-settings", {"lifetimeHours": 48}).status_code == 204
    assert caller.get("/queue-settings").json()["lifetimeHours"] == 48
    is_problem(caller.patch("/queue-settings", {"lifetimeHours": 0}), 422)


def test_a_repository_is_listed_reprocessed_and_cleared(cast: world.World) -> None:
    caller = cast.administrator
    items = make_queued(["a@example.net", "b@example.net"])
    store([(item, ERROR, "550 5.0.0 no") for item in items], items[0].created_at)
    QueueItem.objects.all().delete()
    place = next(each for each in caller.get("/repositories").json() if each["repository"] == ERROR)
    assert place["size"] == 2
    first, second = caller.get(f"/stored-messages?repositoryId={place['id']}&sort=id").json()
    assert first["error"] == "550 5.0.0 no"
    later = caller.post("/repositories", {"name": "var/mail/aside"}).json()
    moved = caller.post(f"/repositories/{place['id']}/move", {"repository": "var/mail/aside", "name": first["name"]})
    assert moved.json() == {"moved": 1, "refused": {}}
    assert caller.get(f"/stored-messages?repositoryId={later['id']}").json()[0]["name"] == first["name"]
    back = caller.post(f"/repositories/{later['id']}/move", {"repository": ERROR})
    assert back.json() == {"moved": 1, "refused": {}}
    assert caller.post(f"/repositories/{later['id']}/move", {"repository": "none"}).status_code == 404
    _do(cast, f"/repositories/{place['id']}/reprocess", {"name": first["name"], "queue": "outgoing"})
    assert QueueItem.objects.get().address == "a@example.net"
    assert caller.delete(f"/stored-messages/{second['id']}").status_code == 204
    _do(cast, f"/repositories/{place['id']}/clear", None)
    assert not RepositoryItem.objects.exists()
    made = caller.post("/repositories", {"name": "var/mail/later"})
    assert made.status_code == 201
    assert caller.delete(made["Location"]).status_code == 204


def _do(cast: world.World, path: str, body: object) -> None:
    answer = cast.administrator.post(path, body)
    assert answer.status_code == 202, answer.content
    run_waiting(answer.json()["taskId"])
    task = Task.objects.get(pk=answer.json()["taskId"])
    assert task.state == Task.State.COMPLETED, task.error
