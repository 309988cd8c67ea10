"""Passwords in a real browser: how strong one is shows while it is typed, and a new one that is wanted comes first.

With PAGE_SHOTS set, each page leaves a picture there, in both sizes and both themes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from accounts.actors import Actor
from accounts.models import User
from accounts.scopes import SERVER
from accounts.services import issue_reset_link
from accounts.services.options import set_option
from accounts.services.password_wishes import want_new_password
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations
from tests.factories import PASSWORD, make_administrator, make_user

SYSTEM = Actor.system()
Look = Callable[[Page, str], None]


@pytest.fixture
def look() -> Look:
    def looked(page: Page, name: str) -> None:
        """axe finds nothing here, nothing is too wide; with PAGE_SHOTS a picture of each size and theme."""
        assert violations(page) == []
        assert overflow(page) <= 0
        if shots := os.environ.get("PAGE_SHOTS"):
            for size, width in ((DESKTOP, "desktop"), (PHONE, "phone")):
                page.set_viewport_size({"width": size[0], "height": size[1]})
                for theme in ("light", "dark"):
                    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                    page.screenshot(path=Path(shots) / f"password-{name}-{width}-{theme}.png", full_page=True)
            page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
            page.emulate_media(color_scheme="light")

    return looked


def test_a_new_password_that_is_wanted_comes_first_and_its_strength_shows(page_as: PageFor, look: Look) -> None:
    person = make_user("ada@example.org", name="Ada Okafor")
    set_option(SYSTEM, SERVER, "PASSWORD_LENGTH", 14)
    want_new_password(SYSTEM, person)
    page = page_as(forgive=("status of 422",))
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "password-strength" in request.url else None)
    page.goto("/sign-in/?next=/account/tokens/")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()
    page.goto("/account/tokens/")
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()
    page.get_by_label("Present password").fill(PASSWORD)
    new = page.get_by_label("New password")
    new.press_sequentially("okafor1234")
    meter = page.locator("#strength")
    expect(meter).to_contain_text("weak")
    expect(meter.get_by_text("Missing:").locator("xpath=following-sibling::span").first).to_have_text(
        "At least 14 characters"
    )
    expect(page.locator("#announcer")).to_contain_text("At least 14 characters")
    look(page, "weak")
    new.fill("seven unlikely lanterns")
    expect(meter).to_contain_text("strong")
    assert meter.get_by_text("Missing:").count() == 0
    for request in asked:  # the field alone, and never in an address
        body = request.post_data or ""
        assert request.method == "POST" and "?" not in request.url
        assert "old=" not in body and PASSWORD.replace(" ", "+") not in body and PASSWORD not in body
    new.fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("This is your present password").first).to_be_visible()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password").fill("seven unlikely lanterns")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed")).to_be_visible()
    page.goto("/account/tokens/")
    expect(page.get_by_role("heading", name="Change password")).to_have_count(0)


def test_strangers_with_a_link_see_the_meter_and_who_expires_soon_the_days(
    page_as: PageFor, look: Look, settings: Any
) -> None:
    person = make_user("ada@example.org")
    link = issue_reset_link(SYSTEM, person)
    page = page_as()
    page.goto("/" + link.split("/", 3)[3])
    page.get_by_label("New password").press_sequentially("12345678901")
    expect(page.locator("#strength")).to_contain_text("Not only digits")
    expect(page.locator("#strength")).to_contain_text("weak")
    look(page, "link")
    set_option(SYSTEM, SERVER, "PASSWORD_DAYS", 90)
    User.objects.filter(pk=person.pk).update(password_changed_at=timezone.now() - timedelta(days=85))
    page = page_as(User.objects.get(pk=person.pk))
    page.goto("/account/")
    expect(page.get_by_text("Your password expires on")).to_be_visible()
    look(page, "near")


def test_administrators_upload_a_list_and_want_new_passwords(page_as: PageFor, look: Look, tmp_path: Path) -> None:
    administrator, person = make_administrator("chief@example.org"), make_user("ada@example.org")
    words = tmp_path / "worst words.txt"
    words.write_text("hunter2hunter2\n\ncorrecthorsebattery\n")
    page = page_as(administrator)
    page.goto("/server/known-passwords/")
    page.get_by_label("File").set_input_files(words)
    page.get_by_role("button", name="Upload").click()
    expect(page).to_have_url(re.compile("/tasks/"))  # the worker, which isn't here, makes it searchable
    page.goto("/server/known-passwords/")
    expect(page.get_by_text("It isn't searchable yet")).to_be_visible()
    look(page, "lists-waiting")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove the list").click()
    page.get_by_role("button", name="Remove the list", exact=True).last.click()
    expect(page.get_by_text("The uploaded list is removed")).to_be_visible()
    page.goto(f"/users/{person.pk}/")
    look(page, "person")
    page.goto("/passwords/server/0/")
    look(page, "everybody")
