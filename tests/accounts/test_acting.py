"""Acting as somebody and temporary sign-in: narrow, short, with a trace that the person sees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import factors, links
from accounts.actors import Actor
from accounts.errors import BadGrant, BadLink, Forbidden
from accounts.models import AuditEvent, Grant, OneTimeLink, User
from accounts.permissions import Right
from accounts.services.acting import start_acting
from accounts.services.grants import Bundle, add_grant
from accounts.services.passwords import issue_reset_link
from accounts.services.sign_in_links import accept_sign_in_link, is_suitable, issue_sign_in_link
from tests import factories
from tests.stage import Cast


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


def token_of(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[1]


# --- acting as somebody ------------------------------------------------------------------------------------------


def test_who_may_act_as_whom(cast: Cast) -> None:
    for user in (cast.domain_administrator, cast.customer_administrator, cast.administrator):
        assert start_acting(actor_of(user), cast.user, reason="wants help") > timezone.now()
    for user, other in (
        (cast.domain_administrator, cast.stranger),
        (cast.domain_administrator, cast.auditor),
        (cast.administrator, cast.domain_administrator),
        (cast.administrator, factories.make_administrator()),
        (cast.administrator, cast.administrator),
        (cast.help_desk, cast.user),
        (cast.user, cast.stranger),
    ):
        with pytest.raises(Forbidden):
            start_acting(actor_of(user), other, reason="wants help")


def test_it_takes_a_reason_that_the_person_reads(cast: Cast) -> None:
    for reason in ("", "    a ", "x" * 501):
        with pytest.raises(BadGrant):
            start_acting(actor_of(cast.administrator), cast.user, reason=reason)
    start_acting(actor_of(cast.administrator), cast.user, reason=" wants  help ")
    event = AuditEvent.objects.get(action="user.act_as")
    assert (event.reason, event.about_user_id, event.actor) == ("wants help", cast.user.pk, cast.administrator)


def test_not_through_a_token_nor_from_within(cast: Cast) -> None:
    boss = actor_of(cast.administrator)
    for actor in (boss.restricted(None), boss.acting_as(cast.user, "asked to")):
        with pytest.raises(Forbidden):
            start_acting(actor, cast.stranger, reason="wants help")


@pytest.fixture
def acting(cast: Cast, client_for: Any) -> Client:
    """A browser in which the domain's administrator acts as the user."""
    client: Client = client_for(cast.domain_administrator)
    page = reverse("accounts:act-as", args=[cast.user.pk])
    assert client.post(page, {"reason": "wants help"}).status_code == 303
    return client


def test_the_pages_are_the_persons_and_say_so(cast: Cast, acting: Client) -> None:
    page = acting.get(reverse("accounts:account")).content.decode()
    assert "user@example.org" in page and "You act as" in page and reverse("accounts:act-as-end") in page
    assert acting.get(reverse("accounts:user-list")).status_code == 403
    assert acting.get(reverse("accounts:change-password")).status_code in (200, 403)
    bad = acting.post(
        reverse("accounts:change-password"), {"old": factories.PASSWORD, "password": "one two three four"}
    )
    assert bad.status_code == 403
    assert acting.get(reverse("archive:search")).status_code in (200, 403)
    saved = acting.post(reverse("accounts:account"), {"name": "Helped", "language": "", "theme": "system"})
    assert saved.status_code == 303
    event = AuditEvent.objects.get(action="user.set_preferences")
    assert event.actor == cast.domain_administrator and event.reason == "wants help"
    assert event.actor_label == "domain@delegates.example as user@example.org"


def test_it_ends_by_the_button(cast: Cast, acting: Client) -> None:
    assert acting.post(reverse("accounts:act-as-end")).status_code == 303
    assert acting.get(reverse("accounts:user-list")).status_code == 200
    assert AuditEvent.objects.filter(action="user.act_as_end", about_user_id=cast.user.pk).exists()


@pytest.mark.parametrize("why", ["time", "right", "grant", "gone"])
def test_it_ends_by_itself(cast: Cast, acting: Client, why: str) -> None:
    if why == "time":
        session = acting.session
        session["acting_as"] = {**session["acting_as"], "until": (timezone.now() - timedelta(seconds=1)).timestamp()}
        session.save()
    elif why == "right":
        Grant.objects.filter(user=cast.domain_administrator).update(role_key="help_desk")
    elif why == "grant":
        add_grant(Actor.system(), cast.user, cast.sibling, Bundle(rights=frozenset({Right.VIEW_USERS})))
    else:
        User.objects.filter(pk=cast.user.pk).update(is_active=False)
    assert "You act as" not in acting.get(reverse("accounts:account")).content.decode()


# --- temporary sign-in -------------------------------------------------------------------------------------------


def test_who_may_make_one_for_whom(cast: Cast) -> None:
    for user in (cast.help_desk, cast.domain_administrator, cast.administrator, cast.user):
        issue_sign_in_link(actor_of(user), cast.user)
    for user, other in (
        (cast.auditor, cast.user),
        (cast.help_desk, cast.stranger),
        (cast.administrator, cast.domain_administrator),
        (cast.administrator, cast.administrator),
        (cast.stranger, cast.user),
    ):
        with pytest.raises(Forbidden):
            issue_sign_in_link(actor_of(user), other)
    for hours in (0, 5):
        with pytest.raises(ValueError, match="hours"):
            issue_sign_in_link(actor_of(cast.user), cast.user, hours=hours)


def test_never_past_a_second_factor_or_for_who_is_shut_out(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_suitable(cast.user) and not is_suitable(cast.help_desk)
    monkeypatch.setattr(factors, "_keepers", {lambda user: user == cast.user: print})
    assert not is_suitable(cast.user)
    with pytest.raises(Forbidden):
        issue_sign_in_link(actor_of(cast.help_desk), cast.user)


def test_it_works_once_and_holds_no_rights_and_changes_no_password(cast: Cast) -> None:
    url = issue_sign_in_link(actor_of(cast.help_desk), cast.user).url
    page = reverse("accounts:link", args=[token_of(url)])
    client = Client()
    assert client.get(page).status_code == 200 and client.get(reverse("accounts:account")).status_code == 302
    assert client.post(page).status_code == 303
    shown = client.get(reverse("accounts:account")).content.decode()
    assert "Temporary sign-in" in shown
    bad = client.post(
        reverse("accounts:change-password"), {"old": factories.PASSWORD, "password": "one two three four"}
    )
    assert bad.status_code == 403
    assert Client().post(page).status_code == 404
    actions = set(AuditEvent.objects.filter(about_user_id=cast.user.pk).values_list("action", flat=True))
    assert {"user.sign_in_link", "user.sign_in_by_link"} <= actions


def test_it_ends_after_four_hours_and_with_the_persons_shutting_out(cast: Cast) -> None:
    client = Client()
    client.post(issue_sign_in_link(actor_of(cast.help_desk), cast.user).url)
    session = client.session
    assert session.get_expiry_age() <= 4 * 3600
    session["temporary_until"] = (timezone.now() - timedelta(seconds=1)).timestamp()
    session.save()
    assert client.get(reverse("accounts:account")).status_code == 302


def test_who_got_rights_meanwhile_does_not_get_in(cast: Cast) -> None:
    link = issue_sign_in_link(actor_of(cast.help_desk), cast.user).link
    add_grant(Actor.system(), cast.user, cast.sibling, Bundle(rights=frozenset({Right.VIEW_USERS})))
    with pytest.raises(BadLink):
        accept_sign_in_link(link)
    assert OneTimeLink.objects.get(pk=link.pk).used_at is None


def test_it_leaves_other_links_alone_and_replaces_its_like(cast: Cast) -> None:
    reset = issue_reset_link(actor_of(cast.help_desk), cast.user)
    first, second = (issue_sign_in_link(actor_of(cast.help_desk), cast.user).url for _ in range(2))
    assert links.find(token_of(reset)) and links.find(token_of(second))
    with pytest.raises(BadLink):
        links.find(token_of(first))


def test_a_temporary_session_makes_no_other_link(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        issue_sign_in_link(actor_of(cast.user).restricted([]), cast.user)
    with pytest.raises(Forbidden):
        issue_sign_in_link(actor_of(cast.administrator).acting_as(cast.user, "asked to"), cast.user)
