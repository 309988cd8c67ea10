"""E-discovery cases by the API, and how long one message is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archive import engines
from archive.models import ArchiveAccess, CaseMessage, LegalHold
from tests.api import world
from tests.api.callers import is_problem
from tests.archive.django.conftest import stores
from tests.archive.django.factories import archive, make_mails
from tests.archive.django.keeping.ground import policy, set_policies

__all__ = ["stores"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(stores: None) -> Iterator[world.World]:
    yield world.build()
    engines.close_all()


def test_a_case_is_made_opened_filled_exported_and_closed(cast: world.World) -> None:
    (first, *_rest) = archive(cast.own.mailbox, make_mails(3))
    api, address = cast.administrator, cast.own.mailbox.address
    body = {"name": "Case 42", "reason": "The court asks for it", "mailboxes": [address]}
    is_problem(api.post("/cases", {**body, "mailboxes": ["nobody@example.org"]}), 422)
    made = api.post("/cases", body)
    assert made.status_code == 201, made.content
    case = made["Location"]
    is_problem(api.post("/cases", body), 422)
    assert api.get(case).json()["mailboxes"] == [address]
    is_problem(api.post(f"{case}/messages", {"messages": [first]}), 422)
    assert api.post(f"{case}/opening", {"minutes": 30}).json() == {"opened": 1}
    assert ArchiveAccess.objects.get().reason == "Case 42: The court asks for it"
    assert api.post(f"{case}/messages", {"messages": [first], "tag": "seen"}).json() == {"added": 1}
    assert api.post(f"{case}/messages", {"query": "budget"}).json() == {"added": 2}
    is_problem(api.post(f"{case}/messages", {"messages": ["1:999"]}), 404)
    is_problem(api.post(f"{case}/messages", {"query": "("}), 422)
    found = api.get(f"{case}/messages?tag=seen").json()
    assert [each["message"] for each in found] == [first]
    noted = api.post(f"{case}/notes", {"text": "Look here", "messageId": found[0]["id"]})
    assert noted.status_code == 200, noted.content
    assert api.get(f"{case}/notes").json()[0]["about"] == str(CaseMessage.objects.get(pk=found[0]["id"]))
    kept = api.post(f"{case}/searches", {"name": "Money", "query": "budget"}).json()
    assert [each["name"] for each in api.get(f"{case}/searches").json()] == ["Money"]
    begun = api.post(f"{case}/packages", {"searchId": kept["id"], "reason": "For the court"})
    assert begun.status_code == 202 and begun["Location"].startswith("/api/v1/tasks/"), begun.content
    hold = api.post("/holds", {"name": "Of 42", "reason": "The court says so", "everything": True})
    LegalHold.objects.filter(pk=hold.json()["id"]).update(case=made.json()["id"])
    is_problem(api.post(f"{case}/closing", {"reason": "Over"}), 422)
    assert api.get(case).json()["holds"] == [hold.json()["id"]]
    LegalHold.objects.update(state="released")
    assert api.post(f"{case}/closing", {"reason": "Over"}).status_code == 204
    assert len(api.get("/cases?state=CLOSED").json()) == 1
    assert api.post(f"{case}/reopening").status_code == 204
    assert api.put(case, {**body, "name": "Case 43"}).json()["name"] == "Case 43"


def test_the_first_and_the_last_day_of_a_message_are_said(cast: world.World) -> None:
    (message, *_rest) = archive(cast.own.mailbox, make_mails(1))
    set_policies(policy("Ten years", 10, deletes=True))
    found = cast.administrator.get(f"/messages/{message}/retention").json()
    assert (found["minimumPolicy"], found["maximumPolicy"]) == ("Ten years", "Ten years")
    assert found["minimumDate"] == found["maximumDate"] == found["archives"][0]["minimumDate"]
    assert found["archives"][0]["mailbox"] == cast.own.mailbox.address and found["reasons"]
    is_problem(cast.administrator.get("/messages/1:999/retention"), 404)
