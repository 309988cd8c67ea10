"""Retention, holds and deletion by the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.models import AuditEvent
from archive import engines
from archive.models import RetentionPolicy
from tests import factories
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


POLICY = {"name": "Ten years", "period": 10}


def test_policies_are_set_previewed_and_read(cast: world.World) -> None:
    archive(cast.own.mailbox, make_mails(3))
    assert cast.administrator.get("/retention/policies").json() == []
    preview = cast.administrator.post("/retention/preview", [POLICY])
    assert preview.status_code == 200, preview.content
    assert (preview.json()["messages"], preview.json()["later"], preview.json()["shortens"]) == (3, 3, [])
    found = cast.administrator.put("/retention/policies", [POLICY])
    assert found.status_code == 200, found.content
    (policy,) = found.json()
    assert (policy["order"], policy["periodInterval"], policy["searchCriteria"]["from"]) == (1, "year", None)
    factories.make_administrator("second@example.org")
    refused = is_problem(cast.administrator.put("/retention/policies", [{**POLICY, "period": 1}]), 409)
    assert refused["type"].endswith("approval-needed")
    wrong = [{**POLICY, "searchCriteria": {"query": "(unclosed"}}]
    is_problem(cast.administrator.put("/retention/policies", wrong), 422)
    is_problem(cast.administrator.put("/retention/policies", [{**POLICY, "period": 0}]), 422)
    assert RetentionPolicy.objects.get().period == 10


def test_a_hold_keeps_messages_from_being_deleted(cast: world.World) -> None:
    kept, gone = archive(cast.own.mailbox, make_mails(2))
    terms = {"name": "A case", "reason": "The court says so", "query": '"Report 0"'}
    assert cast.administrator.post("/holds/preview", terms).json()["messages"] == 1
    placed = cast.administrator.post("/holds", terms)
    assert placed.status_code == 201, placed.content
    assert cast.administrator.get(placed["Location"]).json()["state"] == "ACTIVE"
    assert len(cast.administrator.get("/holds?state=ACTIVE").json()) == 1
    is_problem(cast.administrator.post(f"/messages/{kept}/deletion", {"reason": "By mistake"}), 409)
    assert cast.administrator.post(f"/messages/{gone}/deletion", {"reason": "By mistake"}).status_code == 204
    is_problem(cast.administrator.post(f"/messages/{gone}/deletion", {"reason": "By mistake"}), 404)
    is_problem(cast.administrator.post("/holds", {**terms, "mailboxes": ["nobody@own.example"]}), 422)
    assert AuditEvent.objects.filter(action="mail.delete").count() == 1


def test_compliance_is_read_and_set(cast: world.World) -> None:
    read = cast.administrator.get("/retention/compliance").json()
    assert read["legalHoldEnabled"] is False
    assert cast.administrator.put("/retention/compliance", {**read, "legalHoldEnabled": True}).status_code == 200
    factories.make_administrator("second@example.org")
    is_problem(cast.administrator.put("/retention/compliance", read), 409)
    assert cast.administrator.get("/retention/certificates").json() == []
