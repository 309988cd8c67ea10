"""Who may brand what, what is taken, what is inherited, and what is left when a domain goes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from config.kit.versions import ChangedMeanwhile
from domains import brands
from domains.errors import Invalid, Taken, WrongState
from domains.models import BrandHost, Branding, BrandLogo, Domain
from domains.services import brand_values
from domains.services.branding import remove_logo, set_branding, set_logo
from domains.services.customers import delete_customer
from domains.services.domain_names import add_names
from domains.services.domain_purging import plan, purge_domain
from domains.services.domain_states import delete_domain
from domains.services.moving import move_domain
from domains.services.renaming import rename_domain
from tests.domains.branding.pictures import SVG, jpeg, png
from tests.domains.factories import make_customer, make_delegate, make_domain
from tests.stage import Cast

CONSOLE = Actor.console()


def counting(place: brands.Place) -> dict[str, Any]:
    return {name: said.value for name, said in brands.looks_of(place).values.items() if said.value is not None}


def test_each_value_comes_from_the_nearest_that_says_it(db: None) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    set_branding(CONSOLE, SERVER, {"name": "Server", "colour": "#111111", "greeting": "Hello"})
    set_branding(CONSOLE, customer, {"name": "Customer", "colour": "#222222"})
    set_branding(CONSOLE, domain, {"name": "Domain"})
    looks = brands.looks_of(domain)
    found = {name: (said.value, said.source) for name, said in looks.values.items()}
    assert found == {
        "name": ("Domain", ScopeRef(Level.DOMAIN, domain.pk)),
        "colour": ("#222222", ScopeRef(Level.CUSTOMER, customer.pk)),
        "greeting": ({"": "Hello"}, SERVER),
        "support": (None, None),
        "logo": (None, None),
    }
    assert (looks.values["name"].inherited, looks.values["name"].inherited_from) == (
        "Customer",
        ScopeRef(Level.CUSTOMER, customer.pk),
    )
    set_branding(CONSOLE, domain, {"name": ""})
    assert counting(domain)["name"] == "Customer"
    assert counting(make_domain())["name"] == "Server"


def test_a_logo_is_inherited_set_and_reset(db: None) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    of_customer = set_logo(CONSOLE, customer, png(40, 10))
    assert brands.looks_of(domain)["logo"] == of_customer
    own = set_logo(CONSOLE, domain, jpeg())
    assert brands.looks_of(domain)["logo"] == own
    assert set_logo(CONSOLE, domain, jpeg()).pk == own.pk
    assert remove_logo(CONSOLE, domain) and not remove_logo(CONSOLE, domain)
    assert brands.looks_of(domain)["logo"] == of_customer


def test_every_change_is_in_the_audit_trail_with_old_and_new(db: None) -> None:
    domain = make_domain()
    set_branding(CONSOLE, domain, {"colour": "#222222"})
    set_branding(CONSOLE, domain, {"colour": "#333333", "hosts": [f"mail.{domain.name}"]})
    set_branding(CONSOLE, domain, {"colour": "#333333"})
    first = set_logo(CONSOLE, domain, png())
    set_logo(CONSOLE, domain, jpeg())
    remove_logo(CONSOLE, domain)
    events = list(AuditEvent.objects.filter(action__startswith="branding.").order_by("pk"))
    assert [event.action.removeprefix("branding.") for event in events] == [
        "edit",
        "edit",
        "set_logo",
        "set_logo",
        "remove_logo",
    ]
    assert events[1].changes == {"colour": ["#222222", "#333333"], "hosts": [[], [f"mail.{domain.name}"]]}
    old, new = events[3].changes["logo"]
    assert first.sha256 in old and f"{first.size_bytes} bytes" in old and "image/jpeg" in new
    assert events[4].changes["logo"][1] is None
    assert {event.domain_id for event in events} == {domain.pk}


def test_who_may_change_a_domain_brands_it_and_nobody_else(cast: Cast) -> None:
    values = {"name": "Mine"}
    for person in (cast.user, cast.help_desk, cast.auditor, cast.sibling_administrator, cast.elsewhere_administrator):
        for place in (cast.domain, cast.customer, SERVER):
            with pytest.raises(Forbidden):
                set_branding(Actor.for_user(person), place, values)
            with pytest.raises(Forbidden):
                set_logo(Actor.for_user(person), place, SVG)  # the right is asked before the picture is looked at
            with pytest.raises(Forbidden):
                remove_logo(Actor.for_user(person), place)
    of_domain, of_customer = Actor.for_user(cast.domain_administrator), Actor.for_user(cast.customer_administrator)
    assert set_branding(of_domain, cast.domain, values) and set_branding(of_customer, cast.customer, values)
    for actor, place in ((of_domain, cast.customer), (of_domain, SERVER), (of_customer, SERVER)):
        with pytest.raises(Forbidden):
            set_branding(actor, place, values)
    everywhere = make_delegate(cast.domain, rights=[Right.EDIT_DOMAINS])
    everywhere.grants.update(level="server", object_id=0)
    with pytest.raises(Forbidden):  # what everybody sees is for who runs the server
        set_branding(Actor.for_user(everywhere), SERVER, values)


def test_the_second_of_two_people_is_told(db: None) -> None:
    domain = make_domain()
    set_branding(CONSOLE, domain, {"name": "One"}, expected=0)
    for again in (
        lambda: set_branding(CONSOLE, domain, {"name": "Two"}, expected=0),
        lambda: set_logo(CONSOLE, domain, png(), expected=0),
        lambda: remove_logo(CONSOLE, domain, expected=0),
    ):
        with pytest.raises(ChangedMeanwhile):
            again()
    set_logo(CONSOLE, domain, png(), expected=1)
    assert brands.looks_of(domain).version == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_are_first_at_once_make_one_branding() -> None:
    domain, said = make_domain(), []

    def change(name: str) -> None:
        try:
            set_branding(CONSOLE, domain, {"name": name}, expected=0)
            said.append(name)
        except ChangedMeanwhile:
            said.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=[name]) for name in ("One", "Two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("told") == 1 and Branding.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "x" * 61}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "turned \u202e around"}, "name"),
        ({"name": "\0"}, "name"),
        ({"name": 5}, "name"),
        ({"name": "line\n" * 10_000}, "name"),
        ({"colour": "red;}body{display:none}"}, "colour"),
        ({"colour": "#1d4ed8;"}, "colour"),
        ({"colour": "#1d4ed"}, "colour"),
        ({"colour": "url(https://evil.example)"}, "colour"),
        ({"greeting": "x" * 501}, "greeting"),
        ({"greeting": "line\n" * 10_000}, "greeting"),
        ({"greeting": "\n".join("123456789")}, "greeting"),
        ({"greeting": {"": "Hello", "de": "x" * 501}}, "greeting.de"),
        ({"greeting": {"xx": "Hello"}}, "greeting"),
        ({"greeting": ["Hello"]}, "greeting"),
        ({"support": "help@example.org"}, "support"),
        ({"support": {"address": "javascript:alert(1)"}}, "support.address"),
        ({"support": {"address": "http://example.org"}}, "support.address"),
        ({"support": {"address": "https://user:secret@example.org/"}}, "support.address"),
        ({"support": {"address": 'https://example.org/"onclick="x'}}, "support.address"),
        ({"support": {"address": "https://"}}, "support.address"),
        ({"support": {"address": "https://[::1"}}, "support.address"),
        ({"support": {"address": "help@"}}, "support.address"),
        ({"support": {"text": {"de": "x" * 121}}}, "support.text.de"),
        ({"support": {"evil": 1}}, "support"),
        ({"hosts": ["no host"]}, "hosts"),
        ({"hosts": ["*.example.org"]}, "hosts"),
        ({"hosts": ["x" * 10_000]}, "hosts"),
        ({"hosts": [f"h{number}.example.org" for number in range(21)]}, "hosts"),
        ({"wishes": 1}, "wishes"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name_and_changes_nothing(
    db: None, values: dict[str, Any], field: str
) -> None:
    domain = make_domain("example.org")
    with pytest.raises(Invalid) as refused:
        set_branding(CONSOLE, domain, {"name": "Right"} | values)
    assert refused.value.field == field and str(refused.value)
    assert counting(domain) == {} and not AuditEvent.objects.filter(action="branding.edit").exists()


def test_texts_are_kept_as_they_are_meant(db: None) -> None:
    domain = make_domain()
    support = {"address": "HTTPS://Help.example.org/a?b=c", "text": {"": " Help desk ", "de": "Auskunft", "fr": ""}}
    set_branding(CONSOLE, domain, {"name": " Häfen ", "colour": " #1D4ED8 ", "support": support, "greeting": "A\r\nB"})
    assert counting(domain) == {
        "name": "Häfen",
        "colour": "#1d4ed8",
        "greeting": {"": "A\nB"},
        "support": {"address": "https://Help.example.org/a?b=c", "text": {"": "Help desk", "de": "Auskunft"}},
    }
    assert brands.brand_of(counting(domain), "de").support_text == "Auskunft"
    assert brands.brand_of(counting(domain), "nb").support_text == "Help desk"
    set_branding(CONSOLE, domain, {"support": {"address": "Help@Example.ORG", "text": {}}, "greeting": {}})
    brand = brands.brand_of(counting(domain), "en")
    assert (brand.support_url, brand.support_text) == ("mailto:help@example.org", "help@example.org")
    assert "greeting" not in counting(domain)


@given(st.one_of(st.text(), st.dictionaries(st.text(max_size=3), st.text()), st.none(), st.integers()))
@hypothesis_settings(max_examples=200)
def test_whatever_is_given_is_kept_or_refused(value: Any) -> None:
    for name in brands.FIELDS:
        for given_value in (value, {"address": value, "text": value}):
            try:
                brand_values.checked(name, given_value)
            except Invalid:
                continue


def test_a_refused_picture_leaves_the_logo_as_it_was(db: None) -> None:
    domain = make_domain()
    kept = set_logo(CONSOLE, domain, png())
    with pytest.raises(Invalid) as refused:
        set_logo(CONSOLE, domain, SVG)
    assert refused.value.field == "logo" and "SVG" in str(refused.value)
    assert BrandLogo.objects.get() == kept


# --- host names ---------------------------------------------------------------------------------------------------


def test_who_runs_a_domain_records_names_below_its_own_only(cast: Cast) -> None:
    actor = Actor.for_user(cast.domain_administrator)
    set_branding(actor, cast.domain, {"hosts": ["Mail.Example.org", "webmail.example.org."]})
    assert brands.looks_of(cast.domain).hosts == ("mail.example.org", "webmail.example.org")
    for foreign in ("mail.example.net", "example.com", "org", "mail.notexample.org"):
        with pytest.raises(Invalid):
            set_branding(actor, cast.domain, {"hosts": [foreign]})
    with pytest.raises(Taken):  # another domain of the same customer has this name
        set_branding(actor, cast.domain, {"hosts": ["sibling.example.org"]})
    set_branding(CONSOLE, cast.domain, {"hosts": ["console.provider.example"]})
    assert BrandHost.objects.get().is_vouched
    with pytest.raises(Invalid):
        set_branding(CONSOLE, SERVER, {"hosts": ["console.provider.example"]})


def test_a_host_name_shows_one_branding(cast: Cast) -> None:
    set_branding(CONSOLE, cast.domain, {"hosts": ["mail.example.org"]})
    with pytest.raises(Taken):
        set_branding(CONSOLE, cast.customer, {"hosts": ["mail.example.org"]})
    assert brands.place_of_host("mail.example.org") == cast.domain


def test_a_recorded_name_ends_with_the_name_it_lies_below(cast: Cast) -> None:
    """Whoever gets a name that was somebody else's finds nothing of theirs under it."""
    add_names(CONSOLE, cast.domain, ["old.example"])
    set_branding(Actor.for_user(cast.domain_administrator), cast.domain, {"hosts": ["mail.old.example"]})
    assert brands.place_of_host("mail.old.example") == cast.domain
    cast.domain.names.filter(name="old.example").delete()
    add_names(CONSOLE, cast.elsewhere, ["old.example"])
    assert brands.place_of_host("mail.old.example") is None
    assert brands.place_of_host("old.example") == cast.elsewhere


def test_the_server_s_own_host_is_the_server_s(db: None, monkeypatch: Any) -> None:
    """A domain of the same name doesn't dress the door of everybody."""
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["mail.example.org"])
    domain = make_domain("example.org")
    of_host = make_domain("mail.example.org")
    assert brands.place_of_host("mail.example.org") is None
    with pytest.raises(Invalid):
        set_branding(Actor.for_user(make_delegate(domain)), domain, {"hosts": ["mail.example.org"]})
    of_host.names.all().delete()
    set_branding(CONSOLE, domain, {"hosts": ["mail.example.org"]})
    assert brands.place_of_host("mail.example.org") == domain


@pytest.mark.parametrize(
    "host", ["", "a", "..", "x" * 500, "münchen.example", "[::1]", "127.0.0.1", "a b", "evil\n", "☃"]
)
def test_no_host_makes_the_search_stumble(db: None, host: str) -> None:
    assert brands.place_of_host(host) is None


# --- what happens to the domain -----------------------------------------------------------------------------------


def test_a_renamed_or_moved_domain_keeps_its_branding_and_inherits_from_where_it_is(db: None) -> None:
    before, after = make_customer(), make_customer()
    domain = make_domain("before.example", before)
    set_branding(CONSOLE, before, {"colour": "#111111"})
    set_branding(CONSOLE, after, {"colour": "#222222"})
    set_branding(CONSOLE, domain, {"name": "Mine", "hosts": ["mail.before.example"]})
    rename_domain(CONSOLE, domain, "after.example")
    move_domain(CONSOLE, domain, after)
    domain = Domain.objects.get(pk=domain.pk)
    assert counting(domain) == {"name": "Mine", "colour": "#222222"}
    assert brands.place_of_host("mail.before.example") == domain  # the old name is an alias


def test_a_deleted_domain_shows_nothing_and_takes_nothing_and_a_purged_one_has_nothing(db: None) -> None:
    domain = make_domain("gone.example")
    set_branding(CONSOLE, domain, {"name": "Mine", "hosts": ["mail.gone.example"]})
    set_logo(CONSOLE, domain, png())
    delete_domain(CONSOLE, domain)
    assert brands.place_of_host("gone.example") is None and brands.place_of_host("mail.gone.example") is None
    for refused in (lambda: set_branding(CONSOLE, domain, {"name": "x"}), lambda: set_logo(CONSOLE, domain, png())):
        with pytest.raises(WrongState):
            refused()
    assert ("branding", 1) in plan(CONSOLE, domain).rest
    purge_domain(CONSOLE, domain)
    assert not Branding.objects.exists() and not BrandLogo.objects.exists() and not BrandHost.objects.exists()


def test_a_customer_s_branding_goes_with_it(db: None) -> None:
    customer = make_customer()
    set_branding(CONSOLE, customer, {"name": "Mine"})
    delete_customer(CONSOLE, customer)
    assert not Branding.objects.exists()
