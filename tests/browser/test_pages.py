"""Every page in a real browser: it opens, nothing is logged, axe finds nothing, no theme or size breaks it."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from tests.browser import walk, world
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import keep, look, too_wide, violations

NAMED_LOOKS = {
    "desktop": (DESKTOP, "light"),
    "desktop-dark": (DESKTOP, "dark"),
    "phone": (PHONE, "light"),
    "phone-dark": (PHONE, "dark"),
}
LOOKS = [(DESKTOP, "light"), (PHONE, "dark"), (PHONE, "light"), (DESKTOP, "dark")]
# Who walks, and in how many parts, so that several processes share them. Each page opens in one of the four looks,
# axe looks at it there, and it is measured in both widths.
WALKS = [("administrator", 0, 2), ("administrator", 1, 2), ("user", 0, 1), ("anonymous", 0, 1)]
OUT_OF_REACH = (403, 404)
# What the browser says about a page that answers with an error status on purpose.
ERROR_STATUS = ("status of 403", "status of 404", "status of 422")


def _paths(pages: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.replace(":", "-"), reverse(name)) for name in walk.page_names()] + pages


def _is_for(page: Page, path: str) -> bool:
    """Whether it is a page for this person: neither out of their reach nor one that asks them to sign in first."""
    answer = page.request.get(path, max_redirects=0)
    return answer.status not in OUT_OF_REACH and "/sign-in/" not in answer.headers.get("location", "")


@pytest.mark.parametrize(("role", "part", "parts"), WALKS)
def test_every_page_opens_fits_and_axe_finds_nothing(page_as: PageFor, role: str, part: int, parts: int) -> None:
    house = world.build()
    person = {"administrator": house.administrator, "user": house.user}.get(role)
    page = page_as(person, forgive=ERROR_STATUS)
    problems, seen = [], 0
    for number, (name, path) in enumerate(_paths(house.pages_of(role))[part::parts]):
        if role != "administrator" and not _is_for(page, path):
            continue
        size, theme = LOOKS[number % len(LOOKS)]
        look(page, size, theme)
        response = page.goto(path, wait_until="load")
        assert response is not None
        seen += 1
        if response.status >= 400 and not name.endswith("-wrong"):
            problems.append(f"{path} answered {response.status}")
        problems += too_wide(page)
        problems += violations(page)
        keep(page, f"{role}-{name}", size, theme)
        other = PHONE if size == DESKTOP else DESKTOP
        look(page, other, theme)
        problems += too_wide(page)
        keep(page, f"{role}-{name}", other, theme)
    assert seen
    assert not problems, "\n" + "\n".join(problems)
