"""A domain is suspended, resumed, deleted for a while and restored; and by whom."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from accounts.permissions import EndUserRight, Right
from accounts.services.options import set_option
from config.kit.versions import ChangedMeanwhile
from domains.errors import InUse, Invalid, WrongState
from domains.models import Domain, Status
from domains.services import domain_states as states
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in


def fresh(domain: Domain) -> Domain:
    return Domain.objects.get(pk=domain.pk)


def person_in(domain: Domain) -> User:
    user = make_mailbox_in(domain).user
    assert user is not None
    return user


def test_a_disabled_domain_lets_nobody_in_until_it_is_resumed(db: None) -> None:
    domain = make_domain()
    user = person_in(domain)
    states.disable_domain(Actor.console(), domain, reason="unpaid")
    assert domain.status == Status.DISABLED and not domain.is_serving
    assert not Actor.for_user(user).may(EndUserRight.SIGN_IN)
    states.enable_domain(Actor.console(), domain)
    assert Actor.for_user(user).may(EndUserRight.SIGN_IN)
    events = AuditEvent.objects.filter(action="domain.set_status").order_by("pk")
    assert [event.changes["status"] for event in events] == [["enabled", "disabled"], ["disabled", "enabled"]]
    assert events[0].reason == "unpaid"


def test_a_system_administrator_is_never_kept_out(db: None) -> None:
    domain = make_domain(end_user_rights=[])
    user = person_in(domain)
    User.objects.filter(pk=user.pk).update(is_administrator=True)
    states.disable_domain(Actor.console(), domain)
    assert Actor.for_user(User.objects.get(pk=user.pk)).may(EndUserRight.SIGN_IN)


def test_the_second_of_two_who_disable_is_told(db: None) -> None:
    domain = make_domain()
    seen_by_other = fresh(domain)
    states.disable_domain(Actor.console(), domain)
    with pytest.raises(WrongState, match="already"):
        states.disable_domain(Actor.console(), seen_by_other)
    with pytest.raises(ChangedMeanwhile):
        states.enable_domain(Actor.console(), fresh(domain), expected=1)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_delete_at_once_exactly_one_does() -> None:
    domain = make_domain()
    start, results = threading.Barrier(4), []

    def delete() -> None:
        start.wait()
        try:
            states.delete_domain(Actor.console(), fresh(domain))
            results.append("deleted")
        except WrongState:
            results.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=delete) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["deleted", "told", "told", "told"]
    assert AuditEvent.objects.filter(action="domain.delete").count() == 1


def test_a_deleted_domain_is_suspended_and_comes_back_as_it_was(db: None) -> None:
    domain = make_domain()
    states.disable_domain(Actor.console(), domain)
    states.delete_domain(Actor.console(), domain)
    assert domain.status == Status.DELETED and domain.deleted_at is not None
    assert domain.purge_at is not None and domain.purge_at - domain.deleted_at == timedelta(days=30)
    for change in (states.enable_domain, states.disable_domain, states.delete_domain):
        with pytest.raises(WrongState):
            change(Actor.console(), domain)
    states.restore_domain(Actor.console(), domain)
    domain = fresh(domain)
    assert (domain.status, domain.deleted_at, domain.purge_at) == (Status.DISABLED, None, None)
    with pytest.raises(WrongState):
        states.restore_domain(Actor.console(), domain)


def test_how_long_a_deleted_domain_is_kept_is_an_option_of_the_server_and_the_customer(db: None) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    set_option(Actor.console(), customer, states.DELETION_DAYS, 90)
    administrator = Actor.for_user(make_delegate(customer))
    with pytest.raises(Invalid, match="90"):
        states.delete_domain(administrator, domain, after_days=1)
    states.delete_domain(administrator, domain)
    assert domain.purge_at is not None and domain.purge_at > timezone.now() + timedelta(days=89)
    with pytest.raises(Forbidden):
        set_option(administrator, customer, states.DELETION_DAYS, 0)


def test_who_may_change_a_domain_may_not_delete_it(db: None) -> None:
    domain = make_domain()
    administrator = Actor.for_user(make_delegate(domain))
    with pytest.raises(Forbidden):
        states.delete_domain(administrator, domain)
    states.disable_domain(administrator, domain)
    states.enable_domain(administrator, domain)
    with pytest.raises(Forbidden):
        states.disable_domain(Actor.for_user(make_delegate(make_domain())), domain)


def test_what_the_provider_suspended_the_customer_cannot_resume(db: None) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    mine, narrow = Actor.for_user(make_delegate(customer)), Actor.for_user(make_delegate(domain))
    states.disable_domain(Actor.console(), domain)
    for actor in (mine, narrow):
        with pytest.raises(Forbidden):
            states.enable_domain(actor, domain)
    states.enable_domain(Actor.console(), domain)
    states.disable_domain(mine, domain)
    with pytest.raises(Forbidden):
        states.enable_domain(narrow, domain)
    states.enable_domain(mine, domain)
    states.delete_domain(Actor.console(), domain)
    with pytest.raises(Forbidden):
        states.restore_domain(mine, domain)
    states.restore_domain(Actor.console(), domain)


def test_nobody_locks_themselves_out(db: None) -> None:
    domain = make_domain()
    user = person_in(domain)
    user.grants.create(rights=[Right.EDIT_DOMAINS, Right.VIEW_DOMAINS], level="domain", object_id=domain.pk)
    with pytest.raises(InUse):
        states.disable_domain(Actor.for_user(user), domain)
    assert fresh(domain).status == Status.ENABLED
