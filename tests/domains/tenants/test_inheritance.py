"""What a domain leaves to its customer or the server, and where a value comes from."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.models import OptionValue
from accounts.permissions import ALL_END_USER_RIGHTS, EndUserRight, Level
from accounts.scopes import SERVER, ScopeRef
from accounts.services.options import set_option
from domains import inheritance
from domains.models import Domain, Status
from tests.domains.factories import make_customer, make_domain, make_mailbox_in


def say(scope: ScopeRef, name: str, value: Any) -> None:
    OptionValue.objects.create(level=scope.level, object_id=scope.id, name=name, value=value)


def test_what_nobody_says_is_built_in(db: None) -> None:
    setting = inheritance.settings_of(make_domain())["default_language"]
    assert (setting.value, setting.source, setting.own, setting.is_own) == ("en", None, None, False)


def test_the_nearest_level_that_says_something_counts(db: None) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    say(SERVER, "LANGUAGE", "de")
    server = inheritance.settings_of(domain)["default_language"]
    assert (server.value, server.source) == ("de", SERVER)
    say(ScopeRef(Level.CUSTOMER, customer.pk), "LANGUAGE", "fr")
    assert inheritance.value_of(domain, "default_language") == "fr"
    assert inheritance.settings_of(customer)["default_language"].is_own
    assert inheritance.settings_of(None)["default_language"].value == "de"
    domain.default_language = "da"
    own = inheritance.settings_of(domain)["default_language"]
    assert (own.value, own.own, own.inherited) == ("da", "da", "fr")
    assert own.inherited_from == ScopeRef(Level.CUSTOMER, customer.pk)


def test_another_customers_word_is_not_heard(db: None) -> None:
    other, domain = make_customer(), make_domain(customer=make_customer())
    say(ScopeRef(Level.CUSTOMER, other.pk), "SENDER_VERIFY", False)
    assert inheritance.value_of(domain, "sender_verify") is True


def test_a_no_of_the_domain_is_its_own_word(db: None) -> None:
    setting = inheritance.settings_of(make_domain(sender_verify=False))["sender_verify"]
    assert (setting.value, setting.is_own, setting.inherited) == (False, True, True)


def test_many_domains_are_asked_with_one_query(db: None) -> None:
    domains = [make_domain(customer=make_customer()) for _ in range(5)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = inheritance.settings_of_many(domains)
    assert (len(found), len(queries)) == (5, 1)


def test_a_filter_finds_own_and_inherited_values(db: None) -> None:
    german, french = make_customer(), make_customer()
    say(ScopeRef(Level.CUSTOMER, german.pk), "LANGUAGE", "de")
    say(ScopeRef(Level.CUSTOMER, french.pk), "LANGUAGE", "fr")
    inherits, own = make_domain(customer=german), make_domain(customer=french, default_language="de")
    make_domain(customer=french), make_domain(customer=german, default_language="en")
    alone, plain = make_domain(), make_domain(customer=make_customer())
    assert set(Domain.objects.filter(inheritance.domains_with("default_language", "de"))) == {inherits, own}
    say(SERVER, "LANGUAGE", "de")
    found = set(Domain.objects.filter(inheritance.domains_with("default_language", "de")))
    assert found == {inherits, own, alone, plain}


def test_a_new_account_speaks_the_language_it_inherits(db: None) -> None:
    say(SERVER, "LANGUAGE", "nb")
    user = make_mailbox_in(make_domain()).user
    assert user is not None and user.language == "nb"


@pytest.mark.parametrize("status", [Status.DISABLED, Status.DELETED])
def test_people_of_a_suspended_domain_may_do_nothing(status: str, db: None) -> None:
    user = make_mailbox_in(make_domain()).user
    assert user is not None and Actor.for_user(user).may(EndUserRight.SIGN_IN)
    Domain.objects.update(status=status)
    assert not any(Actor.for_user(user).may(right) for right in ALL_END_USER_RIGHTS)


def test_a_new_account_gets_what_the_nearest_template_says_and_keeps_what_it_is_given(db: None) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    set_option(Actor.console(), SERVER, "ACCOUNT_STATUS", "disabled")
    set_option(Actor.console(), customer, "ACCOUNT_STATUS", "pending")
    set_option(Actor.console(), domain, "ACCOUNT_THEME", "dark")
    by_template, given = make_mailbox_in(domain), make_mailbox_in(domain, status=Status.ENABLED, language="da")
    assert by_template.user is not None and given.user is not None
    assert (by_template.status, by_template.user.theme, by_template.user.language) == ("pending", "dark", "en")
    assert (given.status, given.user.language) == ("enabled", "da")
    set_option(Actor.console(), domain, "ACCOUNT_STATUS", "enabled")
    by_template.refresh_from_db()
    assert by_template.status == "pending"
    assert make_mailbox_in(domain).status == "enabled"
