"""While the source of a domain doesn't answer: guesses at passwords kept here count, and nobody is shut out by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts import crowd, throttle
from accounts.actors import Actor
from accounts.errors import TooManyAttempts, WrongPassword
from accounts.models import AuditEvent, FailedSignIn, Grant, SignInBlock, SignInThrottle, Source, User
from accounts.services.passwords import issue_reset_link
from accounts.signing_in import sign_in_mail_program, sign_in_program
from accounts.sources.errors import SourceUnavailable
from domains.models import Domain
from tests import factories
from tests.domains.factories import make_domain, make_mailbox_in
from tests.factories import PASSWORD
from tests.sources import MakeSource

pytestmark = pytest.mark.django_db
NOBODY_LISTENS: dict[str, Any] = {"host": "localhost", "port": 1024, "security": "none", "base_dn": "dc=example"}


@pytest.fixture
def domain() -> Domain:
    return make_domain("example.org")


@pytest.fixture
def dead(domain: Domain, make_source: MakeSource) -> Source:
    return make_source("ldap", NOBODY_LISTENS)


def caller(address: str) -> Actor:
    return Actor(user=None, kind="user", label="anonymous", address=address, via="api")


def attempt(email: str, password: str = "a guess", address: str = "198.51.100.7") -> str:
    """How it ends, in a word."""
    try:
        sign_in_program(caller(address), email=email, password=password, hours=1)
    except SourceUnavailable:
        return "away"
    except TooManyAttempts:
        return "wait"
    except WrongPassword:
        return "wrong"
    return "in"


def let_them_try() -> None:
    """As if the waits were over."""
    SignInThrottle.objects.update(blocked_until=None)


def helper_of(domain: Domain) -> User:
    """Somebody who administers the domain, and may use a password kept here."""
    user = make_mailbox_in(domain, "helper", password=PASSWORD).user
    assert user is not None
    Grant.objects.create(user=user, role_key="help_desk", level="domain", object_id=domain.pk)
    return user


def test_guesses_at_a_password_kept_here_count_as_any_others(domain: Domain, dead: Source) -> None:
    helper = helper_of(domain)
    assert [attempt(helper.email) for _each in range(6)] == ["away"] * 5 + ["wait"]
    assert throttle.failures(throttle.network("198.51.100.7")) == 5
    for number in range(50 - 5):  # SIGN_IN_BLOCK_AFTER is 50 by default
        let_them_try()
        assert attempt(helper.email) == "away", number
    assert SignInBlock.objects.get().network == "198.51.100.7/32"
    assert AuditEvent.objects.filter(action="user.sign_in_failed", details__why="source away").count() == 50
    assert FailedSignIn.objects.get().user_id == helper.pk


def test_each_account_waits_alike_whether_it_has_a_password_here(domain: Domain, dead: Source) -> None:
    helper_of(domain)
    make_mailbox_in(domain, "ada")
    said = {name: [attempt(f"{name}@example.org", address=f"198.51.100.{at}") for _each in range(6)]
            for at, name in enumerate(("helper", "ada", "nobody"))}  # fmt: skip
    assert said["helper"] == said["ada"] == said["nobody"] == ["away"] * 5 + ["wait"]


def test_an_office_whose_directory_is_away_does_not_shut_out_its_administrators(domain: Domain, dead: Source) -> None:
    crowd.ARRIVALS.clear()
    helper, boss = helper_of(domain), factories.make_administrator("boss@example.org")
    for number in range(60):  # more than SIGN_IN_BLOCK_AFTER, all from one address
        assert attempt(f"colleague{number}@example.org") == "away"
    assert not SignInBlock.objects.exists()
    assert crowd.rank_of("198.51.100.7") == 1  # nor are they behind everybody else's
    assert attempt(helper.email, PASSWORD) == "in" and attempt(boss.email, PASSWORD) == "in"


def test_who_waits_for_a_source_at_the_same_time_leaves_no_wait_behind(domain: Domain, dead: Source) -> None:
    """Thirty at once count thirty until each has its answer: the wait that they came by goes with them."""
    attempts = [throttle.counters(f"c{number}@example.org", "198.51.100.7", None) for number in range(30)]
    for each in attempts:
        SignInThrottle.objects.update(blocked_until=None)  # they came at once: none saw the others' wait
        throttle.admit(each)
    for each in attempts:
        throttle.take_back(each[-1:])
    throttle.require_free([throttle.network("198.51.100.7")])
    assert throttle.failures(throttle.network("198.51.100.7")) == 0


def test_mail_programs_that_keep_trying_wait_by_their_account_alone(domain: Domain, dead: Source) -> None:
    make_mailbox_in(domain, "ada")
    nobody = caller("198.51.100.7")
    for _each in range(5):
        with pytest.raises(SourceUnavailable):
            sign_in_mail_program(nobody, email="ada@example.org", password="the right one")
    with pytest.raises(TooManyAttempts):
        sign_in_mail_program(nobody, email="ada@example.org", password="the right one")
    with pytest.raises(SourceUnavailable):
        sign_in_mail_program(nobody, email="bob@example.org", password="the right one")


def test_a_link_for_a_password_lets_nobody_past_the_place_that_says_who_they_are(domain: Domain, dead: Source) -> None:
    ada, helper = make_mailbox_in(domain, "ada").user, helper_of(domain)
    assert ada is not None
    for user, page in ((ada, "/sign-in/"), (helper, "/")):
        path = issue_reset_link(Actor.system(), user).partition("/link/")[2]
        client = Client()
        answer = client.post(f"/link/{path}", {"password": "quite another few words"})
        assert (answer.status_code, answer["Location"]) == (303, page)
        assert client.get("/account/").status_code == (302 if page == "/sign-in/" else 200)
