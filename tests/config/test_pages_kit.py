"""Paging, tables, numbers, times, charts and navigation: the parts that pages are made of."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from config.kit import nav, paging
from config.kit.charts import bar_chart, nice_top
from config.kit.tables import BaseTable, MainColumn, NumberColumn, StateColumn
from config.kit.templatetags import kit
from jobs.models import Task
from tests import factories

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)


def _get(query: str = "") -> HttpRequest:
    return RequestFactory().get(f"/tasks/{query}")


def _query(url: str) -> str:
    return "?" + url.partition("?")[2]


def test_paging_forth_and_back_sees_every_row_once_and_in_order(db: None) -> None:
    for _number in range(7):
        factories.make_task()
    rows = Task.objects.all()
    everything = [task.pk for task in rows.order_by("-pk")]
    first = paging.keyset(_get(), rows, per_page=3)
    second = paging.keyset(_get(_query(first.pager.older_url)), rows, per_page=3)
    third = paging.keyset(_get(_query(second.pager.older_url)), rows, per_page=3)
    assert [task.pk for page in (first, second, third) for task in page.rows] == everything
    assert not first.pager.newer_url
    assert not third.pager.older_url
    back = paging.keyset(_get(_query(third.pager.newer_url)), rows, per_page=3)
    assert [task.pk for task in back.rows] == [task.pk for task in second.rows]
    start = paging.keyset(_get(_query(back.pager.newer_url)), rows, per_page=3)
    assert [task.pk for task in start.rows] == [task.pk for task in first.rows]
    assert not start.pager.newer_url


def test_rows_that_share_the_sorted_value_are_paged_by_their_key(db: None) -> None:
    for _number in range(5):
        factories.make_task(created_at=NOW)
    first = paging.keyset(_get(), Task.objects.all(), order="-created_at", per_page=2)
    second = paging.keyset(_get(_query(first.pager.older_url)), Task.objects.all(), order="-created_at", per_page=2)
    assert not {task.pk for task in first.rows} & {task.pk for task in second.rows}


def test_a_page_stays_put_while_rows_arrive(db: None) -> None:
    for _number in range(4):
        factories.make_task()
    first = paging.keyset(_get(), Task.objects.all(), per_page=2)
    older = _get(_query(first.pager.older_url))
    before = [task.pk for task in paging.keyset(older, Task.objects.all(), per_page=2).rows]
    factories.make_task()
    assert [task.pk for task in paging.keyset(older, Task.objects.all(), per_page=2).rows] == before


@given(st.text(max_size=60))
def test_any_cursor_text_is_either_a_cursor_or_none(text: str) -> None:
    cursor = paging._read(text)
    assert cursor is None or len(cursor) == 2


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIiwgMV0", "bnVsbA", "%00"])
def test_a_cursor_that_means_nothing_shows_a_page_and_no_error(db: None, cursor: str) -> None:
    factories.make_task()
    page = paging.keyset(_get(f"?before={cursor}"), Task.objects.all(), order="-created_at")
    assert len(page.rows) == 1


def test_totals_are_exact_to_ten_thousand(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNT_LIMIT", 3)
    for _number in range(4):
        factories.make_task()
    assert paging.count_capped(Task.objects.all()) == (3, True)
    assert paging.total_text(10_000, capped=True) == "more than 10,000"
    assert paging.total_text(1204) == "1,204 in all"


def test_counting_gives_up_in_time_and_leaves_nothing_behind(db: None, settings: Any) -> None:
    for _number in range(5):
        factories.make_task()
    slow = Task.objects.extra(where=["pg_sleep(0.2) IS NOT NULL"])
    settings.COUNTING_MS = 50
    assert paging.count_in_time(slow) == (None, False)
    assert paging.count_in_time(Task.objects.all(), 3) == (3, True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        assert cursor.fetchone() == ("0",)
    for sides, text in (("", "more than 2"), ("?at=last", "more than 2")):
        assert paging.keyset(_get(sides), Task.objects.all(), per_page=2, uncounted=True).pager.text == text
    first = paging.keyset(_get(), Task.objects.all(), per_page=4, uncounted=True)
    second = paging.keyset(_get(_query(first.pager.older_url)), Task.objects.all(), per_page=4, uncounted=True)
    assert (len(second.rows), second.pager.text) == (1, "more than 4")
    assert paging.keyset(_get(), Task.objects.all(), per_page=5, uncounted=True).pager.text == "5 in all"


def test_a_pager_keeps_the_filters_of_its_page() -> None:
    pager = paging.cursor_pager(_get("?q=a+b&before=x"), newer=None, older="y", total=3)
    assert pager.older_url == "/tasks/?q=a+b&before=y"


class StoreTable(BaseTable):
    name = MainColumn()
    messages = NumberColumn()
    state = StateColumn()
    sorts = {"name": "name"}

    def row_url(self, record: Any) -> str:
        return f"/stores/{record['name']}"


def test_a_table_links_its_first_column_and_formats_its_numbers() -> None:
    table = StoreTable([{"name": "Main <1>", "messages": 1204, "state": "failed"}], request=_get("?sort=name"))
    (row,) = table.shown_rows
    assert [cell.href for cell in row.cells] == ["/stores/Main <1>", "", ""]
    assert row.cells[1].value == "1,204"
    assert "Failed" in str(row.cells[2].value)


def test_a_sorted_column_says_so_and_turns_round() -> None:
    head = next(iter(StoreTable([], request=_get("?sort=name&before=x")).heads))
    assert (head.sorted, head.sort_url) == ("ascending", "?sort=-name")
    turned = next(iter(StoreTable([], request=_get("?sort=-name")).heads))
    assert (turned.sorted, turned.sort_url) == ("descending", "?sort=name")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.00 KiB"),
        (61_839_211, "59.0 MiB"),
        (1024**3 - 1, "1.00 GiB"),
        (5 * 1024**5, "5.00 PiB"),
        (5000 * 1024**5, "5,000 PiB"),
    ],
)
def test_sizes_have_three_digits_and_a_unit(size: int, text: str) -> None:
    assert kit.size_text(size) == text


def test_a_size_has_its_exact_bytes_on_hover() -> None:
    assert 'title="61,839,211 bytes"' in kit.filesize_exact(61_839_211)
    assert kit.filesize_exact(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "just now"),
        (60, "1 minute ago"),
        (3500, "58 minutes ago"),
        (3700, "1 hour ago"),
        (86_399, "23 hours ago"),
        (86_400, "20 Nov"),
        (400 * 86_400, "17 Oct 2025"),
        (-120, "in 2 minutes"),
        (-7200, "in 2 hours"),
        (-3 * 86_400, "24 Nov"),
    ],
)
def test_moments_are_said_as_people_say_them(seconds: int, text: str) -> None:
    assert kit.relative_time(NOW - dt.timedelta(seconds=seconds), NOW) == text


def test_numbers_follow_the_language() -> None:
    with translation.override("de"):
        assert kit.number(1204771) == "1.204.771"
        assert kit.unlocalize_int(1204771) == "1204771"
    assert kit.number(None) == ""
    assert kit.number("text") == "text"


def test_progress_is_said_in_its_unit() -> None:
    assert kit.progress_amount({"done": 1, "total": 28_032, "unit": "messages"}) == "1 of 28,032 messages"
    assert kit.progress_amount({"done": 734_003_200, "unit": "bytes"}) == "700 MiB"
    assert kit.progress_rate({"rate": 6512.4, "unit": "messages"}) == "6,512 per second"
    assert kit.progress_rate({"rate": 31_457_280, "unit": "bytes"}) == "30.0 MiB per second"


def test_percent_says_100_only_at_the_end() -> None:
    assert [kit.percent(done, 1000) for done in (0, 999, 1000)] == [0, 99, 100]
    assert kit.percent(5, 0) == 0


@given(st.integers(min_value=0, max_value=10**12))
def test_the_axis_reaches_over_the_highest_bar_and_has_even_quarters(highest: int) -> None:
    top = nice_top(highest)
    assert top >= highest
    assert top % 4 == 0
    assert top <= max(20, highest * 2.5)


def test_a_chart_has_a_bar_for_each_point_and_nothing_outside_its_field() -> None:
    points = [(str(day), day * 37 % 101) for day in range(30)]
    with translation.override("de"):
        chart = bar_chart(points, title="t", summary="s", label_title="l", value_title="v")
    assert len(chart.bars) == 30
    assert all(0 <= float(bar.y) <= chart.height and float(bar.x) + float(bar.width) <= 1000 for bar in chart.bars)
    assert chart.labels == ["0", "7", "14", "22", "29"]


def test_the_navigation_shows_each_role_what_it_may_use(administrator: User, user: User) -> None:
    from accounts.actors import Actor

    shown = {item.url_name for item in nav.items_for(Actor.for_user(administrator))}
    theirs = {item.url_name for item in nav.items_for(Actor.for_user(user))}
    assert {"config:overview", "config:health", "accounts:user-list", "archive:store-list"} <= shown
    assert {"archive:search", "jobs:task-list"} <= theirs
    assert not {"config:overview", "config:health", "accounts:user-list", "archive:store-list"} & theirs


def test_a_page_of_one_object_stands_under_its_list() -> None:
    item = nav.Item("", "Tasks", "jobs:task-list", "queue-list", None, 1, "all", "", True, "", ("jobs:result",))
    assert item.covers("jobs:task-detail")
    assert item.covers("jobs:result-list")
    assert not item.covers("jobs:tasking")


def test_shortcut_letters_are_used_once() -> None:
    everybody = SimpleNamespace(
        is_administrator=True, administers=True, has=lambda *_: True, has_somewhere=lambda _right: True
    )
    keys = [item.keys for item in nav.items_for(everybody) if item.keys]
    assert len(keys) == len(set(keys))
