"""Giving rights: nobody beyond what they hold, nobody to themselves, and what is taken is gone at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from accounts import places, selectors
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, GrantExists, LastAdministrator
from accounts.models import AuditEvent, Grant, User
from accounts.permissions import BUILT_IN_ROLES, Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.administrators import (
    explain_rights,
    get_administrator,
    list_administrators,
    list_grantable,
    list_grants,
    list_role_choices,
)
from accounts.services.grants import Bundle, add_grant, change_grant, remove_grant, set_system_administrator
from domains.models import Customer, Domain
from tests.domains.factories import make_delegate, make_mailbox_in
from tests.stage import Cast

DOMAIN_ADMINISTRATOR = Bundle("domain_administrator")
VIEWS = Bundle(rights=frozenset({Right.VIEW_USERS, Right.VIEW_DOMAINS}))


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


@pytest.fixture
def person(cast: Cast) -> User:
    """Somebody of `domain`, whom its administrators see."""
    user = make_mailbox_in(cast.domain).user
    assert user is not None
    return user


@pytest.mark.parametrize(
    ("role", "place", "bundle", "may"),
    [
        ("domain_administrator", "domain", DOMAIN_ADMINISTRATOR, True),
        ("domain_administrator", "domain", VIEWS, True),
        ("domain_administrator", "sibling", VIEWS, False),
        ("domain_administrator", "elsewhere", VIEWS, False),
        ("domain_administrator", "customer", VIEWS, False),
        ("domain_administrator", "domain", Bundle("auditor"), False),  # it opens archives, which they may not
        ("customer_administrator", "customer", Bundle("customer_administrator"), True),
        ("customer_administrator", "sibling", DOMAIN_ADMINISTRATOR, True),
        ("customer_administrator", "elsewhere", VIEWS, False),
        ("customer_administrator", "server", VIEWS, False),
        ("help_desk", "domain", VIEWS, False),
        ("auditor", "domain", VIEWS, False),
        ("user", "domain", VIEWS, False),
        ("administrator", "server", Bundle(rights=frozenset({Right.VIEW_HEALTH})), True),
        ("administrator", "elsewhere", Bundle("auditor"), True),
    ],
)
def test_who_may_give_what_where(cast: Cast, person: User, role: str, place: str, bundle: Bundle, may: bool) -> None:
    obj = SERVER if place == "server" else getattr(cast, place)
    actor = actor_of(getattr(cast, role))
    if may:
        grant = add_grant(actor, person, obj, bundle)
        assert actor_of(person).rights_on(obj) == grant.all_rights() and grant.all_rights()
    else:
        with pytest.raises(Forbidden):
            add_grant(actor, person, obj, bundle)
        assert not Grant.objects.filter(user=person).exists()


def test_nobody_gives_anything_to_themselves(cast: Cast) -> None:
    for user in (cast.domain_administrator, cast.administrator):
        with pytest.raises(Forbidden):
            add_grant(actor_of(user), user, cast.domain, Bundle(rights=frozenset({Right.VIEW_USERS})))
    grant = Grant.objects.get(user=cast.domain_administrator)
    with pytest.raises(Forbidden):
        change_grant(actor_of(cast.domain_administrator), grant, VIEWS)


def test_a_domains_administrator_can_not_strip_or_widen_who_holds_more(cast: Cast, person: User) -> None:
    auditor = Grant.objects.get(user=cast.auditor)
    actor = actor_of(cast.domain_administrator)
    for attempt in (lambda: change_grant(actor, auditor, VIEWS), lambda: remove_grant(actor, auditor)):
        with pytest.raises(Forbidden):
            attempt()
    grant = add_grant(actor, person, cast.domain, VIEWS)
    with pytest.raises(Forbidden):
        change_grant(actor, grant, Bundle("auditor"))
    with pytest.raises(Forbidden):
        remove_grant(actor, Grant.objects.get(user=cast.customer_administrator))
    assert Grant.objects.get(pk=grant.pk).all_rights() == VIEWS.rights


def test_what_is_taken_is_gone_with_the_next_request(cast: Cast, client_for) -> None:  # type: ignore[no-untyped-def]
    client = client_for(cast.domain_administrator)
    page = reverse("accounts:user-detail", args=[cast.user.pk])
    assert client.get(page).status_code == 200
    remove_grant(actor_of(cast.customer_administrator), Grant.objects.get(user=cast.domain_administrator))
    assert client.get(page).status_code == 302  # who loses a right signs in again
    assert client_for(cast.domain_administrator).get(page).status_code == 404


def test_a_grant_stands_once_and_can_be_changed(cast: Cast, person: User) -> None:
    actor = actor_of(cast.customer_administrator)
    grant = add_grant(actor, person, cast.domain, VIEWS)
    with pytest.raises(GrantExists):
        add_grant(actor, person, cast.domain, DOMAIN_ADMINISTRATOR)
    until = timezone.now() + timedelta(days=1)
    change_grant(actor, grant, DOMAIN_ADMINISTRATOR, expires_at=until)
    change_grant(actor, grant, DOMAIN_ADMINISTRATOR, expires_at=until)
    events = AuditEvent.objects.filter(object_id=str(person.pk), action__startswith="grant.").order_by("pk")
    assert [(event.action, event.changes["rights"]) for event in events] == [
        ("grant.add", [None, "view_domains, view_users"]),
        ("grant.change", ["view_domains, view_users", "domain_administrator"]),
    ]
    event = events[0]
    assert (event.about_user_id, event.domain_id, event.customer_id) == (person.pk, cast.domain.pk, cast.customer.pk)


@pytest.mark.parametrize(
    ("place", "bundle", "field"),
    [
        ("domain", Bundle("system_administrator"), "role"),
        ("domain", Bundle("customer_administrator"), "role"),
        ("domain", Bundle("no_such_role"), "role"),
        ("domain", Bundle(rights=frozenset({Right.MANAGE_SERVER})), "permissions"),
        ("domain", Bundle(), "permissions"),
    ],
)
def test_what_can_not_stand_there_is_refused(cast: Cast, person: User, place: str, bundle: Bundle, field: str) -> None:
    with pytest.raises(BadGrant) as refused:
        add_grant(Actor.system(), person, getattr(cast, place), bundle)
    assert refused.value.field == field


def test_names_of_rights_are_checked_and_the_end_lies_ahead(cast: Cast, person: User) -> None:
    with pytest.raises(BadGrant, match="no_such"):
        Bundle.of_rights(["view_users", "no_such"])
    with pytest.raises(BadGrant):
        add_grant(Actor.system(), person, cast.domain, VIEWS, expires_at=timezone.now())


def test_nothing_is_given_through_a_reading_token_or_in_somebodys_place(cast: Cast, person: User) -> None:
    actor = actor_of(cast.administrator)
    for narrower in (
        actor.restricted(None, read_only=True),
        actor.restricted([Right.VIEW_GRANTS]),
        actor.restricted([Right.GRANT_RIGHTS]),  # it may grant, but holds nothing to give
        actor.acting_as(cast.domain_administrator, "asked to"),
    ):
        with pytest.raises(Forbidden):
            add_grant(narrower, person, cast.domain, VIEWS)
    add_grant(actor.restricted([Right.GRANT_RIGHTS, *VIEWS.rights]), person, cast.domain, VIEWS)


def test_only_system_administrators_in_person_make_system_administrators(cast: Cast, person: User) -> None:
    for actor in (actor_of(cast.customer_administrator), actor_of(cast.administrator).restricted(None)):
        with pytest.raises(Forbidden):
            set_system_administrator(actor, person, True)
    boss = actor_of(cast.administrator)
    set_system_administrator(boss, person, True)
    assert actor_of(person).is_administrator
    set_system_administrator(boss, person, False)
    assert not actor_of(person).is_administrator
    with pytest.raises(LastAdministrator):
        set_system_administrator(boss, cast.administrator, False)
    assert actor_of(cast.administrator).is_administrator


def test_delegates_see_the_administrators_in_their_reach(cast: Cast) -> None:
    def seen(user: User) -> set[str]:
        return {each.email.partition("@")[0] for each in list_administrators(actor_of(user))}

    of_domain = {"help", "auditor", "domain"}
    assert seen(cast.domain_administrator) == seen(cast.auditor) == of_domain
    assert seen(cast.customer_administrator) == of_domain | {"sibling", "customer"}
    assert seen(cast.elsewhere_administrator) == {"elsewhere"}
    assert seen(cast.administrator) == of_domain | {"sibling", "customer", "elsewhere", "administrator"}
    for user in (cast.help_desk, cast.user):
        with pytest.raises(Forbidden):
            list_administrators(actor_of(user))
    with pytest.raises(Http404):
        get_administrator(actor_of(cast.domain_administrator), cast.customer_administrator.pk)
    found = list_administrators(actor_of(cast.administrator), search="HELP deleg")
    assert [each.email for each in found] == ["help@delegates.example"]
    here = list_administrators(actor_of(cast.customer_administrator), scope=places.scope_of(cast.sibling))
    assert [each.email for each in here] == ["sibling@delegates.example"]


def test_of_a_person_each_sees_the_grants_in_their_reach(cast: Cast, person: User) -> None:
    for obj in (cast.domain, cast.elsewhere):
        add_grant(Actor.system(), person, obj, VIEWS)
    assert [grant.object_label for grant in list_grants(actor_of(cast.domain_administrator), person)] == ["example.org"]
    assert len(list_grants(actor_of(cast.administrator), person)) == len(list_grants(actor_of(person), person)) == 2
    assert list_grants(actor_of(cast.stranger), person) == []


def test_what_could_be_given_is_what_one_holds(cast: Cast) -> None:
    of_domain = list_grantable(actor_of(cast.domain_administrator), cast.domain)
    rights = {each.right for each in of_domain}
    assert rights == BUILT_IN_ROLES["domain_administrator"].rights and all(each.editable for each in of_domain)
    assert Right.READ_OTHERS_MAIL not in rights
    of_auditor = list_grantable(actor_of(cast.auditor), cast.domain)
    assert {each.right for each in of_auditor} >= {Right.READ_OTHERS_MAIL} and not any(e.editable for e in of_auditor)
    assert list_grantable(actor_of(cast.domain_administrator), cast.sibling) == []
    choices = {
        each.value: each.is_givable for each in list_role_choices(actor_of(cast.domain_administrator), cast.domain)
    }
    assert choices["built-in:domain_administrator"] and not choices["built-in:auditor"]
    assert "built-in:customer_administrator" not in choices and "built-in:system_administrator" not in choices


def test_each_right_says_where_it_comes_from(cast: Cast) -> None:
    add_grant(Actor.system(), cast.domain_administrator, cast.sibling, VIEWS)
    explained = {each.right: each for each in explain_rights(actor_of(cast.administrator), cast.domain_administrator)}
    sources = [(source.place, str(source.role)) for source in explained[Right.VIEW_USERS].sources]
    assert sources == [("example.org", "Domain administrator"), ("sibling.example.org", "")]
    assert Right.MANAGE_SERVER not in explained
    boss = explain_rights(actor_of(cast.administrator), cast.administrator)
    assert len(boss) == len(Right) and boss[0].sources[0].level == Level.SERVER


def test_a_grant_on_one_person_reaches_that_person_only(cast: Cast, person: User) -> None:
    add_grant(actor_of(cast.domain_administrator), person, cast.user, Bundle(rights=frozenset({Right.VIEW_USERS})))
    actor = actor_of(person)
    assert actor.has(Right.VIEW_USERS, cast.user) and not actor.has(Right.VIEW_USERS, cast.domain)
    assert selectors.get_user(actor, cast.user.pk, need=Right.VIEW_USERS) == cast.user


def test_rights_on_a_bare_scope_are_those_on_its_object(customer: Customer, domain: Domain) -> None:
    actor = actor_of(make_delegate(customer))
    assert actor.has(Right.VIEW_DOMAINS, ScopeRef(Level.DOMAIN, domain.pk))
    assert not actor.has(Right.VIEW_DOMAINS, ScopeRef(Level.DOMAIN, 999_999))


@pytest.fixture
def customer(cast: Cast) -> Customer:
    return cast.customer


@pytest.fixture
def domain(cast: Cast) -> Domain:
    return cast.domain
