"""Every page in a real browser: it opens, nothing is logged, axe finds nothing, no theme or size breaks it."""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path

import pytest
from django.urls import reverse

from tests.browser import walk, world
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations

LOOKS = {
    "desktop": (DESKTOP, "light"),
    "desktop-dark": (DESKTOP, "dark"),
    "phone": (PHONE, "light"),
    "phone-dark": (PHONE, "dark"),
}
ROLES = ("administrator", "user", "anonymous")
# Each role, size and theme at least once; the tool that takes pictures walks them all. Every page is measured in both
# walks of a role, and axe looks at it in one of the two: its answer takes longer than all else together.
WALKS = [f"{role}-{look}" for role in ROLES for look in ("desktop", "phone-dark")]
if os.environ.get("PAGE_SHOTS"):
    WALKS = [f"{role}-{look}" for role in ROLES for look in LOOKS]
OUT_OF_REACH = (403, 404)
# What the browser says about a page that answers with an error status on purpose.
ERROR_STATUS = ("status of 403", "status of 404", "status of 422")


def _paths(pages: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.replace(":", "-"), reverse(name)) for name in walk.page_names()] + pages


@pytest.mark.parametrize("walked", WALKS)
def test_every_page_opens_fits_and_axe_finds_nothing(page_as: PageFor, walked: str) -> None:
    role, look = walked.split("-", 1)
    size, theme = LOOKS[look]
    house = world.build()
    person = {"administrator": house.administrator, "user": house.user}.get(role)
    page = page_as(person, size=size, theme=theme, forgive=ERROR_STATUS)
    shots = os.environ.get("PAGE_SHOTS")
    problems, seen = [], 0
    for name, path in _paths(house.pages_of(role)):
        response = page.goto(path, wait_until="load")
        assert response is not None
        if response.status in OUT_OF_REACH and role != "administrator":
            continue
        if role == "anonymous" and re.search(r"/sign-in/\?", page.url):
            continue
        if role == "anonymous" and "sign-in" in page.url and seen:
            continue
        seen += 1
        if response.status >= 400 and not name.endswith("-wrong"):
            problems.append(f"{path} answered {response.status}")
        if shots or zlib.crc32(name.encode()) % 2 == (look == "desktop"):
            problems += violations(page)
        if overflow(page) > 0:
            problems.append(f"{path} is {overflow(page)} px wider than the window")
        if shots:
            shot = Path(shots) / f"{role}-{name}-{'phone' if size == PHONE else 'desktop'}-{theme}.png"
            page.screenshot(path=shot, full_page=True)
    assert seen
    assert not problems, "\n" + "\n".join(problems)
