"""Branding in a real browser: set with its preview, seen at the door of the domain's host and in its people's console.

With PAGE_SHOTS set, each step leaves a picture there. Names below `localhost` lead to this machine by themselves.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.actors import Actor
from domains import brands
from domains.services.branding import set_branding, set_logo
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations
from tests.domains.branding.pictures import png
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
LOOKS = [
    pytest.param(size, theme, id=f"{name}-{theme}")
    for name, size in (("desktop", DESKTOP), ("phone", PHONE))
    for theme in ("light", "dark")
]


def lighthouse(width: int = 240, height: int = 60) -> bytes:
    """A picture like a logo: a round lamp, and a bar where a name would stand."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            lamp = (x - 30) ** 2 + (y - 30) ** 2 < 26**2
            word = 70 < x < 230 and (18 < y < 26 or (34 < y < 42 and x % 40 > 8))
            rows += b"\x7a\x1f\x5c" if lamp else b"\x22\x2a\x38" if word else b"\xff\xff\xff"
    return png(width, height, pixels=bytes(rows))


def look(page: Page, name: str, theme: str) -> None:
    """axe finds nothing here, and nothing is wider than the window."""
    assert violations(page) == []
    assert overflow(page) <= 0
    if shots := os.environ.get("PAGE_SHOTS"):
        width = "phone" if page.viewport_size == {"width": PHONE[0], "height": PHONE[1]} else "desktop"
        page.screenshot(path=Path(shots) / f"branding-{name}-{width}-{theme}.png", full_page=True)


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_who_runs_a_domain_brands_it_and_sees_before_how_it_looks(
    page_as: PageFor, size: tuple[int, int], theme: str, tmp_path: Path
) -> None:
    customer = make_customer("Harbour authority")
    domain = make_domain("harbour.example", customer)
    set_branding(SYSTEM, customer, {"greeting": "Welcome to the harbour."})
    page = page_as(make_delegate(domain), size=size, theme=theme)
    page.goto(reverse("domains:domain-branding", args=[domain.pk]))
    look(page, "nothing", theme)
    picture = tmp_path / "logo.png"
    picture.write_bytes(lighthouse())
    page.set_input_files("input[type=file]", picture)
    expect(page.locator(".brandview .brand img").first).to_be_visible()
    page.get_by_role("button", name="Upload the logo").click()
    expect(page.get_by_text("The logo is saved.")).to_be_visible()
    page.goto(reverse("domains:domain-branding-edit", args=[domain.pk]))
    page.locator("#id_name").fill("Harbour mail")
    page.locator("#id_colour").fill("#ffd400")
    page.locator("#id_support_text").fill("Harbour office")
    page.locator("#id_support_address").fill("help@harbour.example")
    expect(page.locator(".brandview[data-brand=ffd400]")).to_have_count(2)
    expect(page.get_by_text("Words on it are black")).to_be_visible()
    button = page.locator(".brandview .btn--primary").first
    expect(button).to_have_css("background-color", "rgb(255, 212, 0)")
    look(page, "edit", theme)
    page.locator("#id_colour").fill("#ffd4")
    expect(page.get_by_text("six hexadecimal digits, such as #1d4ed8.").last).to_be_visible()
    page.locator("#id_colour").fill("#7a1f5c")
    expect(page.locator(".brandview[data-brand='7a1f5c']")).to_have_count(2)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The branding is saved.")).to_be_visible()
    look(page, "set", theme)
    assert brands.looks_of(domain)["colour"] == "#7a1f5c"


@pytest.mark.parametrize(("size", "theme"), LOOKS)
@pytest.mark.parametrize("colour", ["#7a1f5c", "#ffd400", "#0b0b0b"])
def test_the_door_and_the_console_look_like_the_domain(
    page_as: PageFor, live_server: LiveServer, size: tuple[int, int], theme: str, colour: str
) -> None:
    domain = make_domain("harbour.localhost")
    support = {"address": "https://help.harbour.example/", "text": "Harbour office, weekdays 8 to 17"}
    values: dict[str, Any] = {
        "name": "Harbour mail",
        "colour": colour,
        "greeting": "Welcome, keeper.",
        "support": support,
    }
    set_branding(SYSTEM, domain, values)
    if colour != "#0b0b0b":
        set_logo(SYSTEM, domain, lighthouse())
    ada = make_mailbox_in(domain, "ada", first_name="Ada", last_name="Okafor").user
    door = page_as(None, size=size, theme=theme)
    port = live_server.url.rpartition(":")[2]
    door.goto(f"http://harbour.localhost:{port}{reverse('accounts:sign-in')}")
    expect(door.get_by_text("Welcome, keeper.")).to_be_visible()
    expect(door.locator("html")).to_have_attribute("data-brand", colour[1:])
    look(door, f"door-{colour[1:]}", theme)
    page = page_as(ada, size=size, theme=theme)
    page.goto(reverse("accounts:account"))
    expect(page.get_by_text("Harbour office")).to_be_visible()
    look(page, f"console-{colour[1:]}", theme)
    if size == PHONE:
        page.get_by_role("button", name="Navigation", exact=True).click()
        look(page, f"menu-{colour[1:]}", theme)
