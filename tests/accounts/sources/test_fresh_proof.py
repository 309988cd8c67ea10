"""Proving once more who one is at the identity provider where one signs in: signed in there anew, and as oneself."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Identity, Session, Source, User
from tests import factories
from tests.accounts.sources.test_providers import begin, come_back, vouch
from tests.domains.factories import make_mailbox_in
from tests.sources import IdentityProvider

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(ada: User, source: Source, provider: IdentityProvider) -> Client:
    """Hers, who signed in at the provider a while ago."""
    client = Client()
    vouch(provider, "ada", ada.email)
    assert come_back(client, provider.sign_in(begin(client, source), "ada")).status_code == 303
    session = client.session
    session["proved_at"] = timezone.now().timestamp() - 3600
    session.save()
    return client


def is_fresh(client: Client) -> bool:
    return bool(client.session["proved_at"] > timezone.now().timestamp() - 600)


def go(client: Client, **more: str) -> str:
    """Where the browser is sent to sign in anew."""
    answer = client.get("/account/prove/with-provider/", more)
    assert answer.status_code == 302
    return str(answer["Location"])


def back(client: Client, provider: IdentityProvider, subject: str, email: str, **claims: Any) -> Any:
    """She signs in there as `subject`, of whom it says this, and comes back."""
    vouch(provider, subject, email, True, **claims)
    return come_back(client, provider.sign_in(go(client, next="/account/"), subject))


def test_who_signs_in_at_a_provider_proves_it_there_anew(
    browser: Client, ada: User, provider: IdentityProvider
) -> None:
    page = browser.get("/account/prove/?next=/account/").content.decode()
    assert "/account/prove/with-provider/?next=/account/" in page and 'name="code"' not in page
    asked = parse_qs(urlsplit(go(browser)).query)
    assert (asked["prompt"], asked["max_age"], asked["login_hint"]) == (["login"], ["0"], [ada.email])
    key = browser.session.session_key
    answer = back(browser, provider, "ada", ada.email, auth_time=int(time.time()))
    assert (answer.status_code, answer["Location"]) == (303, "/account/")
    assert is_fresh(browser) and browser.session.session_key == key and Session.objects.count() == 1
    assert Identity.objects.get().subject == f"{provider.issuer} ada"


@pytest.mark.parametrize("ago_s", [None, 120, -3600], ids=["not said", "of before", "of tomorrow"])
def test_an_answer_that_is_not_of_now_proves_nothing(
    browser: Client, ada: User, provider: IdentityProvider, ago_s: int | None
) -> None:
    said = None if ago_s is None else int(time.time()) - ago_s
    answer = back(browser, provider, "ada", ada.email, auth_time=said)
    assert answer.status_code == 403 and "auth_time" in answer.content.decode()
    assert not is_fresh(browser)


def test_another_account_proves_nothing_whatever_address_it_has(
    browser: Client, ada: User, provider: IdentityProvider
) -> None:
    make_mailbox_in(ada.mailbox.domain, "eve")
    for subject, email in (("eve", "eve@example.org"), ("ada-2", ada.email)):
        answer = back(browser, provider, subject, email, auth_time=int(time.time()))
        assert answer.status_code == 403 and f"Sign in there as {ada.email}" in answer.content.decode()
        assert not is_fresh(browser)
    assert Identity.objects.count() == 1  # nobody was bound by it
    event = AuditEvent.objects.filter(action="user.second_step_failed", about_user_id=ada.pk)[0]
    assert event.details["method"] == "provider"


def test_an_answer_counts_in_the_session_that_asked_and_once(
    browser: Client, ada: User, source: Source, provider: IdentityProvider
) -> None:
    vouch(provider, "ada", ada.email, auth_time=int(time.time()))
    url = provider.sign_in(go(browser), "ada")
    assert come_back(Client(), url).status_code == 403
    assert come_back(browser, url).status_code == 303
    assert come_back(browser, url).status_code == 403
    signing_in = provider.sign_in(begin(Client(), source), "ada")  # a stranger's question isn't hers
    assert come_back(browser, signing_in).status_code == 403
    url = provider.sign_in(go(browser), "ada")
    eve = make_mailbox_in(ada.mailbox.domain, "eve").user
    assert eve is not None
    browser.force_login(eve)  # somebody else in the same browser
    assert come_back(browser, url).status_code == 403


def test_a_factor_of_ones_own_is_asked_for_and_no_provider_stands_in(
    browser: Client, ada: User, source: Source, provider: IdentityProvider
) -> None:
    vouch(provider, "ada", ada.email, auth_time=int(time.time()))
    url = provider.sign_in(go(browser), "ada")
    User.objects.filter(pk=ada.pk).update(second_factor_at=timezone.now())  # set up meanwhile
    assert come_back(browser, url)["Location"].startswith("/account/prove/") and not is_fresh(browser)
    answer = browser.get("/account/prove/with-provider/")
    assert answer.status_code == 303 and answer["Location"].startswith("/account/prove/")


def test_who_is_not_bound_or_holds_more_than_the_source_speaks_for_is_not_sent_there(
    client: Client, source: Source, provider: IdentityProvider
) -> None:
    boss = factories.make_administrator("boss@example.org")
    assert client.post("/sign-in/", {"email": boss.email, "password": factories.PASSWORD}).status_code == 303
    assert client.get("/account/prove/with-provider/").status_code == 303  # to the page that asks for the password
    assert 'name="code"' in client.get("/account/prove/").content.decode()
    Identity.objects.create(source=source, user=boss, subject=f"{provider.issuer} boss")
    assert client.get("/account/prove/with-provider/").status_code == 302
    Source.objects.filter(pk=source.pk).update(authority=["set_passwords"])
    assert client.get("/account/prove/with-provider/").status_code == 303
