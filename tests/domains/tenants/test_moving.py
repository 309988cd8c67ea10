"""A domain goes to another customer with everything in it, and out of the old one's reach."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant, Role, User
from accounts.permissions import Right
from config.kit.versions import ChangedMeanwhile
from domains.errors import Invalid, LimitReached, WrongState
from domains.models import Address, Customer, Domain, Mailbox
from domains.services import claims, domain_purging, domain_states, moving
from domains.services.moving import move_domain
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

CONSOLE = Actor.console()


def counts(customer: Customer) -> tuple[int, int]:
    customer.refresh_from_db()
    return customer.domain_count, customer.mailbox_count


def test_every_row_says_whose_it_is_now_and_both_customers_count_right(db: None) -> None:
    old, new = make_customer(), make_customer()
    domain = make_domain(customer=old)
    mailbox = make_mailbox_in(domain)
    claims.claim(CONSOLE, domain, "all", Address.Kind.GROUP)
    move_domain(CONSOLE, domain, new)
    assert (counts(old), counts(new)) == ((0, 0), (1, 1))
    assert {address.customer_id for address in Address.objects.all()} == {new.pk}
    assert Mailbox.objects.get().customer_id == new.pk
    assert mailbox.user is not None
    assert User.objects.get(pk=mailbox.user.pk).home_customer_id == new.pk
    move_domain(CONSOLE, domain, None)
    assert (counts(new), Mailbox.objects.get().customer_id) == ((0, 0), None)


def test_every_model_that_repeats_the_customer_is_known() -> None:
    """One that is missing here would stay visible to the old customer's administrators."""
    assert {Address, Mailbox} <= set(moving.models_with_customer())


def test_the_old_customers_administrators_lose_sight_of_it_and_the_new_ones_see_it(db: None) -> None:
    old, new = make_customer(), make_customer()
    domain = make_domain(customer=old)
    mailbox = make_mailbox_in(domain)
    of_old, of_new = make_delegate(old), make_delegate(new)
    move_domain(CONSOLE, domain, new)
    for model, obj in ((Domain, domain), (Mailbox, mailbox)):
        right = Right.VIEW_DOMAINS if model is Domain else Right.VIEW_USERS
        assert not model.objects.visible_to(Actor.for_user(of_old), right).exists()
        assert list(model.objects.visible_to(Actor.for_user(of_new), right)) == [obj]
    scopes = [
        (event.action, event.customer_id) for event in AuditEvent.objects.filter(action__startswith="domain.move")
    ]
    assert sorted(scopes) == [("domain.move", new.pk), ("domain.move_away", old.pk)]


def test_a_role_of_the_old_customer_is_frozen_so_that_nobody_there_widens_it(db: None) -> None:
    old, new = make_customer(), make_customer()
    domain = make_domain(customer=old)
    role = Role.objects.create(name="desk", rights=[Right.VIEW_USERS], level="customer", object_id=old.pk)
    own = Role.objects.create(name="own", rights=[Right.VIEW_USERS], level="domain", object_id=domain.pk)
    user, other = make_delegate(make_domain()), make_delegate(make_domain())
    Grant.objects.create(user=user, role=role, level="domain", object_id=domain.pk)
    Grant.objects.create(user=other, role=own, level="domain", object_id=domain.pk)
    assert moving.plan(CONSOLE, [domain], new).roles == 1
    move_domain(CONSOLE, domain, new)
    Role.objects.update(rights=[Right.VIEW_USERS, Right.MANAGE_USERS])
    assert Actor.for_user(user).has(Right.VIEW_USERS, domain)
    assert not Actor.for_user(user).has(Right.MANAGE_USERS, domain)
    assert Actor.for_user(other).has(Right.MANAGE_USERS, domain)


@pytest.mark.parametrize(
    "limits",
    [{"max_domains": 0}, {"max_mailboxes": 0}, {"max_groups": 0}, {"max_bytes": 10}],
    ids=lambda limits: next(iter(limits)),
)
def test_the_new_customers_limits_hold(limits: dict[str, int], db: None) -> None:
    old, new = make_customer(), make_customer()
    Customer.objects.filter(pk=new.pk).update(**limits)
    domain = make_domain(customer=old, quota_bytes=1_000)
    make_mailbox_in(domain)
    claims.claim(CONSOLE, domain, "all", Address.Kind.GROUP)
    with pytest.raises(LimitReached):
        move_domain(CONSOLE, domain, new)
    domain.refresh_from_db()
    assert (domain.customer, counts(old), counts(new)) == (old, (1, 1), (0, 0))


def test_the_plan_adds_up_several_domains(db: None) -> None:
    new = make_customer(max_domains=1, max_mailboxes=1)
    domains = [make_domain(customer=make_customer()) for _ in range(2)]
    for domain in domains:
        make_mailbox_in(domain)
        domain.refresh_from_db()
    found = moving.plan(CONSOLE, domains, new)
    assert (found.domains, found.mailboxes, len(found.obstacles)) == (2, 2, 2)


def test_it_needs_a_right_at_both_ends(db: None) -> None:
    old, new = make_customer(), make_customer()
    domain = make_domain(customer=old)
    for user in (make_delegate(old), make_delegate(new), make_delegate(domain)):
        for act in (moving.plan, lambda actor, domains, customer: move_domain(actor, domains[0], customer)):
            with pytest.raises(Forbidden):
                act(Actor.for_user(user), [domain], new)
    both = make_delegate(old)
    Grant.objects.create(user=both, role_key="customer_administrator", level="customer", object_id=new.pk)
    move_domain(Actor.for_user(both), domain, new)


def test_it_is_suspended_where_the_new_customer_is(db: None) -> None:
    domain = make_domain(customer=make_customer())
    move_domain(CONSOLE, domain, make_customer(is_enabled=False))
    assert domain.suspended_by_customer and not domain.is_serving
    move_domain(CONSOLE, domain, make_customer())
    assert domain.is_serving


def test_the_second_of_two_is_told_and_a_purged_domain_stays(db: None) -> None:
    new, domain = make_customer(), make_domain(customer=make_customer())
    seen = Domain.objects.get(pk=domain.pk)
    move_domain(CONSOLE, domain, new)
    with pytest.raises(ChangedMeanwhile):
        move_domain(CONSOLE, seen, make_customer())
    with pytest.raises(Invalid):
        move_domain(CONSOLE, domain, new)
    domain_states.delete_domain(CONSOLE, domain)
    domain_purging.purge_domain(CONSOLE, domain)
    with pytest.raises(WrongState):
        move_domain(CONSOLE, domain, None)
