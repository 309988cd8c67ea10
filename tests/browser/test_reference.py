"""The API's reference in a real browser: found, searched, read, by whoever; axe finds nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from api.views import reference_text
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations

LOOKS = {"administrator": [("dark", PHONE)], "anonymous": [("light", DESKTOP)]}


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("PAGE_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("who", "theme", "size"), [(who, *look) for who, looks in LOOKS.items() for look in looks])
def test_the_reference_fits_and_axe_finds_nothing(
    page_as: PageFor, administrator: User, who: str, theme: str, size: tuple[int, int]
) -> None:
    page = page_as(administrator if who == "administrator" else None, theme=theme, size=size)
    groups = sorted(reference_text().groups, key=lambda group: -len(group.operations))[:2]
    for name, path in [
        ("reference", reverse("api:reference")),
        *((f"reference-{group.slug}", reverse("api:reference-group", args=[group.slug])) for group in groups),
    ]:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert overflow(page) == 0
        assert not violations(page)
        keep(page, f"{name}-{who}-{theme}-{size[0]}")


def test_searching_narrows_as_one_types_and_the_address_says_so(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(reverse("api:reference"))
    page.get_by_role("searchbox").fill("who am i")
    expect(page).to_have_url(re.compile("q=who"))
    expect(page.locator(".api__line", has_text="/domains/{domainId}/name")).to_have_count(0)
    page.locator("a.api__path").get_by_text("/api/v1/me", exact=True).first.click()
    expect(page.locator("#me .api__example pre")).to_contain_text("Authorization: Bearer")
    page.goto(reverse("api:reference") + "?q=zebra")
    expect(page.get_by_text("No operation matches")).to_be_visible()
