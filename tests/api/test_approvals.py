"""Approvals by the API: asked by one, approved by another, and what says that it takes two."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from domains.models import Mailbox, Status
from domains.services.mailbox_states import delete_mailbox
from jobs.services import run_waiting
from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_purge_is_asked_for_approved_by_another_and_done(cast: world.World) -> None:
    mailbox = cast.own.mailbox
    delete_mailbox(Actor.system(), mailbox)
    person = mailbox.user_id
    refused = is_problem(cast.delegate.post(f"/users/{person}/purge"), 409)
    assert refused["type"].endswith("approval-needed") and "PurgeDeletedUser" in refused["detail"]
    assert cast.delegate.get("/approvals/rule").json()["administrators"] == 1
    body = {"command": "purge_deleted_user", "params": {"userName": mailbox.address}, "reason": "They have left"}
    asked = cast.delegate.post("/approvals", body)
    assert asked.status_code == 202, asked.content
    assert asked.json()["state"] == "WAITING" and asked.json()["numbers"][0]["count"] == 1
    is_problem(cast.delegate.post("/approvals", body), 409)
    is_problem(cast.delegate.post(f"{asked['Location']}/approve", {}), 403)
    approved = cast.administrator.post(f"{asked['Location']}/approve", {"answer": "Fine"})
    assert approved.status_code == 202, approved.content
    assert (approved.json()["basis"], approved.json()["decidedBy"]) == ("SECOND_PERSON", "root@server.example")
    run_waiting(approved.json()["taskId"])
    assert Mailbox.objects.get(pk=mailbox.pk).status == Status.PURGED
    assert [each["state"] for each in cast.administrator.get("/approvals?basis=SECOND_PERSON").json()] == ["APPROVED"]


def test_a_request_is_rejected_with_a_reason_or_withdrawn(cast: world.World) -> None:
    delete_mailbox(Actor.system(), cast.own.mailbox)
    params = {"userName": cast.own.mailbox.address}
    body = {"command": "PurgeDeletedUser", "params": params, "reason": "They have left"}
    first = cast.delegate.post("/approvals", body)["Location"]
    is_problem(cast.administrator.post(f"{first}/reject", {"answer": ""}), 422)
    assert cast.administrator.post(f"{first}/reject", {"answer": "Not yet"}).json()["state"] == "REJECTED"
    second = cast.delegate.post("/approvals", body)["Location"]
    is_problem(cast.administrator.delete(second), 403)
    assert cast.delegate.delete(second).status_code == 204
    is_problem(cast.administrator.post(f"{second}/approve", {}), 409)


def test_what_takes_nobody_or_is_nothing_is_said(cast: world.World) -> None:
    for body, status in (
        ({"command": "VerifyAuditTrail", "params": {}, "reason": "Because"}, 422),
        ({"command": "NoSuchThing", "params": {}, "reason": "Because"}, 422),
        ({"command": "PurgeDeletedUser", "params": {"userName": "nobody@own.example"}, "reason": "Because"}, 422),
    ):
        is_problem(cast.administrator.post("/approvals", body), status)
