"""Enabled, disabled, pending, deleted, restored, purged: who gets in, what is taken, what stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from accounts.permissions import Level
from accounts.scopes import ScopeRef
from accounts.services.options import set_option
from domains.errors import InUse, Invalid, WrongState
from domains.models import Address, Domain, Mailbox, Recipient, Status
from domains.services.aliases import add_alias
from domains.services.groups import create_group
from domains.services.mailbox_states import DELETION_DAYS, delete_mailbox, restore_mailbox, set_status
from domains.services.purging import purge_due_mailboxes, purge_mailbox
from domains.tasks import purge_deleted
from tests.domains.addresses.cast import actor_of, chief_in, grant
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()


def test_disabling_shuts_the_person_out_at_once_and_is_counted(db: None) -> None:
    domain = make_domain()
    mailbox = make_mailbox_in(domain)
    assert mailbox.user is not None
    browser = Client()
    browser.force_login(mailbox.user)
    set_status(SYSTEM, mailbox, Status.DISABLED)
    assert browser.get("/account/").status_code == 302
    domain.refresh_from_db()
    assert (domain.active_count, Address.objects.get().is_enabled) == (0, False)
    set_status(SYSTEM, mailbox, Status.ENABLED)
    domain.refresh_from_db()
    assert (domain.active_count, Address.objects.get().is_enabled) == (1, True)
    assert User.objects.get(pk=mailbox.user.pk).is_active


def test_each_state_is_one_event(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    for act in (
        lambda: set_status(SYSTEM, mailbox, Status.DISABLED),
        lambda: set_status(SYSTEM, mailbox, Status.ENABLED),
        lambda: delete_mailbox(SYSTEM, mailbox),
        lambda: restore_mailbox(SYSTEM, mailbox),
    ):
        before = AuditEvent.objects.count()
        act()
        assert AuditEvent.objects.count() == before + 1
    assert AuditEvent.objects.latest("pk").about_user_id == mailbox.user_id


def test_deleting_is_taken_back_with_the_state_it_had(db: None) -> None:
    mailbox = make_mailbox_in(make_domain(), status=Status.PENDING)
    delete_mailbox(SYSTEM, mailbox, after_days=3)
    assert mailbox.purge_at is not None and mailbox.status == Status.DELETED
    assert timedelta(days=2) < mailbox.purge_at - timezone.now() <= timedelta(days=3)
    with pytest.raises(WrongState):
        set_status(SYSTEM, mailbox, Status.ENABLED)
    restore_mailbox(SYSTEM, mailbox)
    mailbox.refresh_from_db()
    assert mailbox.status == Status.PENDING and mailbox.purge_at is None


def test_purging_frees_the_address_and_keeps_the_row_for_the_archive(db: None) -> None:
    domain = make_domain("example.com")
    Domain.objects.filter(pk=domain.pk).update(catch_all="ada@example.com")
    mailbox = make_mailbox_in(domain, "ada")
    add_alias(SYSTEM, mailbox, email="a")
    group = create_group(SYSTEM, domain, email="all", members=["ada@example.com", "bob@elsewhere.example"])
    with pytest.raises(WrongState):
        purge_mailbox(SYSTEM, mailbox)
    delete_mailbox(SYSTEM, mailbox)
    purge_mailbox(SYSTEM, mailbox)
    domain.refresh_from_db()
    group.refresh_from_db()
    assert (domain.mailbox_count, domain.alias_count, domain.catch_all) == (0, 0, "")
    assert (group.recipient_count, Recipient.objects.get().email) == (1, "bob@elsewhere.example")
    assert not User.objects.filter(email="ada@example.com").exists()
    again = make_mailbox_in(domain, "ada")
    assert again.pk != mailbox.pk and Mailbox.objects.get(pk=mailbox.pk).status == Status.PURGED


def test_the_clock_purges_what_is_due_and_nothing_else(db: None) -> None:
    domain = make_domain()
    due, later, kept = (make_mailbox_in(domain) for _ in range(3))
    delete_mailbox(SYSTEM, due, after_days=0)
    delete_mailbox(SYSTEM, later, after_days=5)
    purge_deleted()
    assert purge_due_mailboxes(SYSTEM) == 0
    states = dict(Mailbox.objects.values_list("pk", "status"))
    assert states == {due.pk: "purged", later.pk: "deleted", kept.pk: "enabled"}


def test_a_system_administrator_outlives_their_mailbox(db: None) -> None:
    chief = chief_in(make_domain())
    assert chief.user is not None
    delete_mailbox(SYSTEM, chief)
    assert User.objects.get(pk=chief.user.pk).is_active
    purge_mailbox(SYSTEM, chief)
    person = User.objects.get(is_administrator=True)
    assert person.is_active and person.home_domain_id is None


def test_the_last_administrator_is_not_shut_out(db: None) -> None:
    chief = chief_in(make_domain())
    with pytest.raises(InUse):
        set_status(SYSTEM, chief, Status.DISABLED)
    chief.refresh_from_db()
    assert chief.status == Status.ENABLED


def test_a_delegate_deletes_nobody_who_holds_more(db: None) -> None:
    domain = make_domain()
    delegate = actor_of(make_delegate(domain))
    chief, equal = chief_in(domain), make_mailbox_in(domain, "equal")
    grant(equal, "help_desk", ScopeRef(Level.DOMAIN, domain.pk))
    for refused in (delete_mailbox, lambda actor, m: set_status(actor, m, Status.DISABLED)):
        with pytest.raises(Forbidden):
            refused(delegate, chief)
    delete_mailbox(delegate, equal)
    assert Mailbox.objects.get(pk=equal.pk).status == Status.DELETED
    assert AuditEvent.objects.filter(action="mailbox.delete").get().actor_label == delegate.label


def test_what_is_deleted_is_kept_as_long_as_the_domain_says(db: None) -> None:
    domain = make_domain()
    set_option(SYSTEM, domain, DELETION_DAYS, 60)
    delegate = actor_of(make_delegate(domain, rights=["manage_users"]))
    mailbox = make_mailbox_in(domain)
    with pytest.raises(Invalid):
        delete_mailbox(delegate, mailbox, after_days=0)
    delete_mailbox(delegate, mailbox)
    assert mailbox.purge_at is not None and mailbox.purge_at - timezone.now() > timedelta(days=59)
