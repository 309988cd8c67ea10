"""Access tokens: narrowed, shown once, never wider than their person, gone with them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, NameTaken
from accounts.models import ApiToken, AuditEvent, Grant, User
from accounts.permissions import EndUserRight, Right
from accounts.scopes import SERVER
from accounts.selectors import get_token, list_tokens
from accounts.services.options import set_option
from accounts.services.tokens import create_token, revoke_all_tokens, revoke_token
from accounts.tokens import actor_for_token
from domains.models import Domain
from tests.stage import Cast


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


def entered(value: str) -> Actor:
    actor = actor_for_token(value, address="192.0.2.1")
    assert actor is not None
    return actor


def test_a_token_stands_for_its_person_narrowed_to_what_it_says(cast: Cast) -> None:
    person = cast.domain_administrator
    made = create_token(actor_of(person), person, name=" Nightly  sync ", rights=["view_users"], read_only=True)
    assert made.token.name == "Nightly sync" and made.value not in str(list(AuditEvent.objects.values()))
    actor = entered(made.value)
    assert actor.user == person and actor.via == "api" and actor.read_only
    assert actor.has(Right.VIEW_USERS, cast.domain) and not actor.has(Right.VIEW_DOMAINS, cast.domain)
    assert not ApiToken.objects.filter(token_hash=made.value).exists()


def test_a_token_never_acts_as_others_or_opens_their_mail(cast: Cast) -> None:
    made = create_token(actor_of(cast.administrator), cast.administrator, name="all")
    for right in (Right.ACT_AS, Right.READ_OTHERS_MAIL):
        assert not entered(made.value).has(right)
    named = create_token(actor_of(cast.auditor), cast.auditor, name="a", rights=["read_others_mail", "view_users"])
    assert named.token.rights == ["view_users"]


def test_a_token_loses_what_its_person_loses(cast: Cast) -> None:
    value = create_token(actor_of(cast.domain_administrator), cast.domain_administrator, name="x").value
    assert entered(value).has(Right.VIEW_USERS, cast.domain)
    Grant.objects.filter(user=cast.domain_administrator).delete()
    assert not entered(value).has(Right.VIEW_USERS, cast.domain)
    User.objects.filter(pk=cast.domain_administrator.pk).update(is_active=False)
    assert actor_for_token(value, address="") is None


def test_a_suspended_domain_shuts_its_peoples_tokens(cast: Cast) -> None:
    value = create_token(actor_of(cast.user), cast.user, name="x").value
    assert actor_for_token(value, address="") is not None
    Domain.objects.filter(pk=cast.domain.pk).update(end_user_rights=[EndUserRight.SEARCH_ARCHIVE])
    assert actor_for_token(value, address="") is None
    kept = create_token(Actor.system(), cast.domain_administrator, name="x").value
    assert actor_for_token(kept, address="") is not None


def test_the_last_use_is_noted_once_a_minute(cast: Cast) -> None:
    value = create_token(actor_of(cast.user), cast.user, name="x").value
    entered(value)
    with CaptureQueriesContext(connection) as queries:
        entered(value)
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    entered(value)
    token = ApiToken.objects.get()
    assert token.last_used_at is not None and token.last_used_at > timezone.now() - timedelta(minutes=1)


def test_it_expires_and_the_option_bounds_its_life(cast: Cast) -> None:
    actor = actor_of(cast.user)
    with pytest.raises(BadGrant):
        create_token(actor, cast.user, name="x", expires_at=timezone.now())
    set_option(Actor.system(), cast.domain, "TOKEN_DAYS", 7)
    bounded = create_token(actor, cast.user, name="x").token
    assert bounded.expires_at is not None and bounded.expires_at < timezone.now() + timedelta(days=7, minutes=1)
    sooner = timezone.now() + timedelta(days=1)
    made = create_token(actor, cast.user, name="y", expires_at=sooner)
    assert made.token.expires_at == sooner
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert actor_for_token(made.value, address="") is None


def test_a_persons_tokens_have_different_names(cast: Cast) -> None:
    create_token(actor_of(cast.user), cast.user, name="x")
    with pytest.raises(NameTaken):
        create_token(actor_of(cast.user), cast.user, name=" x ")
    create_token(actor_of(cast.stranger), cast.stranger, name="x")
    for name in ("", "  ", "x" * 101, "\0"):
        with pytest.raises(BadGrant):
            create_token(actor_of(cast.user), cast.user, name=name)
    with pytest.raises(BadGrant):
        create_token(actor_of(cast.user), cast.user, name="z", rights=["no_such"])


def test_people_make_their_own_and_who_runs_the_server_those_of_others(cast: Cast) -> None:
    for user in (cast.domain_administrator, cast.customer_administrator, cast.help_desk, cast.stranger):
        with pytest.raises(Forbidden):
            create_token(actor_of(user), cast.user, name="x")
    create_token(actor_of(cast.administrator), cast.user, name="x")
    runs_it = Actor.for_user(cast.help_desk)
    Grant.objects.create(user=cast.help_desk, level="server", object_id=0, rights=["manage_server"])
    create_token(runs_it, cast.stranger, name="x")
    for more in (cast.administrator, cast.domain_administrator):  # who hold what they don't
        with pytest.raises(Forbidden):
            create_token(runs_it, more, name="x")
    set_option(Actor.system(), SERVER, "TOKEN_DAYS", 0)
    Domain.objects.filter(pk=cast.domain.pk).update(end_user_rights=[EndUserRight.SIGN_IN])
    with pytest.raises(Forbidden):
        create_token(actor_of(cast.user), cast.user, name="y")


def test_nobody_makes_one_in_somebodys_place_or_through_a_temporary_link(cast: Cast) -> None:
    acting = actor_of(cast.administrator).acting_as(cast.user, "asked to")
    for actor in (acting, actor_of(cast.user).restricted([])):
        with pytest.raises(Forbidden):
            create_token(actor, cast.user, name="x")
    token = create_token(actor_of(cast.user), cast.user, name="x").token
    for actor in (acting, actor_of(cast.user).restricted([])):
        with pytest.raises(Forbidden):
            revoke_token(actor, token)
    assert not list_tokens(acting).exists()


def test_a_program_makes_none_that_outdoes_its_own(cast: Cast) -> None:
    person, soon = cast.customer_administrator, timezone.now() + timedelta(days=1)
    narrow = create_token(
        actor_of(person), person, name="narrow", rights=["view_users", "view_domains"], expires_at=soon
    )
    actor = entered(narrow.value)
    for wider in ({}, {"rights": ["manage_users"], "expires_at": soon}, {"rights": ["view_users"]}):
        with pytest.raises(Forbidden):
            create_token(actor, person, name="wider", **wider)
    create_token(actor, person, name="same", rights=["view_users"], expires_at=soon)
    reading = create_token(actor_of(person), person, name="reading", read_only=True)
    with pytest.raises(Forbidden):
        create_token(entered(reading.value), person, name="writing")
    revoke_token(actor_of(person), narrow.token)
    with pytest.raises(Forbidden):
        create_token(actor, person, name="late", rights=["view_users"], expires_at=soon)


def test_who_manages_an_account_lists_and_revokes_its_tokens(cast: Cast) -> None:
    token = create_token(actor_of(cast.user), cast.user, name="x").token
    manager = actor_of(cast.domain_administrator)
    assert list(list_tokens(manager, cast.user)) == [token] == list(list_tokens(actor_of(cast.user)))
    for user in (cast.help_desk, cast.auditor, cast.stranger, cast.elsewhere_administrator):
        with pytest.raises(Forbidden):
            list_tokens(actor_of(user), cast.user)
        with pytest.raises(Forbidden):
            revoke_token(actor_of(user), token)
    theirs = create_token(actor_of(cast.customer_administrator), cast.customer_administrator, name="x").token
    User.objects.filter(pk=cast.customer_administrator.pk).update(home_domain_id=cast.domain.pk)
    with pytest.raises(Forbidden):
        revoke_token(manager, ApiToken.objects.get(pk=theirs.pk))
    with pytest.raises(Http404):
        get_token(manager, cast.user, theirs.pk)
    revoke_token(manager, token)
    revoke_token(manager, token)
    assert AuditEvent.objects.filter(action="token.revoke").count() == 1
    assert revoke_all_tokens(actor_of(cast.customer_administrator), cast.customer_administrator) == 1
