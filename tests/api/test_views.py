"""One's own saved views by the API: the same as the tabs above a list, and nobody else's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Preference
from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db
FULL = {"listName": "domains.users", "name": "Nearly full", "query": "quota=%3E90%25&sort=-quota"}


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_view_is_made_renamed_changed_and_deleted(cast: world.World) -> None:
    made = cast.user.post("/me/views", FULL | {"query": "?" + FULL["query"]})
    assert made.status_code == 201 and made.json() == FULL, made.content
    other = FULL | {"listName": "domains.domains", "name": "Ours / all", "query": "q=own"}
    cast.user.post("/me/views", other)
    assert cast.user.get("/me/views").json() == [other, FULL]
    assert cast.user.get("/me/views?listName=domains.users").json() == [FULL]
    assert cast.user.patch("/me/views/domains.users/Nearly%20full", {"name": "Full"}).status_code == 204
    assert cast.user.patch("/me/views/domains.domains/Ours%20/%20all", {"query": "q=mine"}).status_code == 204
    assert [each["name"] for each in cast.user.get("/me/views").json()] == ["Ours / all", "Full"]
    assert cast.user.get("/me/views/domains.domains/Ours%20/%20all").json()["query"] == "q=mine"
    is_problem(cast.user.get("/me/views/domains.users/Nearly%20full"), 404)
    assert cast.user.delete("/me/views/domains.users/Full").status_code == 204
    is_problem(cast.user.delete("/me/views/domains.users/Full"), 404)
    assert not Preference.objects.filter(user=cast.own.person, key="list.domains.users").exists()


def test_the_page_shows_what_the_api_saved_and_keeps_what_it_remembers_beside(cast: world.World) -> None:
    browser = Client()
    browser.force_login(cast.own.person)
    address = reverse("jobs:task-list")
    browser.post(reverse("config:list-memory"), {"list": "jobs.tasks", "next": address, "do": "show", "size": "100"})
    cast.user.post("/me/views", {"listName": "jobs.tasks", "name": "Broken", "query": "state=failed"})
    found = browser.get(address).context["list"]
    assert [str(tab.label) for tab in found.own_views] == ["Broken"] and found.asked.size == 100


def test_views_are_one_s_own(cast: world.World) -> None:
    cast.user.post("/me/views", FULL)
    assert cast.administrator.get("/me/views").json() == []
    is_problem(cast.administrator.patch("/me/views/domains.users/Nearly%20full", {"name": "Mine"}), 404)
    is_problem(cast.reader.post("/me/views", FULL), 403)
    assert cast.reader.get("/me/views").json() == []


def test_what_is_no_view_is_told_by_its_field(cast: world.World) -> None:
    cast.user.post("/me/views", FULL)
    is_problem(cast.user.post("/me/views", FULL), 409)
    is_problem(cast.user.post("/me/views", FULL | {"name": "Late"}, If_Match='"an older list"'), 412)
    cast.user.post("/me/views", FULL | {"name": "Other"})
    is_problem(cast.user.patch("/me/views/domains.users/Other", {"name": "Nearly full"}), 409)
    for field, value in (("listName", "domains.planets"), ("name", "   "), ("query", "?"), ("query", "a\nb")):
        wrong = is_problem(cast.user.post("/me/views", FULL | {"name": "New", field: value}), 422)
        assert wrong["errors"][0]["field"] == field
    for number in range(18):
        assert cast.user.post("/me/views", FULL | {"name": f"View {number}"}).status_code == 201
    is_problem(cast.user.post("/me/views", FULL | {"name": "One more"}), 422)
