"""Choosing where a store lies: the form shows the fields of what is chosen, keeps what was typed, makes the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from archive import engines, grounds
from archive.models import Store
from tests.archive.django.factories import ensure_keys
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations


@pytest.fixture(autouse=True)
def no_schema_stays() -> Iterator[None]:
    ensure_keys()
    yield
    engines.close_all()
    with psycopg.connect(grounds.house_conninfo(), autocommit=True) as own:
        own.execute("DROP SCHEMA IF EXISTS store_letters CASCADE")


def look(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it is, in both sizes and themes; a picture of each where PAGE_SHOTS says."""
    wrong = []
    for size, theme in ((DESKTOP, "light"), (PHONE, "dark"), (PHONE, "light"), (DESKTOP, "dark")):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        if over := overflow(page):
            wrong.append(f"{name} is {over} px wider than {size[0]}")
        if pictures := os.environ.get("PAGE_SHOTS"):
            page.screenshot(path=str(Path(pictures) / f"{name}-{size[0]}-{theme}.png"), full_page=True)
    return wrong + violations(page)


def choose(page: Page, field: str, value: str, *, shows: str = "", hides: str = "") -> None:
    """One choice, as a quick person makes it, and what it brings or takes."""
    page.select_option(f"[name={field}]", value)
    if shows:
        page.wait_for_selector(f"[name={shows}]")
    if hides:
        page.wait_for_selector(f"[name={hides}]", state="detached")


def test_the_fields_follow_the_choices_and_the_store_is_made(page_as: PageFor, administrator: User) -> None:
    page = page_as(administrator)
    page.goto(reverse("archive:store-create"))
    page.fill("[name=name]", "Letters")
    choose(page, "kind", "postgres", shows="objects_path")
    assert page.input_value("[name=name]") == "Letters" and page.locator("[name=content_path]").count() == 0
    choose(page, "database", "other", shows="dsn")
    choose(page, "objects", "s3", shows="bucket")
    wrong = look(page, "store-create-s3")
    choose(page, "database", "own", hides="dsn")
    choose(page, "objects", "folder", shows="objects_path")
    page.click("text=Make the store")
    page.wait_for_selector("text=store_letters")
    wrong += look(page, "store-detail-postgres")
    store = Store.objects.get(name="Letters")
    page.goto(reverse("archive:store-edit", args=[store.pk]))
    wrong += look(page, "store-edit-postgres")
    page.goto(reverse("archive:store-upkeep", args=[store.pk]))
    wrong += look(page, "store-upkeep-postgres")
    assert not wrong, "\n".join(wrong)
