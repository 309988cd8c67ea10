"""Object pages: tabs that other apps add, values edited in place and inherited, the switcher, the palette's objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.template import engines
from django.test import Client, RequestFactory
from django.urls import resolve, reverse

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from config.kit import finding, switching, tabs
from config.kit.finding import Found
from config.kit.templatetags.objects import curl
from jobs import selectors
from jobs.models import Task
from tests import factories

ClientFor = Callable[[User | None], Client]
OBJECT, VALUE = "/styleguide/object", "/styleguide/object/value"
HTMX = {"HX-Request": "true", "HX-Target": "value-name"}


def _request(path: str, actor: Actor) -> HttpRequest:
    request = RequestFactory().get(path)
    request.actor = actor  # type: ignore[attr-defined]
    request.resolver_match = resolve(path)
    return request


@pytest.fixture
def task_tabs() -> Iterator[None]:
    tabs.register("task", "All of them", "jobs:task-list", order=50, args=lambda obj: ())
    tabs.register("task", "Overview", "jobs:task-detail", order=10, count=lambda actor, task: task.dispatches)
    tabs.register("task", "Secrets", "jobs:task-cancel", right=Right.MANAGE_SERVER, order=20)
    tabs.register("task", "Gone", "jobs:no-longer-there", order=5)
    yield
    del tabs._tabs["task"]


def test_tabs_stand_in_their_order_with_their_numbers_and_only_for_who_may(user: User, task_tabs: None) -> None:
    task = factories.make_task(user, dispatches=1204)
    page = reverse("jobs:task-detail", args=[task.pk])
    shown = tabs.tabs_for(_request(page, Actor.for_user(user)), "task", task)
    assert [(tab.label, tab.count, tab.is_current) for tab in shown] == [
        ("Overview", 1204, True),
        ("All of them", None, False),
    ]
    everything = tabs.tabs_for(_request(page, Actor.console()), "task", task)
    assert [tab.label for tab in everything] == ["Overview", "Secrets", "All of them"]


def test_a_tab_registered_twice_stands_once(task_tabs: None) -> None:
    tabs.register("task", "Overview", "jobs:task-detail", order=10)
    assert len(tabs.kinds()["task"]) == 4


def test_a_value_is_edited_where_it_stands(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    form = client.get(VALUE, headers=HTMX).content.decode()
    assert form.strip().startswith("<div") and "<html" not in form and 'value="The example domain"' in form
    saved = client.post(VALUE, {"value": "Ours <b>"}, headers=HTMX)
    assert "Ours &lt;b&gt;" in saved.content.decode() and "is saved" in saved["HX-Trigger"]
    assert "Reset" in client.get(OBJECT).content.decode()
    unchanged = client.get(VALUE + "?cancel=1", headers=HTMX).content.decode()
    assert '<form class="value__form"' not in unchanged and "Ours" in unchanged


@pytest.mark.parametrize(("value", "said"), [("", "This field is required"), ("taken", "Another domain has this name")])
def test_a_value_that_is_refused_says_so_and_stays(
    client_for: ClientFor, administrator: User, value: str, said: str
) -> None:
    client = client_for(administrator)
    for headers in (HTMX, {}):
        response = client.post(VALUE, {"value": value}, headers=headers)
        assert response.status_code == 422 and said in response.content.decode()
    assert "The example domain" in client.get(OBJECT).content.decode()


def test_a_value_is_edited_without_javascript_too(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    assert "<html" in client.get(VALUE).content.decode()
    response = client.post(VALUE, {"value": "Plain"}, follow=True)
    assert response.redirect_chain == [(OBJECT, 303)]
    assert "Description is saved." in response.content.decode()


@pytest.mark.parametrize(
    ("call", "shown", "hidden"),
    [
        ('{% inherited "English" "Example Ltd" %}', ["value--inherited", "from Example Ltd"], ["Reset"]),
        ('{% inherited "English" "Example Ltd" "" "/c/1" %}', ['<a href="/c/1">from Example Ltd'], []),
        ('{% inherited 1204 "the server" "/reset" %}', ["1,204", 'action="/reset"', "Reset"], ["value--inherited"]),
        ('{% inherited "own" %}', ["own"], ["value--inherited", "Reset", "from"]),
        ("{% inherited None bold %}", ["–", "from &lt;b&gt;"], ["<b>"]),
        ("{% inherited 0 %}", [">0<"], ["–"]),
    ],
)
def test_an_inherited_value_says_from_where_and_an_own_one_how_to_go_back(
    call: str, shown: list[str], hidden: list[str]
) -> None:
    html = engines["django"].from_string(call).render({"bold": "<b>"}, _request("/", Actor.console()))
    assert all(part in html for part in shown), html
    assert not any(part in html for part in hidden), html


def test_a_page_as_api_call_has_a_placeholder_for_the_token_and_can_be_pasted() -> None:
    assert curl("GET", "/api/v1/domains?name=*a*").endswith("/api/v1/domains?name=*a*'")
    call = curl("PATCH", "/api/v1/users/5", {"name": "O'Neil $(rm)"})
    assert '-H "Authorization: Bearer $POSTKEEP_TOKEN"' in call
    assert '-d \'{"name": "O\'"\'"\'Neil $(rm)"}\'' in call


# --- the switcher ---


def test_a_switcher_leads_to_the_same_page_elsewhere(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    page = client.get(OBJECT).content.decode()
    assert 'hx-get="/switch/example?at=%2Fstyleguide%2Fobject"' in page
    menu = client.get("/switch/example", {"at": OBJECT}).content.decode()
    assert menu.count("<li><a") == 20 and "More are found by typing" in menu and 'type="search"' in menu
    assert f'href="{OBJECT}?place=example1.org"' in menu
    found = client.get("/switch/example", {"at": OBJECT, "q": "EXAMPLE7"}).content.decode()
    assert found.count("<li><a") == 1 and 'type="search"' not in found
    assert "Nothing has this name" in client.get("/switch/example", {"at": OBJECT, "q": "\0none"}).content.decode()


@pytest.mark.parametrize("at", ["", "/nowhere", "https://example.net/", "//example.net"])
def test_a_switcher_knows_only_pages_of_ours(client_for: ClientFor, administrator: User, at: str) -> None:
    assert client_for(administrator).get("/switch/example", {"at": at}).status_code == 404


def test_a_person_is_offered_only_places_of_theirs(client_for: ClientFor, user: User) -> None:
    menu = client_for(user).get("/switch/example", {"at": OBJECT}).content.decode()
    assert "<li><a" not in menu


def test_the_same_page_of_another_object_is_found_by_its_parameter() -> None:
    match = resolve("/tasks/7/")
    assert switching.same_page(match, "task_id", 9, otherwise="/x") == "/tasks/9/"
    assert switching.same_page(match, "domain_id", 9, otherwise="/x") == "/x"
    assert switching.same_page(resolve("/tasks/"), "task_id", 9, otherwise="/x") == "/x"


# --- objects in the palette ---


@pytest.fixture
def palette_of_tasks() -> Iterator[None]:
    def find(actor: Any, text: str, limit: int) -> Iterable[Found]:
        rows = selectors.list_tasks(actor).filter(type__istartswith=text).order_by("pk")
        return [Found(task.type, reverse("jobs:task-detail", args=[task.pk]), f"#{task.pk}") for task in rows[:limit]]

    def fail(actor: Any, text: str, limit: int) -> Iterable[Found]:
        raise OSError("the disk is full")

    before = list(finding._providers)
    finding.register_objects("Broken", "trash", fail, order=1)
    finding.register_objects("Task", "queue-list", find)
    yield
    finding._providers[:] = before


def test_the_palette_finds_objects_the_person_may_see_and_survives_a_broken_provider(
    client_for: ClientFor, user: User, stranger: User, palette_of_tasks: None
) -> None:
    mine, theirs = factories.make_task(user, type="Zebra <1>"), factories.make_task(stranger, type="Zebra <2>")
    items = client_for(user).get("/palette/objects", {"q": " zeb "})
    text = items.content.decode()
    assert f'data-href="/tasks/{mine.pk}/"' in text and "Zebra &lt;1&gt;" in text
    assert f"/tasks/{theirs.pk}/" not in text
    assert "no-store" in items["Cache-Control"]


def test_the_palette_asks_for_two_letters_and_shows_a_few_of_each_kind(
    client_for: ClientFor, user: User, palette_of_tasks: None
) -> None:
    Task.objects.bulk_create(Task(type="Zebra", actor=user, actor_label="x") for _ in range(20))
    client = client_for(user)
    assert client.get("/palette/objects", {"q": "z"}).content.strip() == b""
    assert client.get("/palette/objects", {"q": "ze\0"}).content.count(b"role=") == finding.LIMIT
