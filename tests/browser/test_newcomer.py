"""A newcomer's first hour, by clicking: a customer, two domains, somebody who runs one of them, people by CSV, a group,
a forward. Then that somebody signs in, and nothing of the other domain is there.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from domains.models import Address, Domain, Mailbox
from jobs import running
from jobs.models import Task
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow
from tests.browser.test_pages import ERROR_STATUS
from tests.factories import PASSWORD, make_administrator

PEOPLE = 20
FOREIGN = ("lighthouse", "secret@")


def _action(page: Page, name: str) -> Locator:
    """A button of the page's head; on a phone many of them stand behind one."""
    more = page.locator(".page__more")
    found = page.locator(".page__actions").get_by_role("link", name=name)
    if more.is_visible() and not found.first.is_visible():
        more.click()
    return found.first


def _tab(page: Page, name: str) -> None:
    """A tab, also where it stands behind "More"."""
    bar = page.locator(".tabbar")
    if not bar.get_by_role("link", name=name).first.is_visible():
        bar.locator("summary").click()
    bar.get_by_role("link", name=name).first.click()


def _add_domain(page: Page, name: str) -> None:
    page.goto("/directory/domains/")
    _action(page, "Add a domain").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Add the domain").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def _import(page: Page, rows: list[str]) -> None:
    """Send a file and wait for what would happen; tasks run here, as the worker would run them."""
    page.goto("/directory/users/")
    _action(page, "Import").click()
    content = "\n".join(["email,name", *rows]).encode()
    page.locator("input[type=file]").set_input_files({"name": "people.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="See what would happen").click()
    page.wait_for_url("**/tasks/*/")
    _run_tasks()
    page.reload()


def _run_tasks() -> None:
    for task in Task.objects.filter(state=Task.State.WAITING).order_by("pk"):
        if claimed := running.claim(task.pk):
            running.run_claimed(claimed)


@pytest.mark.parametrize("size", [pytest.param(PHONE, id="phone")])
def test_a_newcomer_hands_a_domain_over_and_nothing_of_the_other_is_seen(
    page_as: PageFor, live_server: LiveServer, size: tuple[int, int]
) -> None:
    page = page_as(make_administrator("boss@host.example"), size=DESKTOP, forgive=ERROR_STATUS)
    page.goto("/directory/customers/")
    page.locator(".empty").get_by_role("link", name="New customer").click()
    page.get_by_label("Name", exact=True).fill("Harbour Ltd")
    page.get_by_role("button", name="Make the customer").click()
    expect(page.get_by_role("heading", name="Harbour Ltd")).to_be_visible()
    _add_domain(page, "lighthouse.example")
    _add_domain(page, "harbour.example")
    harbour = Domain.objects.get(name="harbour.example")

    _tab(page, "Administrators")
    _action(page, "Add an administrator").click()
    expect(page.get_by_label("Domain administrator")).to_be_checked()
    expect(page.get_by_label("Manage DKIM keys")).to_be_hidden()
    page.get_by_label("E-mail address").fill("dana@elsewhere.example")
    page.get_by_role("button", name="Give the rights").click()
    link = page.locator(".copy__value").inner_text()

    _import(page, ["ada@harbour.example,Ada", "x@nowhere.example,Lost"])
    expect(page.get_by_text("nowhere.example is not a domain that you administer here.")).to_be_visible()
    _import(page, [f"person{number}@harbour.example,Person {number}" for number in range(PEOPLE)])
    page.get_by_role("button", name=f"Import {PEOPLE} users").click()
    page.wait_for_url("**/tasks/*/")
    _run_tasks()
    assert Mailbox.objects.filter(domain=harbour).count() == PEOPLE

    for path, email, verb in (
        ("/directory/groups/new/", "secret@lighthouse.example", "Make the group"),
        ("/directory/groups/new/", "crew@harbour.example", "Make the group"),
        ("/directory/groups/new/?kind=forward", "info@harbour.example", "Make the forward"),
    ):
        page.goto(path)
        page.get_by_label("Address", exact=True).fill(email)
        page.get_by_label("Delivers to").fill("person1@harbour.example, friend@outside.example")
        page.get_by_role("button", name=verb).click()
        expect(page.get_by_role("heading", name=email)).to_be_visible()

    dana = page_as(size=size, theme="dark", forgive=ERROR_STATUS)
    dana.goto(re.sub(r"^https?://[^/]+", live_server.url, link))
    dana.get_by_label("New password").fill(PASSWORD)
    dana.get_by_role("button", name="Set password and sign in").click()
    expect(dana.get_by_text("Your password is set")).to_be_visible()
    _finds_nothing_of_the_other(dana, harbour)


def _finds_nothing_of_the_other(dana: Page, own: Domain) -> None:
    """By lists, searches, tabs, the palette, who gets mail, and addresses with its numbers."""
    other = Domain.objects.exclude(pk=own.pk).get()
    hidden = Address.objects.get(domain=other)
    seen = [f"/directory/domains/{own.pk}/users/", f"/directory/domains/{own.pk}/groups/"]
    lists = [f"/directory/{name}/" for name in ("domains", "users", "groups", "lists", "policies", "failures")]
    for path in ["/", "/audit/", "/tasks/", "/server/administrators/", "/palette/objects?q=e", *lists, *seen]:
        dana.goto(path)
        text = dana.content().lower()
        assert not [word for word in FOREIGN if word in text], path
        assert overflow(dana) <= 0, path
    dana.goto("/directory/users/")
    expect(dana.get_by_role("heading", name="Users")).to_contain_text(str(PEOPLE))
    for query in ("users/?q=domain:lighthouse.example", "groups/?q=secret", "domains/?q=lighthouse"):
        dana.goto(f"/directory/{query}")
        assert dana.locator("table tbody tr").count() == 0, query
    for path in (
        f"/directory/domains/{other.pk}/",
        f"/directory/domains/{other.pk}/users/",
        f"/directory/groups/{hidden.pk}/",
        f"/rights/domain/{other.pk}/",
        f"/history/domain/{other.pk}/",
        f"/options/domain/{other.pk}/",
    ):
        answer = dana.goto(path)
        assert answer is not None and answer.status == 404, path
    dana.goto("/directory/who-gets-mail/?address=secret@lighthouse.example")
    unknown = dana.locator("main").inner_text().replace("secret", "")
    dana.goto("/directory/who-gets-mail/?address=nobody@lighthouse.example")
    assert dana.locator("main").inner_text().replace("nobody", "") == unknown
