"""People who come in by the word of a directory and of a provider, with a second factor, in a real browser; and are
thrown out: by an administrator at once, by the directory with its next synchronisation, while their archive stays.

With PAGE_SHOTS set, each page leaves a picture there.
"""

from __future__ import annotations

import re
import urllib.parse
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pyotp
import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.actors import Actor
from accounts.models import AuthenticatorApp, Source, User
from accounts.services.options import set_option
from archive import engines, selectors
from archive.services.imports import ImportArguments
from domains.selectors import mailbox_of
from jobs.services import run_here
from tests.archive.django.factories import ensure_keys
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.browser.looking import keep, overflow, violations
from tests.browser.test_newcomer import _run_tasks
from tests.browser.test_pages import ERROR_STATUS
from tests.domains.factories import make_domain
from tests.factories import make_administrator
from tests.slapd import ROOT_PASSWORD, Slapd, needs_slapd
from tests.sources import (
    IdentityProvider,
    MakeSource,
    _directory,
    _provider,
    make_source,
    open_gate,
    provider,
    slapd,
)

__all__ = ["_directory", "_provider", "make_source", "open_gate", "provider", "slapd"]
SYSTEM = Actor.system()
ADDRESS, WORD = "grace@example.org", "a word only the directory knows"


@pytest.fixture
def boss(live_server: LiveServer, settings: Any) -> User:
    """Who runs the server; people of the domain need a second factor at once."""
    settings.PUBLIC_URL = live_server.url
    domain = make_domain("example.org")
    set_option(SYSTEM, domain, "SECOND_FACTOR", "everybody")
    set_option(SYSTEM, domain, "SECOND_FACTOR_DAYS", 0)
    return make_administrator("boss@host.example")


def look(page: Page, name: str, size: tuple[int, int]) -> None:
    keep(page, f"source-{name}", size, "light")
    assert violations(page) == []
    assert overflow(page) <= 0


def code_of(address: str) -> str:
    """What the app shows; a code counts once, so here as if the last was long ago."""
    app = AuthenticatorApp.objects.get(user__email=address)
    AuthenticatorApp.objects.filter(pk=app.pk).update(last_step=0)
    return pyotp.TOTP(app.seed.reveal()).at(timezone.now())


def set_up_second_factor(page: Page) -> None:
    """What a newcomer is led to, whatever page they wanted; afterwards it is open."""
    page.wait_for_url("**/account/factors/")
    keep(page, "source-factors", PHONE, "light")
    page.get_by_role("button", name="Set up", exact=True).click()
    page.get_by_label("Code").fill(code_of(ADDRESS))
    page.get_by_role("button", name="Set up").click()
    expect(page.locator(".codes li")).to_have_count(10)


def give_code(page: Page) -> None:
    page.wait_for_url("**/second-step/")
    page.get_by_label("Code").fill(code_of(ADDRESS))
    page.get_by_role("button", name="Go on").click()


def end_sessions(page: Page) -> None:
    """An administrator ends all of hers."""
    person = User.objects.get(email=ADDRESS)
    page.goto(reverse("accounts:user-sessions", args=[person.pk]))
    keep(page, "source-sessions", DESKTOP, "light")
    page.get_by_role("button", name="End all sessions").click()
    page.get_by_role("dialog").get_by_role("button", name="End all sessions").click()
    expect(page.get_by_text("Not signed in anywhere")).to_be_visible()


def with_password(page: Page) -> None:
    page.goto("/sign-in/")
    page.get_by_label("E-mail address").fill(ADDRESS)
    page.get_by_label("Password", exact=True).fill(WORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def synchronise(page: Page, source: Source, what: str) -> None:
    """By clicking; the worker's part is done here."""
    page.goto(reverse("domains:source-sync", args=[source.pk]))
    page.get_by_label(what).check()
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/tasks/*/")
    _run_tasks()
    page.goto(reverse("domains:source-sync", args=[source.pk]))
    page.locator(".line__main").first.click()
    page.wait_for_url("**/sync/*/")


def keep_a_mail(folder: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "mara@harbour.example", ADDRESS, "Lamps for the lighthouse"
    message.set_content("They arrive on Monday.")
    (folder / "1.eml").write_bytes(message.as_bytes())
    ensure_keys()
    engines.close_all()
    task = run_here(Actor.console(), "ImportMail", ImportArguments(user=ADDRESS, paths=[str(folder)]))
    assert task.result, task.error


@needs_slapd
def test_a_newcomer_comes_in_by_the_directory_and_leaves_with_it(
    page_as: PageFor, boss: User, slapd: Slapd, make_source: MakeSource, tmp_path: Path
) -> None:
    source = make_source("ldap", slapd.settings(), secret=ROOT_PASSWORD)
    dn = slapd.add_person("Grace Hopper", ADDRESS, WORD)
    for number in range(3):
        slapd.add_person(f"Person {number}", f"p{number}@example.org")
    office, phone = page_as(boss, forgive=ERROR_STATUS), page_as(size=PHONE, forgive=ERROR_STATUS)
    synchronise(office, source, "Only try")
    expect(office.locator(".line", has_text=ADDRESS)).to_contain_text("Made")
    assert not User.objects.filter(email=ADDRESS).exists()
    synchronise(office, source, "Take over what changed")
    expect(office.locator(".line", has_text=ADDRESS)).to_contain_text("Made")
    look(office, "run", DESKTOP)

    with_password(phone)
    set_up_second_factor(phone)
    keep_a_mail(tmp_path)
    end_sessions(office)
    phone.goto("/account/")
    phone.wait_for_url("**/sign-in/**")

    with_password(phone)
    give_code(phone)
    expect(phone.get_by_role("heading", name="My mail")).to_be_visible()
    slapd.remove(dn)
    synchronise(office, source, "Take over what changed")
    expect(office.locator(".line", has_text=ADDRESS)).to_contain_text("Shut out · not in the directory any more")
    phone.goto("/account/")
    phone.wait_for_url("**/sign-in/**")
    with_password(phone)
    expect(phone.get_by_role("alert")).to_be_visible()
    look(phone, "gone", PHONE)

    mailbox = mailbox_of(User.objects.get(email=ADDRESS))
    assert mailbox is not None
    office.goto(reverse("archive:folders-of", args=[mailbox.pk]))
    keep(office, "source-archive", DESKTOP, "light")
    assert selectors.search(selectors.Scope(frozenset({mailbox.pk})), "lighthouse", limit=1).total == 1


def test_a_newcomer_comes_in_by_a_provider_and_again_after_an_administrator_ended_it(
    page_as: PageFor, boss: User, provider: IdentityProvider, make_source: MakeSource
) -> None:
    make_source("oidc", provider.settings(), secret="shared", shows_button=True, creates_people=True)
    provider.set_person("subject-1", email=ADDRESS, email_verified=True, name="Grace Hopper")
    office = page_as(boss, forgive=ERROR_STATUS)
    phone = page_as(size=PHONE, forgive=(*ERROR_STATUS, "Failed to load"))
    asked = urllib.parse.urlsplit(provider.issuer).netloc
    phone.route(
        lambda url: urllib.parse.urlsplit(url).hostname not in ("localhost", "127.0.0.1"), lambda route: route.abort()
    )

    def by_provider() -> None:
        phone.goto("/sign-in/")
        keep(phone, "source-button", PHONE, "light")
        phone.get_by_role("link", name=re.compile("Head office")).click()
        phone.wait_for_url(lambda url: urllib.parse.urlsplit(url).netloc == asked)
        phone.get_by_placeholder("sub").fill("subject-1")
        phone.get_by_role("button", name="Authorize", exact=True).click()

    by_provider()
    set_up_second_factor(phone)
    end_sessions(office)
    phone.goto("/account/")
    phone.wait_for_url("**/sign-in/**")
    by_provider()
    give_code(phone)
    expect(phone.get_by_role("heading", name="My mail")).to_be_visible()
