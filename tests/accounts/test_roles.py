"""Own roles: made and changed by who holds all of it, deleted when nobody holds them."""

from __future__ import annotations

import pytest
from django.http import Http404

from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, NameTaken, RoleInUse
from accounts.models import Grant, Role, User
from accounts.permissions import Right
from accounts.scopes import SERVER
from accounts.selectors.administrators import get_role, list_holders, list_role_choices
from accounts.services.grants import Bundle, add_grant
from accounts.services.roles import change_role, create_role, delete_role
from config.kit.versions import ChangedMeanwhile
from tests import factories
from tests.stage import Cast

VIEWS = ["view_users", "view_domains"]


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


def test_a_role_is_made_given_changed_and_its_holders_follow(cast: Cast) -> None:
    actor = actor_of(cast.domain_administrator)
    role = create_role(actor, cast.domain, name=" Front  desk ", rights=VIEWS)
    assert role.name == "Front desk" and role.scopes()[-1].id == cast.customer.pk
    person = cast.user
    add_grant(actor, person, cast.domain, Bundle(role=role))
    assert actor_of(person).rights_on(cast.domain) == {Right.VIEW_USERS, Right.VIEW_DOMAINS}
    change_role(actor, role, {"rights": ["view_users", "set_passwords"]})
    assert actor_of(person).rights_on(cast.domain) == {Right.VIEW_USERS, Right.SET_PASSWORDS}
    assert [grant.user for grant in list_holders(actor, role)] == [person]
    with pytest.raises(RoleInUse) as refused:
        delete_role(actor, role)
    assert refused.value.holders == [person.email]
    Grant.objects.all().filter(user=person).delete()
    delete_role(actor, role)
    assert not Role.objects.exists()


def test_nobody_makes_or_changes_a_role_beyond_what_they_hold(cast: Cast) -> None:
    actor = actor_of(cast.domain_administrator)
    for obj, rights in ((cast.domain, ["read_others_mail"]), (cast.sibling, VIEWS), (SERVER, VIEWS)):
        with pytest.raises(Forbidden):
            create_role(actor, obj, name="More", rights=rights)
    theirs = create_role(Actor.system(), cast.domain, name="Readers", rights=["read_others_mail"])
    for attempt in (
        lambda: change_role(actor, theirs, {"rights": VIEWS}),
        lambda: change_role(actor, theirs, {"name": "Mine"}),
        lambda: delete_role(actor, theirs),
    ):
        with pytest.raises(Forbidden):
            attempt()
    mine = create_role(actor, cast.domain, name="Desk", rights=VIEWS)
    with pytest.raises(Forbidden):
        change_role(actor, mine, {"rights": [*VIEWS, "read_others_mail"]})
    with pytest.raises(Forbidden):
        change_role(actor.acting_as(cast.user, "asked to"), mine, {"name": "x"})
    for user in (cast.help_desk, cast.auditor, cast.user, cast.elsewhere_administrator):
        with pytest.raises(Forbidden):
            create_role(actor_of(user), cast.domain, name="More", rights=VIEWS)


@pytest.mark.parametrize(
    ("name", "rights", "field"),
    [
        ("", VIEWS, "name"),
        ("x" * 101, VIEWS, "name"),
        ("help DESK", VIEWS, "name"),
        ("Desk", [], "rights"),
        ("Desk", ["view_customers"], "rights"),
        ("Desk", ["no_such"], "permissions"),
    ],
)
def test_what_is_no_role_is_refused(cast: Cast, name: str, rights: list[str], field: str) -> None:
    with pytest.raises(BadGrant) as refused:
        create_role(Actor.system(), cast.domain, name=name, rights=rights)
    assert refused.value.field == field and not Role.objects.exists()


def test_names_are_unique_where_they_are_made(cast: Cast) -> None:
    create_role(Actor.system(), cast.domain, name="Desk", rights=VIEWS)
    other = create_role(Actor.system(), cast.sibling, name="Desk", rights=VIEWS)
    with pytest.raises(NameTaken):
        create_role(Actor.system(), cast.domain, name="Desk", rights=VIEWS)
    create_role(Actor.system(), cast.sibling, name="Counter", rights=VIEWS)
    with pytest.raises(NameTaken):
        change_role(Actor.system(), other, {"name": "Counter"})


def test_of_two_who_change_a_role_the_second_is_told(cast: Cast) -> None:
    role = create_role(Actor.system(), cast.domain, name="Desk", rights=VIEWS)
    seen = role.version
    change_role(Actor.system(), role, {"description": "first"}, expected=seen)
    with pytest.raises(ChangedMeanwhile):
        change_role(Actor.system(), role, {"description": "second"}, expected=seen)


def test_roles_are_seen_and_given_where_they_were_made_and_below(cast: Cast) -> None:
    of_customer = create_role(Actor.system(), cast.customer, name="Desk", rights=VIEWS)
    of_elsewhere = create_role(Actor.system(), cast.elsewhere, name="Desk", rights=VIEWS)
    actor = actor_of(cast.customer_administrator)
    assert get_role(actor, of_customer.pk) == of_customer
    with pytest.raises(Http404):
        get_role(actor, of_elsewhere.pk)
    for obj, seen in ((cast.domain, True), (cast.customer, True), (cast.elsewhere, False)):
        values = [choice.value for choice in list_role_choices(Actor.system(), obj)]
        assert (f"own:{of_customer.pk}" in values) == seen
    with pytest.raises(BadGrant):
        add_grant(Actor.system(), factories.make_user(), cast.domain, Bundle(role=of_elsewhere))
