"""Passwords by the API: how they stand, new ones that are wanted, lists of known ones."""

from __future__ import annotations

import pytest

from accounts import services
from accounts.actors import Actor
from accounts.breach_list import lists
from accounts.models import User
from accounts.scopes import SERVER
from accounts.services.options import set_option
from jobs.models import Task
from jobs.services import run_waiting
from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


def test_a_new_one_is_wanted_of_one_and_of_everybody() -> None:
    cast = world.build()
    person: User = cast.own.person
    path = f"/users/{person.pk}/password"
    services.set_password(SYSTEM, person, password="quite another long one 1")
    set_option(SYSTEM, SERVER, "PASSWORD_DAYS", 90)
    seen = cast.delegate.get(path).json()
    assert seen["keptHere"] and seen["expiresAt"] > seen["changedAt"] and not seen["changeRequired"]
    assert cast.user.get(path).status_code == 403  # also of oneself
    assert cast.delegate.post(f"{path}/wish", {}).json()["changeRequired"]
    assert cast.delegate.delete(f"{path}/wish").status_code == 204
    assert not cast.delegate.get(path).json()["changeRequired"]
    wish = {"level": "domain", "objectId": cast.own.domain.pk, "endSessions": True}
    assert cast.delegate.post("/password-wishes", wish).json() == {"people": 1}
    is_problem(cast.delegate.post("/password-wishes", {"level": "server"}), 403)
    elsewhere = {"level": "domain", "objectId": cast.foreign.domain.pk}
    problem = is_problem(cast.delegate.post("/password-wishes", elsewhere), 422)
    assert problem["errors"][0]["field"] == "objectId"
    guess = cast.delegate.post(f"{path}/verification", {"password": "quite another long one 1"})
    assert guess.json() == {"correct": True, "changeDue": True}
    answer = cast.user.post("/token", {"username": person.email, "password": "quite another long one 1"})
    assert "must be chosen" in is_problem(answer, 401)["detail"]


def test_a_list_is_uploaded_indexed_read_and_removed() -> None:
    cast = world.build()
    try:
        sent = {"name": "../etc/worst\n.txt", "text": "hunter2hunter2\ncorrecthorsebattery\n"}
        task = cast.administrator.post("/server/breach-list", sent)
        assert task.status_code == 202 and task.json()["command"] == "IndexBreachList"
        assert [each["problem"] for each in cast.administrator.get("/server/breach-list").json()] == ["waits"]
        done = run_waiting(Task.objects.latest("pk").pk)
        assert done is not None and done.state == Task.State.COMPLETED
        (listed,) = cast.administrator.get("/server/breach-list").json()
        assert (listed["entries"], listed["source"], listed["kind"]) == (2, "worst.txt", "words")
        change = cast.delegate.patch(f"/users/{cast.own.person.pk}", {"password": "correcthorsebattery"})
        assert "known" in str(is_problem(change, 422))
        assert cast.administrator.delete("/server/breach-list").status_code == 204
        assert cast.administrator.get("/server/breach-list").json() == []
        assert (
            cast.delegate.patch(f"/users/{cast.own.person.pk}", {"password": "correcthorsebattery"}).status_code == 204
        )
    finally:
        for each in (lists.index_of(lists.UPLOADED), lists.incoming()):
            each.unlink(missing_ok=True)
