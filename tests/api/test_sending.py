"""Sending by the API: as oneself, files first, with what became of it."""

from __future__ import annotations

import base64

import pytest

from accounts.actors import Actor
from domains.services import policies
from gateway.models import Attachment, QueueItem
from tests.api import world
from tests.api.callers import is_problem
from tests.gateway.factories import held_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    cast = world.build()
    policy = cast.own.domain.default_policy
    assert policy is not None
    policies.update_policy(Actor.system(), policy, {"outgoing": True})
    return cast


def test_a_mail_is_sent_with_a_file_that_was_sent_before(cast: world.World) -> None:
    row = held_for(cast.own.mailbox)
    sent = {"name": "plan.pdf", "content": base64.b64encode(b"%PDF-1.4").decode()}
    made = cast.user.post("/emails/attachments", sent)
    file = made.json()
    assert made.status_code == 201 and (file["name"], file["type"], file["size"]) == ("plan.pdf", "application/pdf", 8)
    path = file["uri"].removeprefix("/api/v1")
    assert b"".join(cast.user.get(path).streaming_content) == b"%PDF-1.4"
    is_problem(cast.delegate.get(path), 404)
    mail = {
        "to": ["Bob <bob@far.example>"], "subject": "The plan", "body": "<p>See <b>there</b>.</p>", "ack": True,
        "attachments": [{"name": "Our plan.pdf", "uid": file["uid"]}], "originId": row.message.key, "important": True,
    }  # fmt: skip
    answer = cast.user.post(f"/users/{cast.own.person.pk}/emails/send", mail)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["recipients"] == [{"address": "bob@far.example", "state": "queued", "verdict": "clean"}]
    raw = bytes(QueueItem.objects.get().content.data or b"")
    for said in (b"Our plan.pdf", b"<p>See <b>there</b>.</p>", b"See there.", b"In-Reply-To: <", b"Importance: high"):
        assert said in raw
    assert not Attachment.objects.exists()
    is_problem(cast.user.delete(path), 404)


def test_what_is_wrong_is_said_by_its_field(cast: world.World) -> None:
    url = f"/users/{cast.own.person.pk}/emails/send"
    for mail, field in (
        ({"to": []}, "to"),
        ({"to": ["x"]}, "to"),
        ({"to": ["a@far.example"], "from": "boss@own.example"}, "from"),
        ({"to": ["a@far.example"], "attachments": [{"name": "x", "uid": "none"}]}, "attachments"),
        ({"to": ["a@far.example"], "originId": "none"}, "originId"),
    ):
        assert is_problem(cast.user.post(url, mail), 422)["errors"][0]["field"] == field
    assert is_problem(cast.user.post("/emails/attachments", {"name": "x", "content": "?"}), 422)["errors"]
    is_problem(cast.delegate.post(url, {"to": ["a@far.example"]}), 403)
    is_problem(cast.reader.post("/emails/attachments", {"name": "x", "content": ""}), 403)
    uid = cast.user.post("/emails/attachments", {"name": "x.txt", "content": ""}).json()["uid"]
    assert cast.user.delete(f"/emails/attachments/{uid}/x.txt").status_code == 204
