"""Pages of groups and forwards, and the one that follows a message."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import User
from config.kit import bulk
from config.kit.bulk import BulkOrder
from domains.models import Address, Domain
from domains.services.forwards import set_forwarding
from domains.services.groups import create_group
from tests.domains.addresses.test_user_pages import body, page
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()


@pytest.fixture
def domain(db: None) -> Domain:
    return make_domain("example.com")


@pytest.fixture
def browser(client_for: Callable[[User | None], Client], domain: Domain) -> Client:
    return client_for(make_delegate(domain))


def test_a_group_is_made_found_edited_and_deleted(browser: Client, domain: Domain) -> None:
    values = {"email": "All@example.com", "senders": "listed", "enabled": "on", "allowed_senders": "@partner.example"}
    made = browser.post(
        page("group-create"), values | {"recipients": "ada@elsewhere.example; Bob <bob@elsewhere.example>"}
    )
    assert made.status_code == 303
    group = Address.objects.get(text="all@example.com")
    assert "all@example.com" in body(browser.get(page("group-list"), {"q": "all"}))
    shown = body(browser.get(page("group-detail", group.pk)))
    assert "bob@elsewhere.example" in shown and "@partner.example" in shown
    edited = {"email": "everybody", "senders": "anyone", "name": "Everybody", "version": group.version}
    assert browser.post(page("group-edit", group.pk), edited).status_code == 303
    group.refresh_from_db()
    assert (group.text, group.is_enabled, group.name) == ("everybody@example.com", False, "Everybody")
    assert browser.post(page("group-edit", group.pk), edited).status_code == 422  # somebody else's version
    create_group(SYSTEM, domain, email="outer", members=[group.text])
    assert "outer@example.com" in body(browser.get(page("group-delete", group.pk)))
    assert browser.post(page("group-delete", group.pk)).status_code == 303
    assert not Address.objects.filter(pk=group.pk).exists()


def test_members_are_pasted_and_what_is_wrong_is_said(browser: Client, domain: Domain) -> None:
    group = create_group(SYSTEM, domain, email="all")
    lines = "\n".join(f"p{n}@elsewhere.example" for n in range(10_000))
    assert browser.post(page("group-members-add", group.pk), {"recipients": lines}).status_code == 303
    group.refresh_from_db()
    assert group.recipient_count == 10_000
    wrong = browser.post(page("group-members-add", group.pk), {"recipients": "x@elsewhere.example\nnonsense"})
    assert wrong.status_code == 422 and "line 2" in body(wrong)
    browser.post(page("group-member-remove", group.pk), {"recipients": "p1@elsewhere.example, p2@elsewhere.example"})
    group.refresh_from_db()
    assert group.recipient_count == 9_998


def test_a_forward_keeps_a_target(browser: Client, domain: Domain) -> None:
    values = {"email": "sales@example.com", "enabled": "on"}
    refused = browser.post(page("group-create") + "?kind=forward", values)
    assert refused.status_code == 422 and "somewhere to go" in body(refused)
    browser.post(page("group-create") + "?kind=forward", values | {"recipients": "x@elsewhere.example"})
    forward = Address.objects.get(kind="forward")
    browser.post(page("group-member-remove", forward.pk), {"email": "x@elsewhere.example"})
    forward.refresh_from_db()
    assert forward.recipient_count == 1


def test_the_way_of_a_message_is_shown_with_its_reasons(browser: Client, domain: Domain) -> None:
    make_mailbox_in(domain, "ada")
    create_group(SYSTEM, domain, email="all", members=["ada@example.com", "gone@example.com"], senders="domain")
    shown = body(browser.get(page("who-gets-mail"), {"address": "all@example.com"}))
    assert "1 address gets it" in shown and "Kept in the mailbox" in shown and "There is no such address" in shown
    refused = body(browser.get(page("who-gets-mail"), {"address": "all@example.com", "sender": "x@elsewhere.example"}))
    assert "Takes no mail of this sender" in refused and "0 addresses get it" in refused
    foreign = make_domain("other.example")
    make_mailbox_in(foreign, "eve")
    assert "Not a domain that you administer" in body(
        browser.get(page("who-gets-mail"), {"address": "eve@other.example"})
    )
    assert "form name@example.org" in body(browser.get(page("who-gets-mail"), {"address": "nonsense"}))


def test_many_groups_are_deleted_through_the_service(browser: Client, domain: Domain) -> None:
    rows = [create_group(SYSTEM, domain, email=f"g{number}") for number in range(3)]
    order = BulkOrder("domains.groups", "delete", tuple(str(row.pk) for row in rows[:2]))
    assert bulk.run_order(SYSTEM, order).done == 2
    domain.refresh_from_db()
    assert domain.group_count == 1


def test_a_loop_is_saved_named_when_saving_and_shown_by_who_gets_mail(browser: Client, domain: Domain) -> None:
    create_group(SYSTEM, domain, email="b", members=["c@example.com"])
    create_group(SYSTEM, domain, email="c", members=["a@example.com", "x@elsewhere.example"])
    values = {"email": "a@example.com", "senders": "anyone", "enabled": "on", "recipients": "b@example.com"}
    made = body(browser.post(page("group-create"), values, follow=True))
    assert "a@example.com → b@example.com → c@example.com → a@example.com" in made
    group = Address.objects.get(text="a@example.com")
    assert [each.email for each in group.recipients.all()] == ["b@example.com"]
    shown = body(browser.get(page("who-gets-mail"), {"address": "a@example.com"}))
    assert "Cut: it would go round in a circle" in shown
    harmless = browser.post(page("group-members-add", group.pk), {"recipients": "y@elsewhere.example"}, follow=True)
    assert "a@example.com → b@example.com" in body(harmless), "it still goes round"
    browser.post(page("group-member-remove", group.pk), {"email": "b@example.com"})
    added = browser.post(page("group-members-add", group.pk), {"recipients": "z@elsewhere.example"}, follow=True)
    assert "Mail goes round" not in body(added)
    again = browser.post(page("group-members-add", group.pk), {"recipients": "c@example.com"}, follow=True)
    assert "a@example.com → c@example.com → a@example.com" in body(again)


def test_a_loop_of_users_who_forward_is_named_and_a_foreign_part_of_one_is_not(browser: Client, domain: Domain) -> None:
    ada, bob = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "bob")
    foreign = make_domain("foreign.example")
    create_group(SYSTEM, foreign, email="f", members=["ada@example.com"])
    set_forwarding(SYSTEM, bob, ["ada@example.com"])
    address = page("user-forwarding", ada.pk)
    told = body(browser.post(address, {"targets": "bob@example.com", "keep_copy": "on", "version": 1}, follow=True))
    assert "ada@example.com → bob@example.com → ada@example.com" in told
    ada.refresh_from_db()
    values = {"targets": "f@foreign.example", "keep_copy": "on", "version": ada.version}
    assert "Mail goes round" not in body(browser.post(address, values, follow=True)), "what isn't theirs isn't told"
