"""E-discovery cases by the API, and how long one message is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archive import engines
from archive.models import ArchiveAccess, LegalHold
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


def test_a_case_is_made_changed_and_closed_and_opens_no_mail(cast: world.World) -> None:
    api, address = cast.administrator, cast.own.mailbox.address
    body = {"name": "Case 42", "reason": "The court asks for it", "mailboxes": [address]}
    wrongs: list[dict[str, object]] = [
        {"mailboxes": ["nobody@example.org"]}, {"mailboxes": []}, {"reason": "no"}, {"name": ""},
    ]  # fmt: skip
    for wrong in wrongs:
        is_problem(api.post("/cases", {**body, **wrong}), 422)
    made = api.post("/cases", body)
    assert made.status_code == 201, made.content
    case = made["Location"]
    is_problem(api.post("/cases", body), 422)
    assert api.get(case).json()["mailboxes"] == [address]
    assert api.put(case, {**body, "name": "Case 43", "dateTo": "2024-12-31"}).json()["name"] == "Case 43"
    is_problem(api.put(case, {**body, "dateFrom": "2025-01-01", "dateTo": "2024-12-31"}), 422)
    saved = api.post(f"{case}/searches", {"name": "Money", "query": "budget"})
    assert saved.status_code == 200, saved.content
    is_problem(api.post(f"{case}/searches", {"name": "Money", "query": "("}), 422)
    assert [each["query"] for each in api.get(f"{case}/searches").json()] == ["budget"]
    terms = {"name": "Of 43", "reason": "The court says so", "everything": True}
    hold = api.post("/holds", {**terms, "caseId": api.get(case).json()["id"]})
    assert hold.status_code == 201, hold.content
    assert api.get(case).json()["holds"] == [hold.json()["id"]]
    is_problem(api.post("/holds", {**terms, "caseId": 999_999}), 422)
    is_problem(api.post(f"{case}/closing", {"reason": "Over"}), 422)
    LegalHold.objects.update(state="released")
    assert api.post(f"{case}/closing", {"reason": "Over"}).status_code == 204
    assert len(api.get("/cases?state=CLOSED").json()) == 1
    assert api.post(f"{case}/reopening").status_code == 204
    assert not ArchiveAccess.objects.exists()


def test_the_first_and_the_last_day_of_a_message_are_said(cast: world.World) -> None:
    (message, *_rest) = archive(cast.own.mailbox, make_mails(1))
    set_policies(policy("Ten years", 10, deletes=True))
    found = cast.administrator.get(f"/messages/{message}/retention").json()
    assert (found["minimumPolicy"], found["maximumPolicy"]) == ("Ten years", "Ten years")
    assert found["minimumDate"] == found["maximumDate"] == found["archives"][0]["minimumDate"]
    assert found["archives"][0]["mailbox"] == cast.own.mailbox.address and found["reasons"]
    is_problem(cast.administrator.get("/messages/1:999/retention"), 404)
