"""Lists: filters, sorts, offsets, cursors, and what is said when one of them is wrong."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.utils import timezone

from accounts.models import User
from api import listing
from config.kit import paging
from domains.models import Domain, Mailbox
from tests import factories
from tests.api.callers import Caller, caller_for, is_problem

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.sample")]


@pytest.fixture
def admin(administrator: User) -> Caller:
    return caller_for(administrator)


def make_domains(count: int) -> None:
    Domain.objects.bulk_create(Domain(name=f"d{number:05}.example") for number in range(count))


def names(response: Any, field: str = "name") -> list[str]:
    assert response.status_code == 200, response.content
    return [row[field] for row in response.json()]


def follow(caller: Caller, path: str, field: str) -> tuple[list[str], int]:
    """All rows along `Link: rel=next`, and on how many pages."""
    found: list[str] = []
    pages = 0
    while path:
        response = caller.get(path)
        found += names(response, field)
        pages += 1
        path = next_of(response)
    return found, pages


def next_of(response: Any) -> str:
    match = re.fullmatch(r'<([^>]+)>; rel="next"', response.headers.get("Link", ""))
    return match[1] if match else ""


# --- pages ---


def test_a_list_answers_40_rows_and_how_many_there_are(admin: Caller) -> None:
    make_domains(45)
    response = admin.get("/domains")
    assert names(response) == [f"d{number:05}.example" for number in range(40)]
    assert response["X-Total-Count"] == "45"
    assert names(admin.get("/domains?offset=40")) == [f"d{number:05}.example" for number in range(40, 45)]
    assert names(admin.get("/domains?offset=5&pageSize=2")) == ["d00005.example", "d00006.example"]
    assert names(admin.get("/domains?offset=9999")) == []


def test_beyond_ten_thousand_rows_the_total_says_that_there_are_more(
    admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "COUNT_LIMIT", 10)
    make_domains(10)
    response = admin.get("/domains?pageSize=4&sort=-name")
    assert (response["X-Total-Count"], "X-Total-Capped" in response) == ("10", False)
    Domain.objects.create(name="e.example")
    for query in ("pageSize=4&sort=-name", "pageSize=4&sort=-name&cursor=start"):
        response = admin.get(f"/domains?{query}")
        assert (response["X-Total-Count"], response["X-Total-Capped"]) == ("10", "true")
        assert names(response) == ["e.example", "d00009.example", "d00008.example", "d00007.example"]


def test_the_link_leads_through_all_rows(admin: Caller) -> None:
    make_domains(45)
    found, pages = follow(admin, "/domains?pageSize=20", "name")
    assert (found, pages) == ([f"d{number:05}.example" for number in range(45)], 3)
    assert follow(admin, "/domains?cursor=start&pageSize=45&sort=-id", "name")[1] == 1


def test_the_number_of_queries_is_the_same_at_any_size(admin: Caller, django_assert_num_queries: Any) -> None:
    admin.get("/domains")
    for count in (5, 500):
        make_domains_once(count)
        with django_assert_num_queries(3):  # token, total, rows
            admin.get("/domains?pageSize=1000")


def make_domains_once(count: int) -> None:
    Domain.objects.all().delete()
    make_domains(count)


def test_beyond_10_000_rows_an_offset_is_refused_and_a_cursor_goes_on(admin: Caller) -> None:
    make_domains(10_005)
    response = admin.get("/domains?offset=10000")
    assert names(response)[0] == "d10000.example"
    response = admin.get("/domains?offset=10001&pageSize=3")
    found = is_problem(response, 422)
    assert found["errors"][0]["field"] == "offset"
    assert follow(admin, next_of(response), "name") == (
        [f"d{number:05}.example" for number in range(10_000, 10_005)],
        2,
    )


def test_a_cursor_stays_put_while_rows_come_and_go(admin: Caller) -> None:
    make_domains(6)
    response = admin.get("/domains?pageSize=3")
    Domain.objects.filter(name__in=["d00000.example", "d00002.example"]).delete()
    Domain.objects.create(name="a.example")
    assert names(admin.get(next_of(response))) == ["d00003.example", "d00004.example", "d00005.example"]


@pytest.mark.parametrize("query", ["offset=-1", "offset=x", "offset=1.0", "offset=", "offset=1_0", "offset=%2B1"])
def test_a_wrong_offset_is_refused(admin: Caller, query: str) -> None:
    assert is_problem(admin.get(f"/domains?{query}"), 422)["errors"][0]["field"] == "offset"


@pytest.mark.parametrize("size", ["0", "1001", "-5", "many"])
def test_a_wrong_page_size_is_refused(admin: Caller, size: str) -> None:
    assert is_problem(admin.get(f"/domains?pageSize={size}"), 422)["errors"][0]["field"] == "pageSize"


def test_a_page_holds_at_most_1_000_rows(admin: Caller) -> None:
    make_domains(1_001)
    assert len(names(admin.get("/domains?pageSize=1000"))) == 1_000


def test_unknown_and_repeated_parameters_are_named(admin: Caller) -> None:
    found = is_problem(admin.get("/domains?nme=x&Offset=1&pageSize=1&pageSize=2"), 422)
    assert {each["field"] for each in found["errors"]} == {"nme", "Offset", "pageSize"}


# --- sorts ---


def test_a_sort_that_isn_t_offered_is_refused_and_the_offered_ones_are_named(admin: Caller) -> None:
    found = is_problem(admin.get("/domains?sort=created"), 422)
    assert found["errors"][0]["field"] == "sort"
    assert "'name'" in found["errors"][0]["detail"] and "'-id'" in found["errors"][0]["detail"]


@pytest.fixture
def people(administrator: User) -> list[User]:
    """Eight people: names that are equal, moments that are missing, and some with a mailbox."""
    domain = Domain.objects.create(name="example.org")
    made = []
    for number in range(8):
        person = factories.make_user(f"p{number}@example.org", name=f"name {number % 3}")
        person.last_login = timezone.now() if number % 2 else None
        person.save()
        if number % 3:
            Mailbox.objects.create(domain=domain, address=person.email, user=person)
        made.append(person)
    return [administrator, *made]


@pytest.mark.parametrize("sort", ["email", "name", "lastLogin", "id", "mailbox"])
def test_every_sort_is_stable_by_id_and_a_cursor_follows_it(admin: Caller, people: list[User], sort: str) -> None:
    for sign in ("", "-"):
        whole = names(admin.get(f"/people?sort={sign}{sort}&pageSize=100"), "id")
        assert len(set(whole)) == len(people)
        for size in (1, 2, 5):
            assert follow(admin, f"/people?sort={sign}{sort}&pageSize={size}", "id")[0] == whole, (sign, size)


def test_rows_that_are_equal_are_sorted_by_id(admin: Caller, people: list[User]) -> None:
    found = admin.get("/people?sort=-name").json()
    keys = [(row["email"][1], row["id"]) for row in found if row["email"].startswith("p")]
    same = [key for key in keys if int(key[0]) % 3 == 1]
    assert same == sorted(same, key=lambda key: -key[1])


# --- cursors ---


def test_a_cursor_that_isn_t_ours_is_refused(admin: Caller, people: list[User]) -> None:
    ours = next_of(admin.get("/people?pageSize=1")).split("cursor=")[1]
    for cursor in ("", "x", "START", ours[:-1], unquote(ours).replace(":", ";"), quote("a:b:c"), "%00"):
        assert is_problem(admin.get(f"/people?cursor={cursor}"), 422)["errors"][0]["field"] == "cursor"


def test_a_cursor_belongs_to_its_list_filters_and_order(admin: Caller, people: list[User]) -> None:
    following = next_of(admin.get("/people?pageSize=1&sort=name&active=true"))
    assert admin.get(following).status_code == 200
    assert admin.get(f"{following}&sort=name").status_code == 200
    for other in (
        f"{following}&sort=email",
        f"{following}&offset=2",
        following.replace("active=true", "active=false"),
        following.replace("/people", "/domains").replace("active=true&", ""),
    ):
        is_problem(admin.get(other), 422)


# --- filters ---


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("p1@example.org", ["p1@example.org"]),
        ("P1@EXAMPLE.ORG", ["p1@example.org"]),
        ("p1", []),
        ("p1*", ["p1@example.org"]),
        ("*1@example.org", ["p1@example.org"]),
        ("*P1@*", ["p1@example.org"]),
        ("p*1", []),
        ("*%*", []),
        ("p_@*", []),
    ],
)
def test_text_is_found_whole_or_with_stars(admin: Caller, people: list[User], pattern: str, found: list[str]) -> None:
    response = admin.get(f"/people?email={quote(pattern)}")
    assert names(response, "email") == found
    assert response["X-Total-Count"] == str(len(found))


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("name 1", 3),
        ("NAME 1", 3),
        ("name*", 8),
        ("*E 2", 2),
        ("*AME*", 8),
        ("*%*", 0),
        ("*_*", 0),
        ("*\\\\*", 0),
        ("na", 0),
    ],
)
def test_names_in_any_case_are_found_in_any_case(admin: Caller, people: list[User], pattern: str, found: int) -> None:
    assert len(names(admin.get(f"/people?name={quote(pattern)}"), "id")) == found


def test_a_lone_star_is_everything(admin: Caller, people: list[User]) -> None:
    assert len(names(admin.get("/people?email=*"), "id")) == len(names(admin.get("/people?email=**"), "id")) == 9


def test_filters_narrow_together(admin: Caller, people: list[User]) -> None:
    User.objects.filter(email__in=["p1@example.org", "p2@example.org"]).update(is_active=False)
    assert names(admin.get("/people?active=false&email=*2@*"), "email") == ["p2@example.org"]
    assert names(admin.get("/people?role=ADMIN"), "email") == ["administrator@example.org"]
    assert names(admin.get("/people?createdSince=2999-01-01T00:00:00Z"), "id") == []
    assert len(names(admin.get("/people?createdSince=2001-01-01T00:00:00%2B01:00"), "id")) == 9


@pytest.mark.parametrize(
    "query",
    ["active=yes", "active=1", "role=admin", "createdSince=yesterday", "email=", "email=%00", "email=" + "x" * 400],
)
def test_a_wrong_filter_is_named(admin: Caller, query: str) -> None:
    assert is_problem(admin.get(f"/people?{query}"), 422)["errors"][0]["field"] == query.split("=")[0]


def test_the_signature_of_cursors_holds_the_whole_cursor(admin: Caller, people: list[User]) -> None:
    """A cursor of another person is of no use for seeing more: rows are always the asker's own."""
    stranger = caller_for(people[1])
    following = next_of(admin.get("/people?pageSize=1"))
    is_problem(stranger.get(following), 403)


def test_limits_are_what_the_reference_says() -> None:
    assert (listing.OFFSET_MAX, listing.PAGE_SIZE, listing.PAGE_SIZE_MAX) == (10_000, 40, 1_000)
