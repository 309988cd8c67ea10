"""Mail rules through the API."""

from __future__ import annotations

import base64

import pytest

from domains.models import Mailbox
from tests.api.world import World, build

RULE = {
    "name": "News",
    "priority": 7,
    "conditions": [{"what": "subject", "operation": "contains", "value": "news"}],
    "actions": [{"what": "folder", "value": "News"}, {"what": "stop"}],
}
MESSAGE = base64.b64encode(b"From: bob@friends.example\r\nTo: ada@example.org\r\nSubject: The news\r\n\r\nx").decode()


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.fixture
def path(world: World) -> str:
    return f"/mail-rules/user-{world.own.person.pk}"


def test_rules_are_set_read_changed_and_deleted(world: World, path: str) -> None:
    client = world.delegate
    assert client.get(path).json() == []
    assert client.put(path, [RULE]).json()[0]["actions"][0] == {"what": "folder", "value": "News"}
    client.post(path, {"name": "Off", "priority": 9, "actions": [{"what": "discard"}]})
    client.post(path, {"name": "Off", "priority": 0})
    assert [(each["name"], each["priority"]) for each in client.get(path).json()] == [("News", 7), ("Off", 0)]
    assert client.delete(f"{path}/rules/Off").status_code == client.delete(f"{path}/rules/Off").status_code == 204
    bad = client.post(path, {"name": "Bad", "actions": [{"what": "redirect", "value": "nobody"}]})
    assert bad.status_code == 422 and "not an address" in bad.text
    (script,) = client.get(f"{path}/scripts").json()
    assert script["active"] and 'fileinto "News";' in script["script"]
    assert Mailbox.objects.get(user=world.own.person).sieve_used_bytes == script["size"]


def test_scripts_are_kept_within_the_quota_and_one_is_in_use(world: World, path: str) -> None:
    client = world.delegate
    first = client.post(f"{path}/scripts", {"name": "one", "script": "keep;"}).json()
    second = client.post(f"{path}/scripts", {"name": "two", "script": "stop;"}).json()
    assert (first["active"], second["active"]) == (True, False)
    assert client.patch(f"{path}/scripts/{second['id']}", {"active": True}).json()["active"]
    assert not client.get(f"{path}/scripts/{first['id']}").json()["active"]
    bad = client.patch(f"{path}/scripts/{first['id']}", {"script": "keep;\n  foo;"})
    assert bad.status_code == 422 and "Line 2, column 3" in bad.text
    Mailbox.objects.filter(user=world.own.person).update(sieve_quota_bytes=12)
    full = client.patch(f"{path}/scripts/{first['id']}", {"script": "keep; keep;"})
    assert full.status_code == 403 and "12 are allowed" in full.text
    quota = client.get(f"/users/{world.own.person.pk}/quota").json()["sieve"]
    assert (quota["used"], quota["computed"]) == (10, 12)


def test_a_message_is_tried_and_the_lines_that_spoke_are_named(world: World, path: str) -> None:
    world.delegate.put(path, [RULE])
    found = world.delegate.post(f"{path}/try", {"message": MESSAGE}).json()
    assert (found["fate"], found["folders"]) == ("kept", ["News"])
    assert [(line["rule"], line["name"], line["result"]) for line in found["layers"][0]["lines"]] == [
        ("News", "header", True), ("News", "fileinto", None), ("News", "stop", None),
    ]  # fmt: skip
    other = world.delegate.post(f"{path}/try", {"message": MESSAGE, "script": 'require "reject"; reject "No";'}).json()
    assert other["fate"] == "refused"


def test_an_out_of_office_note_is_written(world: World, path: str) -> None:
    assert not world.delegate.get(f"{path}/away").json()["enabled"]
    sent = {"enabled": True, "fromDate": "2026-12-01", "toDate": "2026-12-24", "inside": "Back soon"}
    assert world.delegate.put(f"{path}/away", sent).json()["toDate"] == "2026-12-24"
    assert world.delegate.put(f"{path}/away", {"toDate": "2026-11-01"}).status_code == 422
