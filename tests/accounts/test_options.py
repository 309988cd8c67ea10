"""Options: inherited from the levels above, typed, and set only by who may."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import options
from accounts.actors import Actor
from accounts.errors import BadOption, Forbidden, UnknownOption
from accounts.models import AuditEvent, Grant, OptionValue, User
from accounts.options import Option
from accounts.optiontypes import OptionType, parse, to_text
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.services.options import reset_option, set_option
from domains.models import Customer, Domain, Mailbox
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()


@pytest.fixture
def customer(db: None) -> Customer:
    return make_customer()


@pytest.fixture
def domain(customer: Customer) -> Domain:
    return make_domain(customer=customer)


@pytest.fixture
def mailbox(domain: Domain) -> Mailbox:
    return make_mailbox_in(domain)


@pytest.fixture
def secret_option() -> Option:
    return options.define(
        "TEST_LOGIN", OptionType.CREDENTIALS, levels=options.DOWN_TO_DOMAIN, label="Login", group="Test"
    )


def test_the_most_specific_value_counts_and_says_where_it_comes_from(
    customer: Customer, domain: Domain, mailbox: Mailbox
) -> None:
    person = mailbox.user
    assert options.resolve("PAGE_SIZE", person).source is None and options.value("PAGE_SIZE", person) == 50
    for obj, size in ((SERVER, 20), (customer, 30), (domain, 40), (person, 60)):
        set_option(SYSTEM, obj, "PAGE_SIZE", size)
        for seen in (person, mailbox):
            assert options.value("PAGE_SIZE", seen) == size
    assert person is not None
    found = options.resolve("PAGE_SIZE", person)
    assert (found.value, found.source, found.is_own, found.inherited) == (60, ScopeRef(Level.USER, person.pk), True, 40)
    assert options.value("PAGE_SIZE", domain) == 40 and options.value("PAGE_SIZE") == 20
    assert options.value("PAGE_SIZE", ScopeRef(Level.DOMAIN, domain.pk)) == 40
    for obj in (person, domain, customer, SERVER):
        assert reset_option(SYSTEM, obj, "PAGE_SIZE") and not reset_option(SYSTEM, obj, "PAGE_SIZE")
    assert options.value("PAGE_SIZE", person) == 50


def test_others_are_not_touched(domain: Domain) -> None:
    set_option(SYSTEM, domain, "TIME_ZONE", "Europe/Berlin")
    assert options.value("TIME_ZONE", make_domain(customer=domain.customer)) == "UTC"


def test_many_objects_cost_one_query(customer: Customer) -> None:
    domains = [make_domain(customer=customer) for _ in range(5)]
    set_option(SYSTEM, customer, "PAGE_SIZE", 25)
    set_option(SYSTEM, domains[3], "PAGE_SIZE", 75)
    for count in (2, 5):
        with CaptureQueriesContext(connection) as queries:
            found = options.resolve_many(["PAGE_SIZE", "TIME_ZONE"], domains[:count])
        assert len(queries) == 1
    assert [each["PAGE_SIZE"].value for each in found] == [25, 25, 25, 75, 25]


@pytest.mark.parametrize(
    ("type", "given", "kept"),
    [
        (OptionType.STRING, " a ", "a"),
        (OptionType.TEXT, "a\r\nb", "a\nb"),
        (OptionType.COLOR, "#AABBCC", "#aabbcc"),
        (OptionType.EMAIL, "Ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        (OptionType.BOOL, "1", True),
        (OptionType.BOOL, "off", False),
        (OptionType.URL, "https://example.org/a?b=c", "https://example.org/a?b=c"),
        (OptionType.LIST, "b\na\nb\n", ["b", "a"]),
        (OptionType.TIMEZONE, "Europe/Berlin", "Europe/Berlin"),
        (OptionType.HOST, "MX.Example.org.", "mx.example.org"),
        (OptionType.HOST, "[2001:DB8::1]", "2001:db8::1"),
        (OptionType.CREDENTIALS, "ada:a:b", {"username": "ada", "password": "a:b"}),
        (OptionType.PASSWORD, " as it is ", " as it is "),
        (OptionType.INTEGER, "-12", -12),
    ],
)
def test_each_type_reads_what_people_and_programs_send(type: OptionType, given: object, kept: object) -> None:
    assert parse(type, given) == kept
    if type not in (OptionType.CREDENTIALS, OptionType.PASSWORD):
        assert parse(type, to_text(type, kept)) == kept


@pytest.mark.parametrize(
    ("type", "given"),
    [
        (OptionType.STRING, "a\nb"),
        (OptionType.STRING, "a\0b"),
        (OptionType.STRING, 7),
        (OptionType.TEXT, "x" * 10_001),
        (OptionType.COLOR, "red"),
        (OptionType.EMAIL, "nobody"),
        (OptionType.BOOL, "perhaps"),
        (OptionType.URL, "javascript:alert(1)"),
        (OptionType.URL, "https://user:pass@example.org"),
        (OptionType.URL, "https://"),
        (OptionType.LIST, {"a": 1}),
        (OptionType.LIST, "\n".join(map(str, range(10_000)))),
        (OptionType.TIMEZONE, "../../etc/passwd"),
        (OptionType.HOST, "a b"),
        (OptionType.CREDENTIALS, "nobody"),
        (OptionType.CREDENTIALS, {"username": "a", "password": "b", "more": 1}),
        (OptionType.PASSWORD, 7),
        (OptionType.INTEGER, "1.5"),
        (OptionType.INTEGER, True),
        (OptionType.INTEGER, "9" * 40),
    ],
)
def test_what_is_no_such_value_is_refused(type: OptionType, given: object) -> None:
    with pytest.raises(BadOption):
        parse(type, given)


def test_bounds_and_lists_of_values_hold(domain: Domain) -> None:
    for name, value in (("PAGE_SIZE", 5), ("PAGE_SIZE", 5_000), ("LANGUAGE", "xx"), ("LANGUAGE", "")):
        with pytest.raises(BadOption):
            set_option(SYSTEM, SERVER, name, value)
    with pytest.raises(BadOption):
        set_option(SYSTEM, domain, "SIGN_IN_TEXT", "not on this level")
    with pytest.raises(UnknownOption):
        set_option(SYSTEM, domain, "NO_SUCH", 1)
    assert not OptionValue.objects.exists()


def test_a_password_is_sealed_and_never_shown(domain: Domain, secret_option: Option) -> None:
    set_option(SYSTEM, domain, "TEST_LOGIN", {"username": "ada", "password": "s3cret-word"})
    found = options.resolve("TEST_LOGIN", domain)
    assert found.text == "ada" and options.reveal(found) == "s3cret-word"
    set_option(SYSTEM, domain, "TEST_LOGIN", {"username": "ada", "password": ""})
    assert options.reveal(options.resolve("TEST_LOGIN", domain)) == "s3cret-word"
    set_option(SYSTEM, domain, "TEST_LOGIN", {"username": "bob", "password": ""})
    assert options.reveal(options.resolve("TEST_LOGIN", domain)) == ""
    set_option(SYSTEM, domain, "TEST_LOGIN", "ada:s3cret-word")
    with connection.cursor() as cursor:
        cursor.execute("SELECT value::text, secret FROM accounts_optionvalue")
        assert "s3cret" not in str(cursor.fetchall())
    assert "s3cret" not in json.dumps(list(AuditEvent.objects.values("details", "changes")), default=str)


def test_the_audit_trail_says_old_and_new(domain: Domain) -> None:
    set_option(SYSTEM, domain, "PAGE_SIZE", 20)
    set_option(SYSTEM, domain, "PAGE_SIZE", 20)
    reset_option(SYSTEM, domain, "PAGE_SIZE")
    events = AuditEvent.objects.filter(action__startswith="option.").order_by("pk")
    assert [(event.action, event.changes, event.domain_id) for event in events] == [
        ("option.set", {"PAGE_SIZE": [None, 20]}, domain.pk),
        ("option.reset", {"PAGE_SIZE": [20, None]}, domain.pk),
    ]


def test_who_may_set_what(customer: Customer, domain: Domain, mailbox: Mailbox) -> None:
    other = make_domain(customer=customer)
    of_domain, of_customer = Actor.for_user(make_delegate(domain)), Actor.for_user(make_delegate(customer))
    assert mailbox.user is not None
    person = Actor.for_user(mailbox.user)
    for actor, objects in (
        (of_domain, (domain, mailbox.user)),
        (of_customer, (domain, other, mailbox.user, customer)),
        (person, (mailbox.user,)),
    ):
        for obj in (SERVER, customer, domain, other, mailbox.user):
            if obj in objects:
                set_option(actor, obj, "PAGE_SIZE", 33)
                reset_option(actor, obj, "PAGE_SIZE")
            else:
                with pytest.raises(Forbidden):
                    set_option(actor, obj, "PAGE_SIZE", 33)
    with pytest.raises(Forbidden):
        set_option(person, mailbox.user, "SESSION_HOURS", 1)  # not personal


def test_restricted_ones_are_for_the_servers_administrators(domain: Domain, administrator: User) -> None:
    options.define(
        "TEST_RESTRICTED", OptionType.BOOL, levels=options.DOWN_TO_DOMAIN, label="R", group="Test", restricted=True
    )
    with pytest.raises(Forbidden):
        set_option(Actor.for_user(make_delegate(domain)), domain, "TEST_RESTRICTED", True)
    set_option(Actor.for_user(administrator), domain, "TEST_RESTRICTED", True)
    assert options.value("TEST_RESTRICTED", domain) is True


def test_a_reading_token_changes_nothing_and_nobody_edits_who_holds_more(domain: Domain, administrator: User) -> None:
    with pytest.raises(Forbidden):
        set_option(Actor.for_user(administrator).restricted(None, read_only=True), domain, "PAGE_SIZE", 20)
    chief = make_mailbox_in(domain).user
    assert chief is not None
    Grant.objects.create(user=chief, rights=[Right.VIEW_USERS], level=Level.SERVER, created_at=timezone.now())
    with pytest.raises(Forbidden):
        set_option(Actor.for_user(make_delegate(domain)), chief, "PAGE_SIZE", 20)


def test_a_customer_administrator_dominates_the_administrators_of_its_domains(
    customer: Customer, domain: Domain
) -> None:
    of_domain, of_customer = make_delegate(domain), make_delegate(customer)
    assert Actor.for_user(of_customer).dominates(of_domain)
    assert not Actor.for_user(of_domain).dominates(of_customer)
    assert not Actor.for_user(make_delegate(make_customer())).dominates(of_domain)


def test_a_broken_default_is_noticed_at_once() -> None:
    with pytest.raises(BadOption):
        options.define("TEST_BAD", OptionType.INTEGER, levels=options.SERVER_ONLY, label="B", group="T", default="x")


def test_every_option_has_words(db: None) -> None:
    for option in options.catalogue():
        assert str(option.label) and str(option.group)
