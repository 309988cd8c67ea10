"""Administrators: made for a place, changed by who may, and gone when nothing is left of them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import AddressTaken, BadAddress, BadGrant, BadPassword, Forbidden, GrantExists, LastAdministrator
from accounts.models import ApiToken, AuditEvent, Grant, User
from accounts.permissions import Level, Right
from accounts.services.administrators import (
    NewPerson,
    create_administrator,
    delete_administrator,
    revoke_administrator,
    update_administrator,
)
from accounts.services.grants import Bundle, add_grant
from accounts.services.tokens import create_token
from archive.services.access import open_archive
from tests import factories
from tests.domains.factories import make_mailbox_in
from tests.stage import Cast

VIEWS = Bundle(rights=frozenset({Right.VIEW_USERS, Right.VIEW_DOMAINS}))


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


def test_a_new_administrator_belongs_to_where_they_administer(cast: Cast) -> None:
    actor = actor_of(cast.domain_administrator)
    new = NewPerson("New@Partner.example", "New", "de", factories.PASSWORD)
    user = create_administrator(actor, cast.domain, new, VIEWS).user
    assert (user.email, user.name, user.language, user.home_domain_id) == (
        "new@partner.example",
        "New",
        "de",
        cast.domain.pk,
    )
    assert user.check_password(factories.PASSWORD)
    update_administrator(actor, user, {"name": "Newer", "is_active": False})
    assert not User.objects.get(pk=user.pk).is_active
    invited = create_administrator(actor, cast.domain, NewPerson("other@partner.example"), VIEWS).user
    assert not invited.has_usable_password()


def test_an_existing_person_gets_the_rights_and_stays_as_they_are(cast: Cast) -> None:
    actor = actor_of(cast.domain_administrator)
    grant = create_administrator(actor, cast.domain, NewPerson("USER@example.org", "Renamed", "", "x" * 20), VIEWS)
    cast.user.refresh_from_db()
    assert grant.user == cast.user and cast.user.name != "Renamed"
    assert cast.user.check_password("x" * 20) is False
    with pytest.raises(GrantExists):
        create_administrator(actor, cast.domain, cast.user, VIEWS)


def test_nobody_gets_an_account_behind_an_address_of_others(cast: Cast) -> None:
    """Else its mailbox, made later by those whose address it is, would open to somebody else's password."""
    actor = actor_of(cast.domain_administrator)
    with pytest.raises(Forbidden):
        create_administrator(actor, cast.domain, NewPerson("chief@example.net", password=factories.PASSWORD), VIEWS)
    new = create_administrator(actor, cast.domain, NewPerson("chief@example.org"), VIEWS).user
    with pytest.raises(Forbidden):
        update_administrator(actor, new, {"email": "chief@example.net"})
    assert not User.objects.filter(email="chief@example.net").exists()


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (NewPerson("nonsense"), BadAddress),
        (NewPerson("a@partner.example", password="short"), BadPassword),
        (NewPerson("a@partner.example", name="x" * 201), BadGrant),
        (NewPerson("a@partner.example", language="xx"), BadGrant),
    ],
)
def test_what_is_no_account_is_refused_and_leaves_nothing(cast: Cast, new: NewPerson, error: type[Exception]) -> None:
    people = User.objects.count()
    with pytest.raises(error):
        create_administrator(Actor.system(), cast.domain, new, VIEWS)
    with pytest.raises(BadGrant):
        create_administrator(Actor.system(), cast.domain, NewPerson("b@partner.example"), Bundle())
    assert User.objects.count() == people


@pytest.mark.parametrize("role", ["user", "help_desk", "auditor", "sibling_administrator", "elsewhere_administrator"])
def test_others_make_nobody(cast: Cast, role: str) -> None:
    with pytest.raises(Forbidden):
        create_administrator(actor_of(getattr(cast, role)), cast.domain, NewPerson("a@partner.example"), VIEWS)
    assert not User.objects.filter(email="a@partner.example").exists()


@pytest.mark.parametrize(
    "changes",
    [{"name": "Hacked"}, {"password": factories.PASSWORD}, {"is_active": False}, {"email": "x@partner.example"}],
)
@pytest.mark.parametrize("target", ["customer_administrator", "administrator", "stranger", "auditor"])
def test_a_domains_administrator_changes_nobody_above_or_beside_them(
    cast: Cast, target: str, changes: dict[str, Any]
) -> None:
    """Also where the other one's mailbox lies in their domain."""
    other = getattr(cast, target)
    if target != "stranger":
        User.objects.filter(pk=other.pk).update(home_domain_id=cast.domain.pk, home_customer_id=cast.customer.pk)
    with pytest.raises(Forbidden):
        update_administrator(actor_of(cast.domain_administrator), User.objects.get(pk=other.pk), changes)


def test_an_address_that_is_a_mailbox_is_not_changed_here(cast: Cast) -> None:
    actor = actor_of(cast.domain_administrator)
    with pytest.raises(BadGrant):
        update_administrator(actor, cast.user, {"email": "other@partner.example"})
    new = create_administrator(actor, cast.domain, NewPerson("a@partner.example"), VIEWS).user
    with pytest.raises(AddressTaken):
        update_administrator(actor, new, {"email": "DOMAIN@delegates.example"})
    update_administrator(actor, new, {"email": "B@partner.example"})
    assert User.objects.get(pk=new.pk).email == "b@partner.example"


def test_a_changed_password_ends_sessions_and_leaves_no_trace_of_itself(cast: Cast, client_for) -> None:  # type: ignore[no-untyped-def]
    client = client_for(cast.user)
    assert client.get("/account/").status_code == 200
    update_administrator(actor_of(cast.domain_administrator), cast.user, {"password": "another long one"})
    assert client.get("/account/").status_code == 302
    assert "another long one" not in str(list(AuditEvent.objects.values("details", "changes")))


def test_who_is_left_without_rights_and_mailbox_goes(cast: Cast) -> None:
    actor = actor_of(cast.customer_administrator)
    new = create_administrator(actor, cast.domain, NewPerson("a@partner.example"), VIEWS).user
    add_grant(actor, new, cast.sibling, VIEWS)
    create_token(Actor.system(), new, name="x")
    assert not revoke_administrator(actor, new, cast.domain)
    assert revoke_administrator(actor, new, cast.sibling)
    assert not User.objects.filter(email="a@partner.example").exists() and not ApiToken.objects.exists()


def test_who_has_a_mailbox_or_is_system_administrator_stays(cast: Cast) -> None:
    for user in (cast.user, cast.administrator):
        add_grant(Actor.system(), user, cast.domain, VIEWS)
        assert not revoke_administrator(Actor.system(), user, cast.domain)
        assert User.objects.filter(pk=user.pk).exists() and not Grant.objects.filter(user=user).exists()


def test_giving_up_ones_own_rights_keeps_the_account(cast: Cast) -> None:
    assert not revoke_administrator(actor_of(cast.domain_administrator), cast.domain_administrator, cast.domain)
    assert User.objects.filter(pk=cast.domain_administrator.pk).exists()


def test_deleting_an_administrator_takes_all_or_nothing(cast: Cast) -> None:
    add_grant(Actor.system(), cast.domain_administrator, cast.elsewhere, VIEWS)
    with pytest.raises(Forbidden):
        delete_administrator(actor_of(cast.customer_administrator), cast.domain_administrator)
    assert Grant.objects.filter(user=cast.domain_administrator).count() == 2
    assert delete_administrator(actor_of(cast.administrator), cast.domain_administrator)
    for user in (cast.customer_administrator, cast.administrator):
        with pytest.raises(Forbidden):
            delete_administrator(actor_of(user), user)  # oneself
    with pytest.raises(Forbidden):
        delete_administrator(actor_of(cast.customer_administrator), cast.administrator)


def test_the_last_system_administrator_is_not_deleted(cast: Cast) -> None:
    with pytest.raises(LastAdministrator):
        delete_administrator(Actor.console(), cast.administrator)
    other = factories.make_administrator()
    assert delete_administrator(actor_of(other), cast.administrator)


def test_who_is_named_by_evidence_stays_as_a_name(cast: Cast) -> None:
    """That they opened somebody's archive stays to be read by its owner."""
    open_archive(actor_of(cast.auditor), address="user@example.org", reason="asked to look")
    assert not delete_administrator(Actor.system(), cast.auditor)
    cast.auditor.refresh_from_db()
    assert not cast.auditor.is_active and not cast.auditor.has_usable_password()
    assert cast.auditor.name == "auditor@delegates.example"


def test_an_owned_address_can_be_given_by_who_manages_people_there(cast: Cast) -> None:
    mailbox = make_mailbox_in(cast.domain)
    assert mailbox.user is not None
    grant = create_administrator(actor_of(cast.domain_administrator), cast.domain, mailbox.user, VIEWS)
    assert grant.level == Level.DOMAIN
