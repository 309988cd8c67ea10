"""Second factors in a real browser: an authenticator app without JavaScript's help, then a passkey of Chromium's own
virtual device, at the second step and instead of the password.

With PAGE_SHOTS set, each page leaves a picture there, in both sizes and both themes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pyotp
import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import AuthenticatorApp, Passkey, User
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import overflow, violations
from tests.factories import PASSWORD, make_user


def look(page: Page, name: str) -> None:
    """axe finds nothing here, nothing is too wide; with PAGE_SHOTS a picture of each size and theme."""
    assert violations(page) == []
    assert overflow(page) <= 0
    if shots := os.environ.get("PAGE_SHOTS"):
        for size, width in ((DESKTOP, "desktop"), (PHONE, "phone")):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                page.screenshot(path=Path(shots) / f"factor-{name}-{width}-{theme}.png", full_page=True)
        page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        page.emulate_media(color_scheme="light")


def code_of(user: User) -> str:
    """What the app shows; a code counts once, so here as if the last was long ago."""
    app = AuthenticatorApp.objects.get(user=user)
    AuthenticatorApp.objects.filter(pk=app.pk).update(last_step=0)
    return pyotp.TOTP(app.seed.reveal()).at(timezone.now())


def first_step(page: Page, user: User) -> None:
    page.goto("/sign-in/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def virtual_device(page: Page) -> None:
    """A device in Chromium that keeps passkeys and has a finger at hand."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.fixture
def person(live_server: LiveServer, settings: Any) -> User:
    settings.PUBLIC_URL = live_server.url
    return make_user("ada@example.org")


def test_an_app_and_a_passkey_are_set_up_and_sign_in(page_as: PageFor, person: User) -> None:
    page = page_as(forgive=("status of 422",))
    first_step(page, person)
    page.goto("/account/factors/")
    look(page, "none")
    page.get_by_role("button", name="Set up", exact=True).click()
    look(page, "app")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Set up").click()
    expect(page.locator("#field-code")).to_contain_text("isn't the code")
    page.get_by_label("Code").fill(code_of(person))
    page.get_by_role("button", name="Set up").click()
    expect(page.locator(".codes li")).to_have_count(10)
    recovery = page.locator(".codes li").first.inner_text()
    look(page, "codes")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as a file").click()
    assert recovery in Path(saved.value.path()).read_text()

    virtual_device(page)
    page.goto("/account/factors/passkeys/new/")
    look(page, "passkey-add")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.locator("table").get_by_text("Laptop")).to_be_visible()
    assert Passkey.objects.get(user=person).signs_in
    look(page, "both")

    page.context.clear_cookies()
    first_step(page, person)
    page.wait_for_url("**/second-step/")
    look(page, "second-step")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("isn't right")
    look(page, "second-step-wrong")
    page.get_by_role("link", name="Use a passkey").click()
    look(page, "second-step-passkey")
    page.get_by_label(re.compile("Don't ask again")).check()
    page.get_by_role("button", name="Show passkey").click()
    page.wait_for_url("**/")
    page.goto("/account/factors/")
    expect(page.get_by_role("table", name="Trusted devices")).to_be_visible()
    look(page, "trusted")
    page.goto("/account/prove/")
    look(page, "prove")

    page.context.clear_cookies()
    page.goto("/sign-in/?next=/account/")
    look(page, "sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/account/")


def test_without_javascript_the_app_is_enough(page_as: PageFor, person: User, live_server: LiveServer) -> None:
    opened = page_as()
    assert opened.context.browser is not None
    context = opened.context.browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    first_step(page, person)
    page.goto("/account/factors/")
    page.get_by_role("button", name="Set up", exact=True).click()
    page.get_by_label("Code").fill(code_of(person))
    page.get_by_role("button", name="Set up").click()
    expect(page.locator(".codes li")).to_have_count(10)
    context.clear_cookies()
    first_step(page, person)
    page.get_by_label("Code").fill(code_of(person))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_attached()
    context.close()
