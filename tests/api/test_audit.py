"""The audit trail by the API: as far as it is one's to read, one's own, taken out, verified."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts import audit
from accounts.actors import Actor
from accounts.models import AuditEvent, User
from jobs.services import run_waiting
from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_what_happened_is_listed_with_old_and_new_and_only_in_one_s_reach(cast: world.World) -> None:
    cast.administrator.patch(f"/domains/{cast.own.domain.pk}", {"description": "Ours"})
    cast.administrator.patch(f"/domains/{cast.foreign.domain.pk}", {"description": "Theirs"})
    (event,) = cast.delegate.get("/audit/events?action=domain.edit").json()
    assert event["changes"]["description"] == ["", "Ours"] and event["via"] == "api"
    assert event["actor"] == "root@server.example"
    assert len(cast.administrator.get("/audit/events?action=domain.edit").json()) == 2
    one = cast.delegate.get(f"/audit/events/{event['id']}").json()
    assert one["seal"] is None and one["objectLabel"] == event["objectLabel"]
    foreign = AuditEvent.objects.get(domain_id=cast.foreign.domain.pk, action="domain.edit")
    is_problem(cast.delegate.get(f"/audit/events/{foreign.pk}"), 404)
    assert {each["domainId"] for each in cast.delegate.get(f"/domains/{cast.own.domain.pk}/events").json()} == {
        cast.own.domain.pk
    }


def test_people_see_who_did_what_to_them(cast: world.World) -> None:
    cast.delegate.patch(f"/users/{cast.own.person.pk}", {"firstname": "Augusta"})
    events = cast.user.get("/me/events").json()
    assert events[0]["actor"].startswith("delegate") and {each["userId"] for each in events} == {cast.own.person.pk}
    assert cast.user.get(f"/audit/events/{events[0]['id']}").status_code == 200
    is_problem(cast.user.get("/audit/events"), 403)
    assert cast.delegate.get(f"/users/{cast.own.person.pk}/events").json()[0]["id"] == events[0]["id"]


def test_it_is_read_on_with_a_cursor_and_narrowed_by_moments(cast: world.World) -> None:
    first = cast.administrator.get("/audit/events?pageSize=2")
    address = first["Link"].partition(">")[0].lstrip("<")
    second = cast.administrator.get(address).json()
    assert first.json()[-1]["id"] > second[0]["id"]
    moment = first.json()[0]["at"]
    assert all(each["at"] >= moment for each in cast.administrator.get(f"/audit/events?since={moment}").json())
    is_problem(cast.administrator.get("/audit/events?since=yesterday"), 422)


def taken_out(response: Any) -> list[dict[str, Any]]:
    """The export as a program reads it; in pieces, so that it is never whole on our side."""
    assert response["Content-Type"] == "application/json"
    found: list[dict[str, Any]] = json.loads(b"".join(response.streaming_content))
    return found


def test_taking_it_out_is_an_event_itself(cast: world.World) -> None:
    found = taken_out(cast.delegate.get("/audit/export"))
    assert [each["id"] for each in found] == sorted(each["id"] for each in found) != []
    rest = taken_out(cast.delegate.get(f"/audit/export?afterId={found[-1]['id']}"))
    assert rest == []  # the event of the export is nobody's domain's
    assert AuditEvent.objects.filter(action="audit.export", details__format="api").count() == 2


def test_more_than_ten_thousand_events_are_taken_out_whole_and_in_batches(
    cast: world.World, django_assert_max_num_queries: Any
) -> None:
    domain = cast.own.domain
    audit.record_many(audit.build(Actor.system(), "domain.look", domain, number=number) for number in range(12_345))
    response = cast.delegate.get("/audit/export")
    with django_assert_max_num_queries(8):  # two thousand at a time
        found = taken_out(response)
    numbers = [each["details"]["number"] for each in found if each["action"] == "domain.look"]
    assert numbers == list(range(12_345))
    page = client(cast).get("/audit/?format=json")
    assert len(json.loads(b"".join(page.streaming_content))) >= 12_345
    lines = b"".join(client(cast).get("/audit/?format=csv").streaming_content).decode().count("domain.look")
    assert lines == 12_345


def client(cast: world.World) -> Any:
    browser = Client()
    browser.force_login(User.objects.get(email__startswith="delegate"))
    return browser


def test_the_chain_is_verified_as_a_task(cast: world.World, nothing_noted: None) -> None:
    started = cast.administrator.post("/audit/verification")
    assert started.status_code == 202, started.content
    run_waiting(started.json()["id"])
    assert cast.administrator.get(started["Location"]).json()["result"]["sound"] is True
