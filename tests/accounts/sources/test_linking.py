"""People link themselves to their account at their domain's provider, and undo it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditEvent, Grant, Identity, Session, Source, User
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role, apply_groups
from accounts.services.sources import update_source
from tests import factories
from tests.accounts.sources.test_providers import begin, come_back, vouch
from tests.domains.factories import make_domain, make_mailbox_in
from tests.factories import PASSWORD
from tests.sources import IdentityProvider, MakeSource

pytestmark = pytest.mark.django_db
PAGE, START = "/account/single-sign-on/", "/account/single-sign-on/link/"
SYSTEM = Actor.system()


@pytest.fixture
def source(provider: IdentityProvider, make_source: MakeSource) -> Source:
    return make_source("oidc", provider.settings(), secret="shared")


@pytest.fixture
def boss(source: Source) -> User:
    """Comes in by a password kept here, and is called otherwise at the provider."""
    return factories.make_administrator("boss@example.org")


@pytest.fixture
def browser(boss: User) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"email": boss.email, "password": PASSWORD}).status_code == 303
    return client


def link(browser: Client, provider: IdentityProvider, subject: str, **claims: Any) -> str:
    """What the page says after they went there."""
    vouch(provider, subject, f"{subject}@example.net", True, **claims)
    answer = come_back(browser, provider.sign_in(browser.get(START)["Location"], subject))
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    return str(browser.get(PAGE).content.decode())


def make_stale(browser: Client) -> None:
    session = browser.session
    session["proved_at"] = timezone.now().timestamp() - 3600
    session.save()


def test_somebody_links_an_account_of_another_address_and_comes_in_by_it(
    browser: Client, boss: User, source: Source, provider: IdentityProvider
) -> None:
    assert START in browser.get(PAGE).content.decode()
    page = link(browser, provider, "b-1")
    assert "Head office" in page and START not in page
    row = Identity.objects.get()
    assert (row.user, row.subject) == (boss, f"{provider.issuer} b-1")
    event = AuditEvent.objects.get(action="source.link")
    assert (event.actor_id, event.details) == (boss.pk, {"source": "Head office", "there": "b-1@example.net"})
    other = Client()
    assert come_back(other, provider.sign_in(begin(other, source), "b-1")).status_code == 303
    assert other.get("/account/").status_code == 200


def test_it_takes_a_fresh_proof_here_and_there(browser: Client, boss: User, provider: IdentityProvider) -> None:
    vouch(provider, "b-1", "b@example.net")
    url = provider.sign_in(browser.get(START)["Location"], "b-1")
    make_stale(browser)
    assert browser.get(START)["Location"].startswith("/account/prove/")
    assert come_back(browser, url)["Location"] == PAGE and not Identity.objects.exists()
    assert browser.post("/account/prove/", {"method": "password", "code": PASSWORD}).status_code == 303
    assert "auth_time" in link(browser, provider, "b-1", auth_time=int(time.time()) - 900)
    assert not Identity.objects.exists()


def test_nobody_takes_an_account_there_that_somebody_else_is_linked_to(
    browser: Client, boss: User, source: Source, provider: IdentityProvider
) -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada").user
    assert ada is not None
    Identity.objects.create(source=source, user=ada, subject=f"{provider.issuer} taken")
    assert "Somebody else here is linked" in link(browser, provider, "taken")
    link(browser, provider, "b-1")
    vouch(provider, "b-2", "b@example.net")
    url = provider.sign_in(browser.get(START)["Location"], "b-2")
    come_back(browser, url)
    assert "Undo that first" in browser.get(PAGE).content.decode()
    assert Identity.objects.get(user=boss).subject == f"{provider.issuer} b-1"


def test_a_source_links_nobody_who_holds_more_than_it_speaks_for(
    browser: Client, boss: User, source: Source, provider: IdentityProvider
) -> None:
    vouch(provider, "b-1", "b@example.net")
    url = provider.sign_in(browser.get(START)["Location"], "b-1")
    Source.objects.update(authority=["set_passwords", "manage_sources"])  # by whoever holds less, meanwhile
    come_back(browser, url)
    assert not Identity.objects.exists()
    assert browser.get(START)["Location"] == PAGE  # not even sent there
    assert START not in browser.get(PAGE).content.decode()


def test_unlinking_ends_what_came_of_it_and_needs_another_way_in(
    browser: Client, boss: User, source: Source, provider: IdentityProvider, administrator: User
) -> None:
    domain = make_domain("example.org")
    add_group_role(Actor.for_user(administrator), source, group="g", bundle=Bundle("help_desk"), obj=domain)
    link(browser, provider, "b-1")
    other = Client()
    assert come_back(other, provider.sign_in(begin(other, source), "b-1")).status_code == 303
    key = Identity.objects.get().pk
    make_stale(browser)
    assert browser.post(f"{PAGE}{key}/unlink/")["Location"].startswith("/account/prove/")
    assert browser.post("/account/prove/", {"method": "password", "code": PASSWORD}).status_code == 303
    assert browser.post(f"{PAGE}{key}/unlink/")["Location"] == PAGE
    assert not Identity.objects.exists() and other.get("/account/").status_code == 302
    assert browser.get("/account/").status_code == 200
    assert AuditEvent.objects.filter(action="source.unlink", actor_id=boss.pk).count() == 1
    ada = make_mailbox_in(domain, "ada").user
    assert ada is not None
    vouch(provider, "ada", ada.email, True)
    hers = Client()
    assert come_back(hers, provider.sign_in(begin(hers, source), "ada")).status_code == 303
    own = Identity.objects.get(user=ada).pk
    assert "only an administrator" in hers.get(PAGE).content.decode()
    hers.post(f"{PAGE}{own}/unlink/")
    assert Identity.objects.filter(user=ada).exists()
    assert hers.post(f"{PAGE}{key + 1000}/unlink/").status_code == 404
    watching = Client()
    watching.force_login(administrator)
    assert "Head office" in watching.get(f"/users/{ada.pk}/factors/").content.decode()
    assert Session.objects.filter(user=ada).exists()


def test_what_groups_gave_goes_with_the_link(boss: User, source: Source, provider: IdentityProvider) -> None:
    domain = make_domain("example.org")
    ada = make_mailbox_in(domain, "ada").user
    assert ada is not None
    add_group_role(SYSTEM, source, group="g", bundle=Bundle("help_desk"), obj=domain)
    update_source(SYSTEM, source, {"local_for_administrators": True})
    ada.set_password(PASSWORD)
    ada.save()
    Identity.objects.create(source=source, user=ada, subject=f"{provider.issuer} ada")
    source.refresh_from_db()
    apply_groups(source, ada, ["g"])
    hers = Client()
    assert hers.post("/sign-in/", {"email": ada.email, "password": PASSWORD}).status_code == 303
    assert hers.post(f"{PAGE}{Identity.objects.get().pk}/unlink/")["Location"] == PAGE
    assert not Grant.objects.filter(user=ada).exists() and not Identity.objects.exists()
