"""Two stories in a real browser: people come in, and somebody watches a task and stops it.

With PAGE_SHOTS set, each step leaves a picture there.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import services
from accounts.actors import Actor
from jobs import running
from jobs import services as jobs
from jobs.models import Task
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations
from tests.factories import PASSWORD
from tests.jobs.commands import CountArguments

SIZES = [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone")]


def look(page: Page, name: str) -> None:
    """axe finds nothing here, and nothing is wider than the window."""
    assert violations(page) == []
    assert overflow(page) <= 0
    if shots := os.environ.get("PAGE_SHOTS"):
        width = "phone" if page.viewport_size == {"width": PHONE[0], "height": PHONE[1]} else "desktop"
        page.screenshot(path=Path(shots) / f"story-{name}-{width}.png", full_page=True)


@pytest.mark.parametrize("size", SIZES)
def test_the_first_administrator_comes_in_and_invites_somebody(
    page_as: PageFor, live_server: LiveServer, size: tuple[int, int]
) -> None:
    link = services.first_administrator_link(live_server.url)
    assert link is not None
    page = page_as(size=size, forgive=("status of 422", "status of 404"))
    page.goto(link)
    look(page, "first-administrator")
    page.get_by_label("E-mail address").fill("boss@example.org")
    page.get_by_label("Name").fill("Bo Ss")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Make the administrator").click()
    expect(page.locator("#field-password")).to_contain_text("too short")
    look(page, "first-administrator-wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the administrator").click()
    expect(page.get_by_text("You are the first administrator")).to_be_visible()

    page.goto("/users/")
    page.get_by_role("link", name="Invite a person").first.click()
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_label("Name").fill("Ada")
    look(page, "user-create")
    page.get_by_role("button", name="Make the link").click()
    look(page, "user-link")
    told = page.locator(".copy__value").inner_text()
    page.get_by_role("link", name="Done", exact=True).click()
    look(page, "user-detail")

    guest = page_as(size=size, forgive=("status of 422", "status of 404"))
    guest.goto(re.sub(r"^https?://[^/]+", live_server.url, told))
    look(guest, "link")
    guest.get_by_label("New password").fill(PASSWORD)
    guest.get_by_role("button", name="Set password and sign in").click()
    expect(guest.get_by_text("Your password is set")).to_be_visible()
    guest.goto("/account/")
    look(guest, "account")
    guest.get_by_role("button", name=re.compile("Account menu")).click()
    guest.get_by_role("button", name="Sign out").click()
    expect(guest.get_by_role("heading", name="Sign in")).to_be_visible()
    guest.get_by_label("E-mail address").fill("ada@example.org")
    guest.get_by_label("Password").fill("something else")
    guest.get_by_role("button", name="Sign in").click()
    expect(guest.get_by_role("alert")).to_contain_text("belong together")
    look(guest, "sign-in-wrong")
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Sign in").click()
    expect(guest).not_to_have_url(re.compile("sign-in"))

    page.goto("/users/")
    look(page, "user-list")
    page.get_by_label("Search this list").fill("ada")
    expect(page.locator("#list-body tbody tr")).to_have_count(1)
    page.get_by_role("link", name="ada@example.org").click()
    expect(page.get_by_role("heading", name="Ada")).to_be_visible()
    if size == PHONE:  # three actions and more are behind one button there
        page.get_by_role("button", name="Actions", exact=True).click()
    page.get_by_role("button", name="Shut out").click()
    look(page, "user-shut-out")
    page.get_by_role("dialog").get_by_role("button", name="Shut out").click()
    expect(page.get_by_text("can't sign in any more")).to_be_visible()
    guest.goto("/account/")
    expect(guest).to_have_url(re.compile("sign-in"))


@pytest.mark.parametrize("size", SIZES)
def test_somebody_watches_a_task_stops_it_and_starts_it_again(page_as: PageFor, size: tuple[int, int]) -> None:
    user = factories.make_user()
    actor = Actor.for_user(user)
    task = jobs.submit(actor, "TestWait", CountArguments(60))
    page = page_as(user, size=size)
    page.goto(f"/tasks/{task.pk}/")
    expect(page.locator("#task")).to_have_attribute("data-state", "waiting")
    look(page, "task-waiting")

    claimed = running.claim(task.pk)
    assert claimed is not None
    runner = threading.Thread(target=run_and_close, args=[claimed])
    runner.start()
    expect(page.locator("#task")).to_have_attribute("data-state", "in_progress")
    expect(page.locator(".log")).to_contain_text("began")
    look(page, "task-running")
    page.get_by_role("button", name="Cancel the task").click()
    expect(page.locator("#task")).to_have_attribute("data-state", "cancelled")
    expect(page.get_by_role("button", name="Cancel the task")).to_have_count(0)
    look(page, "task-cancelled")
    runner.join()
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_text("Started again.")).to_be_visible()
    again = Task.objects.get(origin=task)
    expect(page).to_have_url(re.compile(f"/tasks/{again.pk}/"))
    page.goto("/tasks/")
    look(page, "task-list")
    page.goto("/tasks/?state=cancelled")
    expect(page.locator("main tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("state=cancelled"))
    page.go_back()
    expect(page.locator("main tbody tr")).to_have_count(2)


def run_and_close(task: Task) -> None:
    running.run_claimed(task)
    connection.close()
