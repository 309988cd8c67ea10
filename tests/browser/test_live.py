"""Regions that renew themselves: a task's progress, the top bar's count, and what a person opened stays open."""

from __future__ import annotations

import re

from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import User
from jobs.models import Task
from tests import factories
from tests.browser.conftest import PageFor


def test_a_running_task_moves_and_stops_asking_when_it_has_ended(page_as: PageFor, administrator: User) -> None:
    progress = {"done": 100, "total": 400, "unit": "messages", "rate": 50.0, "eta_s": 6, "counters": {"archived": 99}}
    task = factories.make_task(administrator, state="in_progress", type="ImportMail", progress=progress)
    page = page_as(administrator)
    page.goto(reverse("jobs:task-detail", args=[task.pk]))
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("value", "100")
    expect(page.locator("#running")).to_have_attribute("data-count", "1")
    Task.objects.filter(pk=task.pk).update(progress={**progress, "done": 300})
    expect(bar).to_have_attribute("value", "300")
    expect(page.locator(".progress-card")).to_contain_text("300 of 400 messages · 75 %")
    Task.objects.filter(pk=task.pk).update(state="completed", result={"archived": 400})
    expect(page.locator("#task")).to_have_attribute("data-state", "completed")
    expect(page.locator("#announcer")).to_have_text("Completed")
    expect(page.locator("#running")).to_have_attribute("data-count", "0")
    assert page.locator("#task[hx-get], #task [hx-get]").count() == 0


def test_the_overview_renews_itself_and_folds_nothing_that_was_opened(page_as: PageFor, administrator: User) -> None:
    task = factories.make_task(administrator, state="in_progress", type="ImportMail", progress={"done": 1, "total": 9})
    page = page_as(administrator)
    page.goto("/")
    details = page.locator("#overview")
    details.evaluate("region => region.insertAdjacentHTML('beforeend', '<details open><summary>x</summary></details>')")
    Task.objects.filter(pk=task.pk).update(progress={"done": 5, "total": 9})
    expect(page.locator("#overview progress").first).to_have_attribute("value", "5")


def test_a_session_that_ended_meanwhile_is_said_and_not_drawn_into_the_page(
    page_as: PageFor, administrator: User
) -> None:
    task = factories.make_task(administrator, state="in_progress", type="ImportMail", progress={"done": 1, "total": 9})
    page = page_as(administrator)
    page.goto(reverse("jobs:task-detail", args=[task.pk]))
    page.context.clear_cookies()
    expect(page).to_have_url(re.compile(reverse("accounts:sign-in")), timeout=10_000)
