"""What a purge of a domain removes, and what it must leave: archived mail, evidence, and everybody else's things."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.apps import apps
from django.db.models import CASCADE, SET_NULL
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant, OptionValue, Role, User
from accounts.permissions import Right
from accounts.scopes import SERVER
from accounts.services.options import set_option
from archive.models import ArchiveAccess
from domains.commands.domain_lifecycle import PurgeDeletedDomainsArguments
from domains.errors import WrongState
from domains.models import (
    Address,
    AllowedSender,
    AttachmentRule,
    Domain,
    DomainName,
    Mailbox,
    MailingList,
    Policy,
    Recipient,
    SenderRule,
    Status,
    Subscriber,
)
from domains.services import claims, domain_purging, domain_states
from domains.services.lists.settings import create_list
from jobs import approvals
from jobs.services import run_waiting
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

CONSOLE = Actor.console()


def deleted(domain: Domain) -> Domain:
    domain_states.delete_domain(CONSOLE, domain)
    return domain


def group_of(domain: Domain, local: str, *members: Address) -> Address:
    group = claims.claim(Actor.system(), domain, local, Address.Kind.GROUP)
    for member in members:
        Recipient.objects.create(address=group, email=member.text, target=member)
    Address.objects.filter(pk=group.pk).update(recipient_count=len(members))
    return group


def person(mailbox: Mailbox) -> User:
    assert mailbox.user is not None
    return mailbox.user


def claim_of(mailbox: Mailbox) -> Address:
    assert mailbox.claim is not None
    return mailbox.claim


def test_a_purge_frees_names_and_addresses_and_keeps_what_archived_mail_hangs_on(db: None) -> None:
    customer = make_customer()
    domain = make_domain("old.example", customer=customer)
    DomainName.objects.create(name="older.example", domain=domain)
    mailboxes = [make_mailbox_in(domain, name) for name in ("ada", "bob")]
    group_of(domain, "all", claim_of(mailboxes[0]))
    people = [person(mailbox).pk for mailbox in mailboxes]
    removed = domain_purging.purge_domain(CONSOLE, deleted(domain))
    assert (removed.mailboxes, removed.people, removed.kinds["group"]) == (2, 2, 1)
    assert domain.status == Status.PURGED
    assert not DomainName.objects.exists() and not Address.objects.exists()
    assert not User.objects.filter(pk__in=people).exists()
    rows = Mailbox.objects.order_by("address")
    assert [(row.address, row.status, row.claim, row.user) for row in rows] == [
        ("ada@old.example", "purged", None, None),
        ("bob@old.example", "purged", None, None),
    ]
    customer.refresh_from_db()
    assert (customer.domain_count, customer.mailbox_count, domain.mailbox_count, domain.group_count) == (0, 0, 0, 0)
    again = make_domain("old.example")
    DomainName.objects.create(name="older.example", domain=again)
    assert make_mailbox_in(again, "ada").pk not in [mailbox.pk for mailbox in mailboxes]


def test_the_plan_says_beforehand_in_numbers_what_goes_and_what_stays(db: None) -> None:
    domain = make_domain("old.example")
    mailbox = make_mailbox_in(domain)
    Mailbox.objects.update(used_messages=12, used_bytes=3_000)
    policy = Policy.objects.create(domain=domain, name="usual")
    SenderRule.objects.create(domain=domain, mailbox=mailbox, value="x@example.net", type="block")
    SenderRule.objects.create(domain=domain, value="y@example.net", type="block")
    AttachmentRule.objects.create(domain=domain, action="deny", check_type="filename", filter="exe$")
    make_delegate(domain)
    deleted(domain)
    found = domain_purging.plan(CONSOLE, domain)
    assert (found.mailboxes, found.people, found.grants, found.names) == (1, 1, 1, ["old.example"])
    assert (found.archived_messages, found.archived_bytes) == (12, 3_000)
    assert sum(count for _what, count in found.rest) == 5  # with the policy that every domain has
    assert Policy.objects.filter(pk=policy.pk).exists()
    domain_purging.purge_domain(CONSOLE, domain)
    assert not (Policy.objects.exists() or SenderRule.objects.exists() or Grant.objects.exists())
    event = AuditEvent.objects.get(action="domain.purge")
    assert (event.details["mailboxes"], event.details["grants"]) == (1, 1)


def test_only_a_deleted_domain_is_purged(db: None) -> None:
    domain = make_domain()
    with pytest.raises(WrongState):
        domain_purging.purge_domain(CONSOLE, domain)
    domain_purging.purge_domain(CONSOLE, deleted(domain))
    with pytest.raises(WrongState):
        domain_purging.purge_domain(CONSOLE, domain)
    with pytest.raises(WrongState):
        domain_states.restore_domain(CONSOLE, domain)


def test_who_administers_something_elsewhere_stays_and_who_only_administered_this_goes(db: None) -> None:
    domain, other = make_domain("old.example"), make_domain("other.example")
    elsewhere, here, chief = (person(make_mailbox_in(domain, name)) for name in ("elsewhere", "here", "chief"))
    Grant.objects.create(user=elsewhere, rights=[Right.VIEW_USERS], level="domain", object_id=other.pk)
    Grant.objects.create(user=here, rights=[Right.VIEW_USERS], level="domain", object_id=domain.pk)
    User.objects.filter(pk=chief.pk).update(is_administrator=True)
    removed = domain_purging.purge_domain(CONSOLE, deleted(domain))
    assert removed.staying == ["chief@old.example", "elsewhere@old.example"]
    assert set(User.objects.filter(pk__in=[elsewhere.pk, here.pk, chief.pk])) == {elsewhere, chief}
    elsewhere.refresh_from_db()
    assert (elsewhere.home_domain_id, elsewhere.home_customer_id, elsewhere.is_active) == (None, None, True)


def test_who_opened_an_archive_stays_as_a_name_that_nobody_signs_in_with(db: None) -> None:
    domain, kept = make_domain("old.example"), make_mailbox_in(make_domain())
    reader = person(make_mailbox_in(domain, "reader", name="Rea Der", password="correct horse battery"))
    ArchiveAccess.objects.create(user=reader, mailbox=kept, reason="x", expires_at=timezone.now())
    domain_purging.purge_domain(CONSOLE, deleted(domain))
    reader.refresh_from_db()
    assert (reader.email, reader.name, reader.is_active) == (f"gone-{reader.pk}@gone.invalid", "Rea Der", False)
    assert not reader.has_usable_password() and reader.home_domain_id is None


def test_what_elsewhere_named_its_addresses_forgets_them_and_nothing_else(db: None) -> None:
    domain, other = make_domain("old.example"), make_domain("other.example")
    gone, stays = make_mailbox_in(domain, "ada"), make_mailbox_in(other, "bob")
    group = group_of(other, "all", claim_of(gone), claim_of(stays))
    for value in ("ada@old.example", "@old.example", "bob@other.example", "@old.example.org"):
        AllowedSender.objects.create(address=group, value=value)
    other.catch_all = "ada@old.example"
    other.save()
    deleted(domain)
    assert domain_purging.plan(CONSOLE, domain).outside == 4
    domain_purging.purge_domain(CONSOLE, domain)
    group.refresh_from_db()
    assert (group.recipient_count, group.recipients.get().email) == (1, "bob@other.example")
    assert [sender.value for sender in group.allowed_senders.all()] == ["@old.example.org", "bob@other.example"]
    other.refresh_from_db()
    assert other.catch_all == ""
    assert Mailbox.objects.get(pk=stays.pk).status == Status.ENABLED


def test_lists_go_with_their_subscribers_and_lists_elsewhere_count_right(db: None) -> None:
    domain, other = make_domain("old.example"), make_domain("other.example")
    gone, stays = make_mailbox_in(domain, "ada"), make_mailbox_in(other, "bob")
    create_list(CONSOLE, domain, email="own", owner=gone)
    kept = create_list(CONSOLE, other, email="all", owner=stays)
    for mailbox in (gone, stays):
        Subscriber.objects.create(list=kept, email=mailbox.address, target=mailbox.claim)
    MailingList.objects.update(subscriber_count=2)
    deleted(domain)
    assert domain_purging.plan(CONSOLE, domain).outside == 1
    domain_purging.purge_domain(CONSOLE, domain)
    kept.refresh_from_db()
    assert (MailingList.objects.count(), kept.subscriber_count) == (1, 1)


def test_options_and_roles_of_the_domain_go(db: None) -> None:
    domain = make_domain()
    set_option(CONSOLE, domain, "SUPPORT_EMAIL", "help@example.org")
    role = Role.objects.create(name="desk", rights=[Right.VIEW_USERS], level="domain", object_id=domain.pk)
    Grant.objects.create(user=make_delegate(make_domain()), role=role, level="domain", object_id=domain.pk)
    domain_purging.purge_domain(CONSOLE, deleted(domain))
    assert not OptionValue.objects.exists() and not Role.objects.exists()


def test_only_due_domains_of_the_actor_are_listed(db: None) -> None:
    customer = make_customer()
    due, later, foreign = (
        deleted(make_domain(customer=customer)),
        deleted(make_domain(customer=customer)),
        make_domain(),
    )
    deleted(foreign)
    Domain.objects.filter(pk__in=[due.pk, foreign.pk]).update(purge_at=timezone.now() - timedelta(minutes=1))
    administrator = Actor.for_user(make_delegate(customer))
    assert list(domain_purging.list_due(administrator)) == [due]
    assert set(domain_purging.list_due(CONSOLE)) == {due, foreign}
    assert later.purge_at is not None


def test_before_its_date_only_who_runs_the_server_purges_a_domain(
    client_for: Callable[[User | None], Client], administrator: User
) -> None:
    set_option(CONSOLE, SERVER, "TWO_PERSON_APPROVAL", False)
    customer = make_customer()
    delegate = make_delegate(customer)
    mine, other = make_domain(customer=customer), make_domain(customer=customer)
    for domain in (mine, other):
        domain_states.delete_domain(Actor.for_user(delegate), domain)
    with pytest.raises(Forbidden):
        domain_purging.purge_domain(Actor.for_user(delegate), mine)
    address = reverse("domains:domain-purge", args=[mine.pk])
    page = client_for(delegate).get(address).content.decode()
    assert "only who runs the server can purge it" in page and "Purge the domain now" not in page
    assert client_for(delegate).post(address, {"typed": mine.name}).status_code == 403
    detail = client_for(delegate).get(reverse("domains:domain-detail", args=[mine.pk])).content.decode()
    assert "What the purge removes" in detail and "Purge now" not in detail
    mine.refresh_from_db()
    assert mine.status == Status.DELETED
    Domain.objects.filter(pk=mine.pk).update(purge_at=timezone.now())
    domain_purging.purge_domain(Actor.for_user(delegate), Domain.objects.get(pk=mine.pk))
    domain_purging.purge_domain(Actor.for_user(administrator), other)


def test_two_administrators_of_a_customer_dont_purge_before_the_date_by_themselves(administrator: User) -> None:
    customer = make_customer()
    one, two = make_delegate(customer), make_delegate(customer)
    for approver, purged in ((two, False), (administrator, True)):
        domain = make_domain(customer=customer)
        domain_states.delete_domain(Actor.for_user(one), domain)
        arguments = PurgeDeletedDomainsArguments([domain.name])
        asked = approvals.ask(Actor.for_user(one), "PurgeDeletedDomains", arguments, reason="They left")
        approved = approvals.approve(Actor.for_user(approver), asked)
        assert approved.task is not None
        run_waiting(approved.task.pk)
        domain.refresh_from_db()
        assert (domain.status == Status.PURGED) is purged


def test_who_may_not_delete_may_not_purge(db: None) -> None:
    domain = deleted(make_domain())
    for actor in (Actor.for_user(make_delegate(domain)), Actor.for_user(make_delegate(make_customer()))):
        with pytest.raises(Forbidden):
            domain_purging.purge_domain(actor, domain)
        with pytest.raises(Forbidden):
            domain_purging.plan(actor, domain)
    domain.refresh_from_db()
    assert domain.status == Status.DELETED


def test_every_model_of_a_domain_is_told_of_in_the_plan_or_goes_with_its_addresses() -> None:
    """A model that hangs on a domain in another way than the purge knows would stay behind, or stop it."""
    for model in apps.get_app_config("domains").get_models():
        for field in model._meta.concrete_fields:
            with_address = model in (Mailbox, Address, MailingList)
            if field.related_model in (Domain, Mailbox) and not with_address:
                on_delete = getattr(field.remote_field, "on_delete", None)
                assert on_delete is CASCADE or on_delete is SET_NULL, f"{model.__name__}.{field.name}"
