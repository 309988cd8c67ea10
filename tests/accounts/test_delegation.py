"""Ways to get more than one was given that were found open once: each stays shut."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts import links, services
from accounts.actors import Actor
from accounts.errors import BadLink, Forbidden
from accounts.models import ApiToken, AuditEvent, Grant, OneTimeLink, User
from accounts.permissions import Right
from accounts.services.administrators import (
    NewPerson,
    create_administrator,
    delete_administrator,
    revoke_administrator,
    update_administrator,
)
from accounts.services.grants import Bundle, add_grant
from accounts.services.sign_in_links import issue_sign_in_link
from accounts.services.tokens import create_token
from accounts.tokens import actor_for_token
from tests import factories
from tests.api.callers import Caller
from tests.stage import Cast

ClientFor = Callable[[User | None], Client]
VIEWS = Bundle(rights=frozenset({Right.VIEW_USERS, Right.VIEW_DOMAINS}))
ANOTHER = "battery staple horse"


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


def by_token(user: User, *rights: Right) -> Actor:
    """A program with a token narrowed to these rights; without any: with all that its person has."""
    made = create_token(actor_of(user), user, name=f"token {ApiToken.objects.count()}", rights=rights or None)
    actor = actor_for_token(made.value, address="192.0.2.1")
    assert actor is not None
    return actor


# --- a program is less than its person ------------------------------------------------------------------------------


def test_a_narrow_token_of_a_system_administrator_resets_nobody_who_holds_more_than_it(cast: Cast) -> None:
    actor = by_token(cast.administrator, Right.SET_PASSWORDS, Right.MANAGE_USERS, Right.VIEW_GRANTS)
    chief = factories.make_administrator("second@example.org")
    for person in (cast.administrator, chief, cast.domain_administrator, cast.customer_administrator):
        for attempt in (
            lambda person=person: services.set_password(actor, person, password=ANOTHER),
            lambda person=person: services.issue_reset_link(actor, person),
            lambda person=person: update_administrator(actor, person, {"email": "thief@evil.example"}),
            lambda person=person: update_administrator(actor, person, {"password": ANOTHER}),
            lambda person=person: services.disable_user(actor, person),
        ):
            with pytest.raises(Forbidden):
                attempt()
    services.set_password(actor, cast.user, password=ANOTHER)  # who holds nothing is still its to help


def test_no_token_touches_a_system_administrator(cast: Cast) -> None:
    """What is signed in with a password may become anything; a program never may."""
    actor = by_token(cast.administrator)
    chief = factories.make_administrator("second@example.org")
    for person in (cast.administrator, chief):
        with pytest.raises(Forbidden):
            services.issue_reset_link(actor, person)
        with pytest.raises(Forbidden):
            update_administrator(actor, person, {"password": ANOTHER})
    services.set_password(actor, cast.domain_administrator, password=ANOTHER)


def test_a_program_doesn_t_choose_its_own_person_s_password(cast: Cast) -> None:
    person = cast.domain_administrator
    Grant.objects.filter(user=person).update(role_key="", rights=["view_users", "set_passwords", "manage_users"])
    person.home_domain_id = cast.domain.pk
    person.save()
    for actor in (by_token(person), by_token(person, Right.SET_PASSWORDS, Right.VIEW_USERS, Right.MANAGE_USERS)):
        for attempt in (
            lambda actor=actor: services.set_password(actor, person, password=ANOTHER),
            lambda actor=actor: services.issue_reset_link(actor, person),
            lambda actor=actor: update_administrator(actor, person, {"password": ANOTHER}),
            lambda actor=actor: update_administrator(actor, person, {"email": "mine@evil.example"}),
        ):
            with pytest.raises(Forbidden):
                attempt()


def test_a_reading_token_writes_nothing_by_any_service_of_people(cast: Cast) -> None:
    made = create_token(actor_of(cast.domain_administrator), cast.domain_administrator, name="r", read_only=True)
    actor = actor_for_token(made.value, address="")
    assert actor is not None
    before = AuditEvent.objects.count()
    for attempt in (
        lambda: services.set_password(actor, cast.user, password=ANOTHER),
        lambda: services.issue_reset_link(actor, cast.user),
        lambda: services.disable_user(actor, cast.user),
        lambda: services.enable_user(actor, cast.user),
        lambda: services.set_preferences(actor, name="Other"),
        lambda: services.create_user(actor, email="x@example.org", home_domain_id=cast.domain.pk),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert AuditEvent.objects.count() == before


# --- people of others -----------------------------------------------------------------------------------------------


def test_nobody_makes_an_administrator_of_somebody_they_don_t_see(cast: Cast) -> None:
    """Whoever holds something isn't their own help desk's to help any more: a stranger could shut them out so."""
    actor = actor_of(cast.domain_administrator)
    outsider = factories.make_user("outsider@partner.example")  # belongs nowhere, holds nothing
    for who in (cast.stranger, NewPerson(cast.stranger.email), outsider, NewPerson(outsider.email)):
        with pytest.raises(Forbidden):
            create_administrator(actor, cast.domain, who, VIEWS)
    with pytest.raises(Forbidden):
        add_grant(actor, cast.stranger, cast.domain, VIEWS)
    assert not Grant.objects.filter(user__in=(cast.stranger, outsider)).exists()
    help_desk = actor_of(cast.elsewhere_administrator)
    services.issue_reset_link(help_desk, cast.stranger)


def test_a_foreign_address_of_ours_is_refused_alike_whether_somebody_has_it(cast: Cast, client_for: ClientFor) -> None:
    caller = Caller(create_token(actor_of(cast.domain_administrator), cast.domain_administrator, name="c").value)
    path = f"/domains/{cast.domain.pk}/admins"
    answers = [
        caller.post(path, {"email": email, "permissions": ["view_domains"]})
        for email in (cast.stranger.email, "nobody@example.net")
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    said = [{k: v for k, v in answer.json().items() if k != "requestId"} for answer in answers]
    assert said[0] == said[1]
    client = client_for(cast.domain_administrator)
    url = reverse("accounts:grant-add", args=["domain", cast.domain.pk])
    sent = {"role": "built-in:auditor", "rights": []}
    pages = [client.post(url, {**sent, "email": email}) for email in (cast.stranger.email, "nobody@example.net")]
    assert pages[0].status_code == pages[1].status_code
    assert cast.stranger.display_name.encode() not in pages[0].content.replace(cast.stranger.email.encode(), b"")


def test_who_sees_a_person_or_has_them_as_administrator_gives_them_more(cast: Cast) -> None:
    actor = actor_of(cast.customer_administrator)
    create_administrator(actor, cast.sibling, cast.user, VIEWS)
    create_administrator(actor, cast.sibling, NewPerson(cast.auditor.email), VIEWS)  # of `domain` already
    assert Grant.objects.filter(object_id=cast.sibling.pk, user__in=(cast.user, cast.auditor)).count() == 2


def test_taking_rights_removes_no_account_that_isn_t_the_actors(cast: Cast) -> None:
    actor = actor_of(cast.domain_administrator)
    consultant = factories.make_user("consultant@partner.example")
    create_administrator(actor_of(cast.administrator), cast.domain, consultant, VIEWS)
    assert revoke_administrator(actor, consultant, cast.domain) is False
    create_administrator(actor_of(cast.administrator), cast.domain, consultant, VIEWS)
    assert delete_administrator(actor, consultant) is False
    assert User.objects.filter(pk=consultant.pk).exists()


def test_a_role_held_elsewhere_isn_t_found_by_searching_for_it(cast: Cast, client_for: ClientFor) -> None:
    add_grant(Actor.system(), cast.auditor, cast.elsewhere_customer, Bundle(role_key="customer_administrator"))
    chief = factories.make_administrator("chief@example.org")
    add_grant(Actor.system(), chief, cast.domain, VIEWS)
    client = client_for(cast.domain_administrator)

    def found(query: str) -> str:
        return client.get(reverse("accounts:administrator-list"), {"q": query}).content.decode()

    assert cast.auditor.email in found("role:auditor")
    assert cast.auditor.email not in found("role:customer_administrator")
    assert chief.email not in found("role:system_administrator")
    assert ">System administrator<" not in found("")
    client.force_login(cast.administrator)
    assert cast.auditor.email in found("role:customer_administrator")
    assert chief.email in found("role:system_administrator")


def test_what_a_person_was_given_elsewhere_is_in_nobody_s_history_of_them(cast: Cast, client_for: ClientFor) -> None:
    add_grant(Actor.system(), cast.user, cast.elsewhere, VIEWS)
    Grant.objects.filter(user=cast.auditor).update(
        role_key="", rights=["view_audit", "view_users", "view_domains", "view_grants"]
    )
    client = client_for(cast.auditor)
    mailbox = cast.user.mailbox
    for url in (
        reverse("domains:user-history", args=[mailbox.pk]),
        reverse("accounts:user-detail", args=[cast.user.pk]),
        reverse("accounts:scope-history", args=["user", cast.user.pk]),
        reverse("accounts:scope-history", args=["user", cast.user.pk]) + "?format=csv",
        reverse("accounts:event-list"),
    ):
        answer = client.get(url)
        text = (b"".join(answer) if answer.streaming else answer.content).decode()
        assert answer.status_code == 200, url
        assert cast.elsewhere.name not in text, url


# --- links ----------------------------------------------------------------------------------------------------------


def test_a_new_address_or_password_ends_the_links_that_were_sent_before(cast: Cast) -> None:
    actor = actor_of(cast.administrator)
    person = factories.make_user("consultant@partner.example")
    add_grant(actor, person, cast.domain, VIEWS)
    for changes in ({"email": "new@partner.example"}, {"password": ANOTHER}):
        url = services.issue_reset_link(actor, person)
        update_administrator(actor, person, changes)
        with pytest.raises(BadLink):
            links.find(url.rstrip("/").rpartition("/")[2])


def test_a_link_that_signs_in_sets_no_password(cast: Cast) -> None:
    url, link = issue_sign_in_link(actor_of(cast.domain_administrator), cast.user)
    with pytest.raises(BadLink):
        services.accept_link(link, password=ANOTHER)
    cast.user.refresh_from_db()
    assert not cast.user.check_password(ANOTHER)
    assert OneTimeLink.objects.get(pk=link.pk).used_at is None and url


def test_a_link_made_before_somebody_was_shut_out_of_their_domain_lets_nobody_in(
    cast: Cast, client_for: ClientFor
) -> None:
    url = services.issue_reset_link(actor_of(cast.domain_administrator), cast.user)
    type(cast.domain).objects.filter(pk=cast.domain.pk).update(status="disabled")
    client = client_for(None)
    client.post(url[url.index("/link/") :], {"password": ANOTHER, "again": ANOTHER})
    assert client.get(reverse("accounts:account")).status_code == 302


# --- signing in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["foo", "accounts:account", "//evil.example", "https:evil.example", "\\x", "/a\nb"])
def test_whatever_is_asked_for_as_the_next_page_one_comes_in(cast: Cast, client_for: ClientFor, wanted: str) -> None:
    sent = {"email": cast.administrator.email, "password": factories.PASSWORD, "next": wanted}
    answer = client_for(None).post(reverse("accounts:sign-in"), sent)
    assert answer.status_code == 303
    assert answer["Location"].startswith("/") and not answer["Location"].startswith(("//", "/\\"))
    by_htmx = client_for(None).post(reverse("accounts:sign-in"), sent, headers={"HX-Request": "true"})
    assert by_htmx["HX-Redirect"] == answer["Location"]
