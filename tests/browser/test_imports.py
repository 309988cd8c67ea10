"""Imports in a real browser: each kind's page, a dry run with refused rows, one without, and the result."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import FilePayload, Page, expect

from accounts.actors import Actor
from domains.models import Address
from domains.services.groups import create_group
from domains.services.importing.kinds import KINDS
from domains.services.lists.settings import create_list
from jobs.models import Task
from jobs.services import run_waiting
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations
from tests.browser.test_pages import ERROR_STATUS
from tests.browser.test_pages import NAMED_LOOKS as LOOKS
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
STORIES = [(DESKTOP, "light"), (PHONE, "dark")]
if os.environ.get("PAGE_SHOTS"):
    STORIES = list(LOOKS.values())
WRONG = "email,name,members\nsales@lighthouse.example,Sales,kim@lighthouse.example\nnonsense,,\nsales@other.example,,\n"
RIGHT = (
    "email,name,senders,members\n"
    "sales@lighthouse.example,Sales,anyone,kim@lighthouse.example partner@elsewhere.example\n"
    "all@lighthouse.example,Everybody,domain,sales@lighthouse.example\n"
)


def look_at(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it is; its picture where somebody wants pictures."""
    if folder := os.environ.get("PAGE_SHOTS"):
        page.screenshot(path=str(Path(folder, f"imports-{name}.png")), full_page=True)
    wide = [f"{page.url}: {overflow(page)} px too wide"] if overflow(page) > 0 else []
    return wide + violations(page)


def send(page: Page, text: str, *, change: bool = False) -> None:
    """Send a file and see what its dry run says."""
    file: FilePayload = {"name": "groups.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.get_by_label("CSV file").set_input_files(files=[file])
    if change:
        page.get_by_label("Change what is there already").check()
    page.get_by_role("button", name="See what would happen").click()
    page.wait_for_url("**/tasks/*/")
    run_waiting(Task.objects.latest("pk").pk)
    page.reload()


@pytest.mark.parametrize(("size", "theme"), STORIES)
def test_a_domain_administrator_imports_groups_by_clicking(page_as: PageFor, size: tuple[int, int], theme: str) -> None:
    domain = make_domain("lighthouse.example", make_customer("Lighthouse"))
    kim = make_mailbox_in(domain, "kim", name="Kim Keeper")
    create_group(SYSTEM, domain, email="all", name="All")
    news = create_list(SYSTEM, domain, email="news", owner=kim)
    page = page_as(make_delegate(domain, email="dana@lighthouse.example"), size=size, theme=theme, forgive=ERROR_STATUS)
    name, wrong = f"{size[0]}-{theme}", []
    places = [(kind, reverse("domains:csv-import", args=[kind])) for kind in KINDS]
    places += [
        ("kinds", reverse("domains:csv-kinds")),
        ("into-a-list", reverse("domains:csv-import", args=["subscribers"]) + f"?list={news.pk}"),
        ("user-list", reverse("domains:user-list")),
        ("group-list", reverse("domains:group-list")),
        ("domain-list", reverse("domains:domain-list")),
        ("list-subscribers", reverse("domains:list-subscribers", args=[news.pk])),
    ]
    for place, path in places:
        page.goto(path)
        wrong += look_at(page, f"{name}-{place}")
    page.goto(reverse("domains:csv-import", args=["groups"]))
    send(page, WRONG)
    expect(page.get_by_role("region", name="Refused rows")).to_contain_text("is not a domain that you administer here")
    wrong += look_at(page, f"{name}-refused")
    page.goto(reverse("domains:csv-import", args=["groups"]))
    send(page, RIGHT, change=True)
    wrong += look_at(page, f"{name}-dry")
    page.get_by_role("button", name="Make 1 and change 1").click()
    page.wait_for_url("**/tasks/*/")
    run_waiting(Task.objects.latest("pk").pk)
    page.reload()
    wrong += look_at(page, f"{name}-done")
    page.get_by_role("link", name="Show what is there").click()
    expect(page.get_by_text("sales@lighthouse.example").first).to_be_visible()
    assert Address.objects.get(text="all@lighthouse.example").name == "Everybody"
    assert not wrong, "\n".join(wrong)
