"""Lists made from a declaration: searched, filtered, sorted, paged, remembered, exported."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import F, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, QueryDict
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.actors import Actor
from accounts.models import User
from config.kit.list_fields import Choice, Custom, Field, Main, Number, Percent, State, Text, Time, YesNo
from config.kit.list_page import ListPage
from config.kit.listing import BadTerm, Listing, View
from config.kit.paging import Order, Page, _Walk, keyset
from jobs.models import Task
from tests import factories

ClientFor = Callable[[User | None], Client]
TASKS = "/tasks/"

LIST: Listing[Task] = Listing(
    "tests.tasks",
    (
        Main("type", "Type", words=True, sort=True, url="jobs:task-detail"),
        State("state", "State", choices=Task.State.choices, filter=True, groups={"active": ("Active", Task.ACTIVE)}),
        Text("by", "Asked by", path="actor_label", words=True),
        Text("email", "Address", path="actor__email", whole=True, folded=True, sort=True),
        YesNo("old", "Old", path="actor__is_active", shown=False),
        Number("tries", "Tries", path="dispatches", sort=True),
        Percent("share", "Share", path="dispatches", scale=200, column=False),
        Time("started", "Started", path="started_at", sort=True, blanks_last=True),
        Custom("secret", "Secret", show=lambda task: "hidden", right="manage_server"),
    ),
    sort="-pk",
    views=(View("Failed", "state=failed"),),
)


def _get(query: str = "", actor: Actor | None = None) -> HttpRequest:
    request = RequestFactory().get(f"/list/{query}")
    request.actor = actor or Actor.console()  # type: ignore[attr-defined]
    return request


def _page(query: str = "") -> ListPage[Task]:
    return LIST.page(_get(query), Task.objects.select_related("actor"))


def _found(**params: str) -> set[int]:
    query = QueryDict(mutable=True)
    query.update(params)
    return {row.pk for row in _page(f"?{query.urlencode()}").rows}


@pytest.fixture
def tasks(user: User, stranger: User) -> dict[str, Task]:
    start = timezone.now() - dt.timedelta(days=3)
    return {
        "wait": factories.make_task(user, type="Import_Mail", state="waiting", dispatches=3),
        "done": factories.make_task(stranger, type="ExportMail", state="completed", started_at=start, dispatches=190),
        "bad": factories.make_task(None, type="100% (done)", state="failed", started_at=timezone.now()),
    }


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("mail", {"wait", "done"}),
        ("MAIL export", {"done"}),
        ("-mail", {"bad"}),
        ("example.net", {"done"}),
        ('"100% ("', {"bad"}),
        ("_", {"wait"}),
        ("state:failed,waiting", {"bad", "wait"}),
        ("-state:failed", {"wait", "done"}),
        ("state:active", {"wait"}),
        ("STATE:Failed", {"bad"}),
        ("asked-by:system", {"bad"}),
        ("type:import*", {"wait"}),
        ("type:*mail", {"wait", "done"}),
        ("type:i*m*l", {"wait"}),
        ("type=ExportMail", {"done"}),
        ("type=Export", set()),
        ("email:USER@example.org", {"wait"}),
        ("email:user", set()),
        ("email:user*", {"wait"}),
        ("email:*", {"wait", "done"}),
        ('email:""', {"bad"}),
        ("-email:user@example.org", {"done", "bad"}),
        ("old:yes", {"wait", "done"}),
        ("tries>2", {"wait", "done"}),
        ("tries:3..5", {"wait"}),
        ("tries:..5", {"wait", "bad"}),
        ("share>90%", {"done"}),
        ("started:*", {"done", "bad"}),
        ("-started:*", {"wait"}),
        ("started:today", {"bad"}),
        ("started<-2d", {"done"}),
        ("started:-2d", {"bad"}),
        ("started:2020..2021", set()),
        ("", {"wait", "done", "bad"}),
    ],
)
def test_the_box_finds_what_was_asked_for(tasks: dict[str, Task], typed: str, found: set[str]) -> None:
    assert _found(q=typed) == {tasks[name].pk for name in found}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("stat:failed", "Did you mean “state”?"),
        ("http://example.org", "There is no field “http”"),
        ("state:broken", "is never “broken”"),
        ("tries>many", "“many” is no number"),
        ("tries:99999999999999999999", "no number"),
        ("share>lots", "Write it like 90%."),
        ("share>NaN", "no share"),
        ("started>soon", "“soon” is no date"),
        ("started>9999-12-31", "no date"),
        ("type>a", "can't be compared with >"),
        ("a " * 50, "too many words"),
    ],
)
def test_what_cannot_be_understood_is_said_at_the_box_and_nothing_is_shown(
    tasks: dict[str, Task], typed: str, said: str
) -> None:
    query = QueryDict(mutable=True)
    query["q"] = typed
    page = _page(f"?{query.urlencode()}")
    assert said in page.problem
    assert page.rows == []
    with pytest.raises(BadTerm):
        LIST.select(Actor.console(), Task.objects.all(), query)


def test_a_filter_that_no_longer_exists_shows_nothing_instead_of_everything(tasks: dict[str, Task]) -> None:
    page = _page("?state=abolished")
    assert page.rows == [] and page.problem
    assert [chip.label for chip in page.chips] == ["State: abolished"]


def test_blank_is_asked_of_keys_and_texts_alike_and_no_column_breaks_the_page(tasks: dict[str, Task]) -> None:
    people = [(person.pk, person.email) for person in User.objects.all()]
    listing: Listing[Task] = Listing(
        "tests.odd",
        (Choice("person", "Person", path="actor", choices=people), Text("tries", "Tries", path="dispatches")),
    )
    rows = Task.objects.all()
    assert listing.select(Actor.console(), rows, QueryDict("q=-person:*")).get() == tasks["bad"]
    assert listing.page(_get("?q=tries:*"), rows).problem == "One of the values can't be looked for in its field."
    with pytest.raises(BadTerm):
        listing.select(Actor.console(), rows, QueryDict("q=tries:*"))


@pytest.mark.parametrize("query", ["?q=%00", "?state=%00", "?sort=%00", "?before=%00&after=%00", "?columns=%00&size=x"])
def test_no_address_breaks_a_list(tasks: dict[str, Task], query: str) -> None:
    _page(query).table.body  # noqa: B018


def test_filters_add_up_and_each_chip_takes_its_own_away(tasks: dict[str, Task]) -> None:
    page = _page("?state=failed&state=waiting&q=mail&sort=type&before=x")
    assert {row.pk for row in page.rows} == {tasks["wait"].pk}
    failed, waiting = page.chips
    assert failed.label == "State: Failed"
    assert failed.url == "/list/?q=mail&sort=type&state=waiting"
    assert waiting.url == "/list/?q=mail&sort=type&state=failed"
    assert page.clear_url == "/list/?sort=type"


def test_a_field_is_there_only_for_who_holds_its_right(tasks: dict[str, Task], user: User) -> None:
    rows = Task.objects.all()
    shown = LIST.page(_get(actor=Actor.for_user(user)), rows)
    assert "Secret" not in {head.label for head in shown.table.heads}
    assert "Secret" in {head.label for head in _page().table.heads}
    asked = LIST.page(_get("?q=secret:x", Actor.for_user(user)), rows)
    assert "There is no field “secret”" in asked.problem


# --- sorting and paging ---

ORDERS = [
    Order("pk"),
    Order("pk", True),
    Order("type"),
    Order("type", True),
    Order("started_at"),
    Order("started_at", True),
    Order("started_at", True, blanks_last=True),
    Order("actor__email"),
    Order("actor__email", True),
    Order("actor__email", True, blanks_last=True),
    Order(Lower("actor_label"), True),
]
ORDERS += [replace(order, found_first=True) for order in ORDERS]


def _walk(rows: QuerySet[Task], order: Order, direction: str, start: str = "") -> Iterator[Page[Task]]:
    query = start
    while True:
        page: Page[Task] = keyset(_get(query), rows, order=order, per_page=4)
        yield page
        url = getattr(page.pager, direction)
        if not url:
            return
        query = "?" + url.partition("?")[2]


def test_a_value_that_the_selector_worked_out_can_be_sorted_by(db: None) -> None:
    made = {factories.make_task(dispatches=number % 3).pk for number in range(9)}
    rows = Task.objects.annotate(double=F("dispatches") * 2)
    pages = list(_walk(rows, Order("double", True), "older_url"))
    assert len(pages) == 3 and {row.pk for page in pages for row in page.rows} == made


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_every_order_leads_through_all_rows_once_forth_and_back(db: None, order: Order) -> None:
    people = [factories.make_user() for _ in range(3)]
    moments = [None, timezone.now(), timezone.now() - dt.timedelta(hours=1)]
    chance = random.Random(7)
    for _number in range(19):
        factories.make_task(
            chance.choice([None, *people]), type=chance.choice("abc"), started_at=chance.choice(moments)
        )
    rows = Task.objects.select_related("actor")
    forth = [row.pk for page in _walk(rows, order, "older_url") for row in page.rows]
    assert sorted(forth) == sorted(Task.objects.values_list("pk", flat=True)) and len(forth) == 19
    back = [page.rows for page in _walk(rows, order, "newer_url", "?at=last")]
    assert [row.pk for page in reversed(back) for row in page] == forth
    key: Any = F(order.key) if isinstance(order.key, str) else order.key
    blanks = {"nulls_last": True} if order.blanks_last else {}
    sign = key.desc(**blanks) if order.descending else key.asc()
    assert forth == [row.pk for row in rows.order_by(sign, "-pk" if order.descending else "pk")]


def test_the_last_page_is_one_step_away_and_leads_back(db: None) -> None:
    made = [factories.make_task().pk for _ in range(11)]
    first = keyset(_get(), Task.objects.all(), per_page=4)
    assert first.pager.last_url == "/list/?at=last"
    last = keyset(_get("?at=last"), Task.objects.all(), per_page=4)
    assert [row.pk for row in last.rows] == made[3::-1]
    assert not last.pager.older_url and not last.pager.last_url
    assert last.pager.newer_url and last.pager.first_url


def test_deep_pages_start_at_their_row_in_the_index(db: None) -> None:
    pk = factories.make_task().pk
    page = Task.objects.order_by("type", "pk")
    walk = _Walk(page, Order("type"))
    (part,) = walk._parts(("a", pk), False, blanks_at_end=True)
    sql = str(Task.objects.filter(part).query)
    assert '("jobs_task"."type", "jobs_task"."id") > (' in sql


@pytest.mark.parametrize("cursor", ["WzFlOTk5LDFd", "W251bGwsIm4iXQ", "WyIyMDI2IiwxXQ", "WyJcdTAwMDAiLDFd", "W1tdLDFd"])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_made_up_cursor_shows_a_page(db: None, order: Order, cursor: str) -> None:
    factories.make_task()
    keyset(_get(f"?before={cursor}"), Task.objects.all(), order=order)
    keyset(_get(f"?after={cursor}"), Task.objects.all(), order=order)


def test_a_head_sorts_turns_round_and_starts_new_things_with_the_newest() -> None:
    heads = {head.label: head for head in _head_page("?sort=type&before=x").table.heads}
    assert (heads["Type"].sorted, heads["Type"].sort_url) == ("ascending", "?sort=-type")
    assert heads["Started"].sort_url == "?sort=-started"
    assert heads["Asked by"].sort_url == ""
    assert heads["State"].sort_url == ""


def _head_page(query: str) -> ListPage[Task]:
    request = _get(query)
    page: Page[Task] = Page([], keyset(request, Task.objects.none(), total=0).pager, 0, False)
    return ListPage(request, LIST.ask(Actor.console(), request.GET), page)


@pytest.mark.parametrize("sort", ["by", "--type", "state", "nonsense", "-", ""])
def test_only_offered_sorts_are_sorted_by(sort: str) -> None:
    assert LIST.ask(Actor.console(), QueryDict(f"sort={sort}")).order == Order("pk", True)


def test_a_list_asks_as_often_whatever_its_size(user: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    factories.make_task(user)
    with django_assert_num_queries(2):
        assert str(_page("?sort=email").table.body).count("<tr") == 1
    for _number in range(60):
        factories.make_task(user)
    with django_assert_num_queries(2):
        assert str(_page("?sort=email").table.body).count("<tr") == 50


def test_the_total_is_asked_of_a_counter_only_where_nothing_is_filtered(tasks: dict[str, Task]) -> None:
    rows = Task.objects.all()
    assert LIST.page(_get(), rows, total=lambda: 1_000_000).total_text == "1,000,000 in all"
    assert LIST.page(_get("?state=failed"), rows, total=lambda: 1_000_000).total_text == "1 in all"


# --- what is shown and remembered ---


def test_cells_are_text_and_only_components_are_markup(db: None) -> None:
    task = factories.make_task(type="<script>alert(1)</script>")
    Task.objects.filter(pk=task.pk).update(actor_label='"><img src=x>')
    body = str(_page().table.body)
    assert "<script>" not in body and "<img" not in body
    assert '<span class="state state--good">' in body


def test_columns_size_and_views_are_remembered_and_the_address_beats_them(client_for: ClientFor, user: User) -> None:
    factories.make_task(user)
    client = client_for(user)
    memory = reverse("config:list-memory")
    fields = {"list": "jobs.tasks", "next": TASKS + "?state=failed&size=200", "do": "show"}
    response = client.post(memory, {**fields, "column": ["ended", "state"], "size": "25"})
    assert response["Location"] == TASKS + "?state=failed"
    shown = client.get(TASKS).context["list"]
    assert [head.label for head in shown.table.heads] == ["Task", "State", "Ended"]
    assert shown.asked.size == 25
    asked = client.get(TASKS, {"columns": "by", "size": "100"}).context["list"]
    assert [head.label for head in asked.table.heads] == ["Task", "Asked by"]
    assert asked.asked.size == 100
    client.post(memory, {**fields, "do": "save", "name": " Bad  ones ", "query": "state=failed&sort=x"})
    tabs = client.get(TASKS + "?sort=x&state=failed").context["list"].tabs
    assert [(str(tab.label), tab.is_current) for tab in tabs if tab.is_own] == [("Bad ones", True)]
    client.post(memory, {**fields, "do": "remove", "name": "Bad ones"})
    client.post(memory, {**fields, "do": "reset"})
    after = client.get(TASKS).context["list"]
    assert not after.own_views and after.asked.size == 50


@pytest.mark.parametrize(
    "fields",
    [
        {"list": "../x", "do": "reset"},
        {"list": "a", "do": "nonsense"},
        {"list": "a", "do": "save", "name": "", "query": "q=x"},
        {"list": "a", "do": "save", "name": "n", "query": "x" * 2001},
        {"list": "a", "do": "show", "size": "many"},
    ],
)
def test_what_no_form_sends_is_refused(client_for: ClientFor, user: User, fields: dict[str, str]) -> None:
    assert client_for(user).post(reverse("config:list-memory"), fields).status_code == 400


def test_too_many_views_are_refused_in_words(client_for: ClientFor, user: User) -> None:
    client = client_for(user)
    for number in range(40):
        client.post(
            reverse("config:list-memory"),
            {"list": "jobs.tasks", "next": TASKS, "do": "save", "name": f"View {number}", "query": "q=" + "x" * 200},
        )
    page = client.get(TASKS)
    assert "too many saved views" in page.content.decode()
    assert 5 < len(page.context["list"].own_views) <= 20


def test_memory_never_leads_away_from_here(client_for: ClientFor, user: User) -> None:
    fields = {"list": "jobs.tasks", "do": "reset", "next": "https://example.net/"}
    assert client_for(user).post(reverse("config:list-memory"), fields)["Location"] == "/"


def test_htmx_gets_the_list_alone_and_its_count(client_for: ClientFor, user: User) -> None:
    factories.make_task(user)
    client = client_for(user)
    part = client.get(TASKS, headers={"HX-Request": "true", "HX-Target": "list-body"})
    text = part.content.decode()
    assert "<html" not in text and 'id="list-body"' in text and 'data-count="1"' in text
    assert "HX-Request" in part["Vary"]
    assert "<html" in client.get(TASKS, headers={"HX-Request": "true", "HX-Target": "elsewhere"}).content.decode()


def test_the_export_has_what_the_list_finds_and_nothing_a_spreadsheet_runs(
    client_for: ClientFor, user: User, stranger: User
) -> None:
    task = factories.make_task(user, state="failed")
    Task.objects.filter(pk=task.pk).update(actor_label="=HYPERLINK(1)")
    factories.make_task(user, state="completed")
    factories.make_task(stranger, state="failed")
    response = client_for(user).get(TASKS, {"state": "failed", "format": "csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    lines = b"".join(response).decode("utf-8-sig").splitlines()
    assert lines[0] == "task,state,progress,by,asked,ended,took"
    assert len(lines) == 2 and ",failed," in lines[1] and ",'=HYPERLINK(1)," in lines[1]


def test_an_export_that_cannot_be_understood_sends_nothing(client_for: ClientFor, user: User) -> None:
    response = client_for(user).get(TASKS, {"q": "nosuch:x", "format": "csv"})
    assert (response.status_code, response["Content-Type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("fields", "sort"),
    [
        ([Text("q", "Q")], "-pk"),
        ([Text("a", "A"), Text("a", "A")], "-pk"),
        ([Text("A b", "A")], "-pk"),
        ([Text("a", "A")], "a"),
        ([Choice("a", "A", sort=True)], "b"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_at_once(fields: list[Field], sort: str) -> None:
    with pytest.raises(ValueError):
        Listing("tests.wrong", fields, sort=sort)
