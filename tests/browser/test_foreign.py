"""A domain administrator against everything that isn't theirs, from a real browser's own session.

Every write of the access table with the ids of foreign objects, by raw HTTP with the session's right CSRF token and the
fields of a valid form; and CSV files of users that reach into foreign domains.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from playwright.sync_api import Page, expect

from domains.models import Domain, Mailbox
from jobs.models import Task
from jobs.services import run_waiting
from tests.access import Place, Role, Scoped
from tests.browser.conftest import PHONE, PageFor
from tests.browser.looking import overflow
from tests.browser.test_pages import ERROR_STATUS
from tests.stage import Cast, make_cast
from tests.test_access import ROWS
from tests.test_read_only import contents

FOREIGN = (Place.ELSEWHERE, Place.SIBLING)
WRITING = [row for row in ROWS if isinstance(row, Scoped) and row.method != "GET"]


def post(page: Page, address: str, fields: dict[str, Any], token: str) -> int:
    """The status that a form of this session gets."""
    form: dict[str, str | float | bool] = {
        name: str(value[0] if isinstance(value, list) else value) for name, value in fields.items()
    }
    answer = page.request.post(
        address, form=form | {"csrfmiddlewaretoken": token}, headers={"Referer": page.url}, max_redirects=0
    )
    return answer.status


def token_of(page: Page) -> str:
    page.goto(reverse("accounts:account"))
    return page.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value") or ""


def test_no_write_reaches_a_foreign_object_by_raw_http(page_as: PageFor) -> None:
    cast = make_cast()
    page = page_as(cast.domain_administrator, forgive=ERROR_STATUS)
    token = token_of(page)
    made: dict[tuple[Callable[..., Any], Place], tuple[object, ...]] = {}
    knocks: list[tuple[str, Place, str, dict[str, Any], int]] = []
    for row in WRITING:
        for place in FOREIGN:
            expected = row.expected(Role.DOMAIN, place)
            if place in row.places and expected in (403, 404):
                key = (row.args, place)
                if key not in made:
                    made[key] = row.make(cast, Role.DOMAIN, place)
                address = reverse(row.route, args=made[key])
                knocks.append((row.name, place, address, dict(row.fields(cast)), int(str(expected))))
    assert len(knocks) > 150
    before = contents()
    wrong = [
        f"{name} {place}: {status}, not {expected}"
        for name, place, address, fields, expected in knocks
        if (status := post(page, address, fields, token)) != expected
    ]
    after = contents()
    assert not wrong, "\n".join(wrong)
    assert [table for table in before if before[table] != after[table]] == []
    assert {expected for *_rest, expected in knocks} == {404}, "what isn't theirs isn't there"
    # the token was right all the time
    own = reverse("domains:domain-state", args=[cast.domain.pk])
    assert post(page, own, {"status": "pending"}, token) == 303
    assert Domain.objects.get(pk=cast.domain.pk).status == "pending"


def send(page: Page, rows: list[str]) -> None:
    """Send a file of users and see what its dry run says."""
    page.goto(reverse("domains:csv-import", args=["users"]))
    content = "\n".join(["email,name", *rows]).encode()
    page.locator("input[type=file]").set_input_files({"name": "people.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="See what would happen").click()
    page.wait_for_url("**/tasks/*/")
    run_waiting(Task.objects.latest("pk").pk)
    page.reload()


def test_a_file_of_users_reaches_no_foreign_domain_and_names_the_rows(page_as: PageFor) -> None:
    cast: Cast = make_cast()
    page = page_as(cast.domain_administrator, size=PHONE, theme="dark", forgive=ERROR_STATUS)
    own, foreign = f"new@{cast.domain.name}", [cast.sibling.name, cast.elsewhere.name, "nowhere.example"]
    count = Mailbox.objects.count()
    send(page, [f"{own},New", *(f"new@{name},Foreign" for name in foreign)])
    refused = page.get_by_role("region", name="Refused rows")
    for name in foreign:  # in the same words, whether there is such a domain or not
        expect(refused).to_contain_text(f"{name} is not a domain that you administer here.")
    expect(page.get_by_role("button", name="Import 1 user")).to_have_count(0)
    assert overflow(page) <= 0 and Mailbox.objects.count() == count
    send(page, [f"{own},New"])
    page.get_by_role("button", name="Import 1 user").click()
    page.wait_for_url("**/tasks/*/")
    run_waiting(Task.objects.latest("pk").pk)
    assert Mailbox.objects.get(address=own).domain == cast.domain and Mailbox.objects.count() == count + 1
