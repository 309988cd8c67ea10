"""What a source's groups gave ends with the source's word, and with the place that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.models import Grant, GroupRole, Identity, Role, Session, Source, SourceChoice, User
from accounts.scopes import SERVER
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role, apply_groups
from accounts.services.sources import choose_source, release_identity, update_source
from domains.models import Customer, Domain, Status
from domains.services import domain_purging, domain_states
from domains.services.customers import delete_customer
from domains.services.moving import move_domain
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.sources import MakeSource

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
PROVIDER: dict[str, Any] = {"issuer": "https://provider.example", "client_id": "c"}


def helper_by_group(source: Source, domain: Domain, role: Role | None = None) -> User:
    """Somebody whose group there gives them a role on the domain."""
    user = make_mailbox_in(domain).user
    assert user is not None
    bundle = Bundle(role=role) if role else Bundle("help_desk")
    if not source.group_roles.filter(level="domain", object_id=domain.pk).exists():
        add_group_role(SYSTEM, source, group=f"helpers of {domain}", bundle=bundle, obj=domain)
    apply_groups(source, user, [f"helpers of {domain}"])
    assert Grant.objects.get(user=user).source == source
    return user


def own_role(place: Customer | Domain, level: str) -> Role:
    return Role.objects.create(name="Helpers", rights=["view_users"], level=level, object_id=place.pk)


WAYS: dict[str, Callable[[Source, Source, Domain], object]] = {
    "another": lambda _old, new, domain: choose_source(SYSTEM, domain, new),
    "passwords kept here": lambda _old, _new, domain: choose_source(SYSTEM, domain, None),
    "another above": lambda _old, new, _domain: choose_source(SYSTEM, SERVER, new),
    "switched off": lambda old, _new, _domain: update_source(SYSTEM, old, {"is_enabled": False}),
}


@pytest.mark.parametrize("way", WAYS)
def test_roles_of_groups_go_when_their_source_is_not_heard_any_more(way: str, make_source: MakeSource) -> None:
    old = make_source("oidc", PROVIDER)
    new = make_source("oidc", PROVIDER, name="New", chosen=False)
    domain, other = make_domain("example.org"), make_domain("example.net")
    choose_source(SYSTEM, other, old)
    user, elsewhere = helper_by_group(old, domain), helper_by_group(old, other)
    by_hand = make_mailbox_in(domain).user
    assert by_hand is not None
    Grant.objects.create(user=by_hand, role_key="help_desk", level="domain", object_id=domain.pk)
    Session.objects.create(user=user, key_hash="x", data="", expires_at="2100-01-01T00:00Z")
    WAYS[way](old, new, domain)
    assert not Grant.objects.filter(user=user).exists() and not Session.objects.filter(user=user).exists()
    assert Grant.objects.filter(user=by_hand).exists()
    assert Grant.objects.filter(user=elsewhere).exists() == (way != "switched off")


def session_of(user: User, how: str) -> Session:
    key = f"{user.pk} {how}"
    return Session.objects.create(user=user, how=how, key_hash=key, data="", expires_at="2100-01-01T00:00Z")


@pytest.mark.parametrize("way", WAYS)
def test_sessions_go_with_the_source_whose_word_began_them(way: str, make_source: MakeSource) -> None:
    """Also of people without a role: whoever took a provider over must not stay in as everybody."""
    old = make_source("oidc", PROVIDER)
    new = make_source("oidc", PROVIDER, name="New", chosen=False)
    domain, other = make_domain("example.org"), make_domain("example.net")
    choose_source(SYSTEM, other, old)
    people = [make_mailbox_in(each).user for each in (domain, other)]
    for user in people:
        assert user is not None
        Identity.objects.create(source=old, user=user, subject=f"i {user.pk}")
        session_of(user, "oidc")
        session_of(user, "passkey")
    WAYS[way](old, new, domain)
    left = set(Session.objects.values_list("user", "how"))
    here, elsewhere = (user.pk for user in people if user is not None)
    stays = set() if way == "switched off" else {(elsewhere, "oidc")}
    assert left == {(here, "passkey"), (elsewhere, "passkey")} | stays


def test_who_is_released_is_out(make_source: MakeSource) -> None:
    """Whoever was in as them by an account there that somebody else has by now."""
    source = make_source("oidc", PROVIDER)
    user = make_mailbox_in(make_domain("example.org")).user
    assert user is not None
    Identity.objects.create(source=source, user=user, subject="i s")
    session_of(user, "oidc")
    session_of(user, "password")
    assert release_identity(SYSTEM, source, user)
    assert list(Session.objects.values_list("how", flat=True)) == ["password"]


def test_a_domain_that_goes_to_another_customer_leaves_the_roles_of_the_old_one_s_source(
    make_source: MakeSource,
) -> None:
    customer = make_customer()
    domain = make_domain("example.org", customer)
    user = helper_by_group(make_source("oidc", PROVIDER, customer), domain)
    move_domain(SYSTEM, domain, make_customer())
    assert not Grant.objects.filter(user=user).exists()


def test_a_purged_domain_takes_its_source_its_groups_and_its_roles_along(make_source: MakeSource) -> None:
    customer = make_customer()
    domain = make_domain("example.org", customer)
    above = make_source("oidc", PROVIDER, customer)
    add_group_role(SYSTEM, above, group="bosses", bundle=Bundle("help_desk"), obj=domain)
    own = make_source("oidc", PROVIDER, domain)
    role = own_role(domain, "domain")
    user = helper_by_group(own, domain, role)
    Identity.objects.create(source=own, user=user, subject="s")
    Grant.objects.create(user=user, role=role, level="user", object_id=user.pk)  # on one person, by the same role
    domain_states.delete_domain(SYSTEM, domain)
    removed = domain_purging.purge_domain(Actor.console(), domain)
    assert dict(removed.rest)["source"] == 1
    domain.refresh_from_db()
    assert domain.status == Status.PURGED
    assert list(Source.objects.all()) == [above] and [each.scope for each in SourceChoice.objects.all()] == [
        above.scope
    ]
    assert not Identity.objects.exists() and not Grant.objects.exists() and not Role.objects.exists()
    assert not GroupRole.objects.exists()


def test_a_customer_that_is_deleted_takes_its_source_and_roles_along(make_source: MakeSource) -> None:
    customer = make_customer()
    source, role = make_source("oidc", PROVIDER, customer), own_role(customer, "customer")
    add_group_role(SYSTEM, source, group="bosses", bundle=Bundle(role=role), obj=customer)
    delete_customer(SYSTEM, customer)
    assert not Source.objects.exists() and not SourceChoice.objects.exists() and not Role.objects.exists()
