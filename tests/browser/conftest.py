"""A real Chromium against a live server on real PostgreSQL.

Where there is no Chromium these tests are skipped, loudly; never when CI is set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.sessionstore import SessionStore
from tests.chromium import CHROMIUM

DESKTOP = (1360, 850)
# 390 is what people have; the rest is for the wider letters of other machines.
PHONE = (360, 780)
PageFor = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.django_db(transaction=True, serialized_rollback=False))
        if CHROMIUM is None and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="NO CHROMIUM: the pages were not walked; install chromium"))


@pytest.fixture
def page_as(chromium: Browser, live_server: LiveServer) -> Iterator[PageFor]:
    """`page_as(person, size=PHONE, theme="dark")`: a page signed in as that person (None: nobody).

    At the end no page may have logged an error or broken the content security policy.
    """
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def opened(
        person: User | None = None,
        *,
        size: tuple[int, int] = DESKTOP,
        theme: str = "light",
        locale: str = os.environ.get("PAGE_LOCALE", "en-GB"),
        forgive: tuple[str, ...] = (),
    ) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            locale=locale,
            has_touch=size == PHONE,
        )
        contexts.append(context)
        if person is not None:
            context.add_cookies([session_cookie(person, live_server.url)])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.set_default_navigation_timeout(30_000)  # the first page of a session reads every template

        def listen(kind: str, text: str) -> None:
            if kind == "error" and not any(part in text for part in forgive):
                said.append(f"{page.url}: {text}")

        page.on("console", lambda message: listen(message.type, message.text))
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not said, "\n".join(said)


def session_cookie(person: User, url: str) -> SetCookieParam:
    """The cookie of a session in which this person is signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session["proved_at"] = time.time() + 86400  # as somebody who has just come through the sign-in page
    session.save()
    return {"name": settings.SESSION_COOKIE_NAME, "value": str(session.session_key), "url": url}
