"""Mailing lists: whose they are, who is on them, confirmation, posting rights, bounces."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from domains.errors import BadLines, Invalid, LimitReached, Taken, WrongState
from domains.expansion import expand
from domains.models import Domain, MailingList, Subscriber
from domains.services import objects
from domains.services.lists import settings, subscribing
from domains.services.lists.subscribing import NoRequest
from domains.services.renaming import rename_domain
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()


def make_list(domain: Domain | None = None, local: str = "news", **values: Any) -> MailingList:
    domain = domain or make_domain()
    owner = make_mailbox_in(domain, f"owner-of-{local}")
    return settings.create_list(SYSTEM, domain, email=local, owner=owner, **values)


def row(found: MailingList, email: str) -> Subscriber:
    return Subscriber.objects.select_related("list__address", "list__owner", "target").get(list=found, email=email)


def test_a_list_claims_its_address_and_counts(db: None) -> None:
    found = make_list(make_domain("example.org"), subject_prefix="[news]", name="News")
    assert (str(found), found.address.name, found.address.domain.list_count) == ("news@example.org", "News", 1)
    with pytest.raises(Taken):
        settings.create_list(SYSTEM, found.address.domain, email="news", owner=found.owner)
    objects.delete_address(SYSTEM, found.address)
    assert not MailingList.objects.exists() and Domain.objects.get().list_count == 0


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"posting": "pigeons"}, "posting"),
        ({"subject_prefix": "a\nBcc: x"}, "subject_prefix"),
        ({"confirm_hours": 0}, "confirm_hours"),
        ({"footer": "x" * 4001}, "footer"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_bad_settings_are_refused_by_name(db: None, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        make_list(**values)
    assert caught.value.field == field


def test_the_owner_is_of_the_domain_and_manages_their_list_only(db: None) -> None:
    found = make_list()
    other = make_list(found.address.domain, "other")
    with pytest.raises(Invalid):
        settings.update_list(SYSTEM, found, {"owner": make_mailbox_in(make_domain())})
    assert found.owner.user is not None
    owner = Actor.for_user(found.owner.user)
    settings.update_list(owner, found, {"posting": "anybody", "name": "Mine"})
    subscribing.add_subscribers(owner, found, ["a@elsewhere.example"])
    for refused in (
        lambda: settings.update_list(owner, other, {"posting": "anybody"}),
        lambda: subscribing.add_subscribers(owner, other, ["a@elsewhere.example"]),
        lambda: subscribing.add_subscribers(Actor.for_user(make_delegate(make_domain())), found, ["b@x.example"]),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_a_paste_is_read_once_each_and_bad_lines_are_named(db: None) -> None:
    domain = make_domain("example.org")
    found = make_list(domain)
    make_mailbox_in(domain, "ada")
    added = subscribing.add_subscribers(SYSTEM, found, ["Ada <ADA@example.org>", "b@x.example", "b@X.example"])
    assert added == ["ada@example.org", "b@x.example"] and row(found, "ada@example.org").target is not None
    assert subscribing.add_subscribers(SYSTEM, found, ["b@x.example"]) == []
    with pytest.raises(BadLines):
        subscribing.add_subscribers(SYSTEM, found, ["nonsense"])
    found.refresh_from_db()
    assert found.subscriber_count == 2
    assert subscribing.remove_subscribers(SYSTEM, found, ["b@x.example", "c@x.example"]) == ["b@x.example"]
    assert AuditEvent.objects.get(action="list.unsubscribe").details["subscribers"] == ["b@x.example"]


def test_somebody_is_on_the_list_once_they_confirm(db: None) -> None:
    found = make_list()
    token = subscribing.ask_to_subscribe(found, "a@x.example", name="A")
    assert token and row(found, "a@x.example").state == "unconfirmed"
    assert subscribing.confirm(token).state == "subscribed"
    with pytest.raises(NoRequest):
        subscribing.confirm(token)
    assert subscribing.ask_to_subscribe(found, "a@x.example") is None
    found.refresh_from_db()
    assert found.subscriber_count == 1


def test_a_confirmation_expires_and_a_new_one_replaces_it(db: None) -> None:
    found = make_list()
    first = subscribing.ask_to_subscribe(found, "a@x.example")
    assert subscribing.ask_to_subscribe(found, "a@x.example") is None  # asked a moment ago
    found.subscribers.update(subscribed_at=timezone.now() - timedelta(minutes=11))
    second = subscribing.ask_to_subscribe(found, "a@x.example")
    assert first and second
    with pytest.raises(NoRequest):
        subscribing.confirm(first)
    later = timezone.now() + timedelta(hours=found.confirm_hours + 1)
    assert subscribing.forget_unconfirmed(later) == 1
    with pytest.raises(NoRequest):
        subscribing.confirm(second)


def test_a_moderated_list_lets_in_whom_its_manager_accepts(db: None) -> None:
    found = make_list(subscribing="moderated")
    token = subscribing.ask_to_subscribe(found, "a@x.example")
    assert token
    waiting = subscribing.confirm(token)
    assert waiting.state == "waiting" and not waiting.gets_mail
    assert subscribing.accept(SYSTEM, row(found, "a@x.example")).gets_mail
    with pytest.raises(WrongState):
        subscribing.accept(SYSTEM, row(found, "a@x.example"))


def test_a_closed_list_and_a_banned_address_answer_like_any_other(db: None) -> None:
    assert subscribing.ask_to_subscribe(make_list(subscribing="nobody"), "a@x.example") is None
    found = make_list()
    subscribing.add_subscribers(SYSTEM, found, ["a@x.example"], mode="banned")
    assert subscribing.ask_to_subscribe(found, "a@x.example") is None


def test_people_change_and_leave_their_own_subscription_only(db: None) -> None:
    domain = make_domain()
    found = make_list(domain)
    ada, bob = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "bob")
    subscribing.add_subscribers(SYSTEM, found, [ada.address, bob.address])
    assert ada.user is not None
    actor = Actor.for_user(ada.user)
    assert subscribing.set_mode(actor, row(found, ada.address), "digest").mode == "digest"
    for refused in (
        lambda: subscribing.set_mode(actor, row(found, bob.address), "digest"),
        lambda: subscribing.set_posting(actor, row(found, ada.address), "unmoderated"),
        lambda: subscribing.leave(actor, row(found, bob.address)),
        lambda: subscribing.accept(actor, row(found, bob.address)),
    ):
        with pytest.raises(Forbidden):
            refused()
    subscribing.set_mode(SYSTEM, row(found, ada.address), "banned")
    for refused in (
        lambda: subscribing.leave(actor, row(found, ada.address)),
        lambda: subscribing.set_mode(actor, row(found, ada.address), "feed"),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_posting_rights_are_set_with_how_many_wait(db: None) -> None:
    found = make_list()
    subscribing.add_subscribers(SYSTEM, found, ["a@x.example"])
    changed = subscribing.set_posting(SYSTEM, row(found, "a@x.example"), "normal", moderate_next=3)
    assert (changed.posting, changed.moderate_next) == ("normal", 3)
    for values in ({"posting": "loud"}, {"posting": "normal", "moderate_next": -1}):
        with pytest.raises(Invalid):
            subscribing.set_posting(SYSTEM, row(found, "a@x.example"), **values)


def test_bounces_pause_a_subscription_and_a_fatal_one_does_at_once(db: None) -> None:
    found = make_list(bounces_allowed=2)
    subscribing.add_subscribers(SYSTEM, found, ["a@x.example", "b@x.example"])
    assert subscribing.note_bounce(SYSTEM, row(found, "a@x.example")).state == "subscribed"
    assert subscribing.note_bounce(SYSTEM, row(found, "a@x.example")).state == "paused"
    assert subscribing.note_bounce(SYSTEM, row(found, "b@x.example"), is_fatal=True).state == "paused"
    again = subscribing.accept(SYSTEM, row(found, "a@x.example"))
    assert (again.state, again.bounces) == ("subscribed", 0)


def test_the_expansion_goes_through_a_list_by_mode(db: None) -> None:
    domain = make_domain("example.org")
    found = make_list(domain, posting="anybody")
    ada = make_mailbox_in(domain, "ada")
    subscribing.add_subscribers(SYSTEM, found, [ada.address, "x@elsewhere.example"])
    subscribing.add_subscribers(SYSTEM, found, ["quiet@elsewhere.example"], mode="null")
    expansion = expand("news@example.org")
    assert sorted(delivery.email for delivery in expansion.deliveries) == [ada.address, "x@elsewhere.example"]


def test_subscriptions_follow_a_renamed_domain(db: None) -> None:
    domain = make_domain("old.example")
    found = make_list(make_domain())
    ada = make_mailbox_in(domain, "ada")
    subscribing.add_subscribers(SYSTEM, found, [ada.address])
    rename_domain(SYSTEM, domain, new_name="new.example")
    assert list(found.subscribers.values_list("email", flat=True)) == ["ada@new.example"]


def test_a_domain_has_no_more_lists_than_it_may(db: None) -> None:
    domain = make_domain(max_lists=1)
    make_list(domain)
    with pytest.raises(LimitReached):
        make_list(domain, "second")
