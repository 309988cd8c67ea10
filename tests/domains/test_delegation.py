"""Ways into another customer's or domain's things that were found open once: each stays shut."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import FolderGrant, User
from accounts.services.grants import Bundle, add_grant
from accounts.services.roles import change_role, create_role
from archive.models import ArchiveAccess
from archive.selectors import get_access_to, list_accesses_to, readable_archives
from archive.shares import list_folder_grants
from domains.models import AccountRight, Broker, Customer, Mailbox
from domains.selectors import expand_for
from domains.services import (
    account_rights,
    aliases,
    customers,
    domain_names,
    domain_states,
    groups,
    moving,
    policies,
    relays,
)
from domains.services.readdressing import rename_mailbox
from jobs import selectors as tasks
from jobs import services as task_services
from jobs.models import Task
from jobs.running import claim, run_claimed
from tests import factories
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.stage import Cast

ClientFor = Callable[[User | None], Client]
CONSOLE = Actor.console()


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


def held_on(user: User, obj: object) -> set[str]:
    return {right.value for right in actor_of(user).rights_on(obj)}


# --- to another customer --------------------------------------------------------------------------------------------


def test_a_broker_s_role_is_frozen_when_a_customer_leaves_the_broker(db: None) -> None:
    broker, other = Broker.objects.create(name="Resale"), Broker.objects.create(name="Rival")
    customer, stays = make_customer(broker=broker), make_customer(broker=broker)
    role = create_role(CONSOLE, broker, name="Desk", rights=["view_domains"])
    user, colleague = factories.make_user(), factories.make_user()
    add_grant(CONSOLE, user, customer, Bundle(role=role))
    add_grant(CONSOLE, colleague, stays, Bundle(role=role))
    customers.update_customer(CONSOLE, customer, {"broker": other})
    change_role(CONSOLE, role, {"rights": ["view_domains", "manage_users"]})
    assert held_on(user, Customer.objects.get(pk=customer.pk)) == {"view_domains"}
    assert held_on(colleague, stays) == {"view_domains", "manage_users"}


def test_archives_and_mailboxes_shared_with_the_old_customer_s_people_are_closed(db: None) -> None:
    old, new = make_customer(), make_customer()
    domain, left = make_domain(customer=old), make_domain(customer=old)
    inside, colleague, outside = make_mailbox_in(domain), make_mailbox_in(domain), make_mailbox_in(left)
    assert inside.user and colleague.user and outside.user
    for user, mailbox in ((outside.user, inside), (colleague.user, inside), (inside.user, outside)):
        FolderGrant.objects.create(user=user, mailbox_id=mailbox.pk, privileges=["read"])
    FolderGrant.objects.create(user=outside.user, mailbox_id=inside.pk, folder="Private", privileges=[])
    account_rights.set_rights(CONSOLE, inside, {outside.address: "lr", colleague.address: "lr", "anyone": "l"})
    account_rights.set_rights(CONSOLE, outside, {inside.address: "lr"})
    moving.move_domain(CONSOLE, domain, new)
    assert [each.mailbox.pk for each in readable_archives(actor_of(outside.user))] == [outside.pk]
    assert [each.mailbox.pk for each in readable_archives(actor_of(inside.user))] == [inside.pk]
    assert [each.mailbox.pk for each in readable_archives(actor_of(colleague.user))] == [colleague.pk, inside.pk]
    assert FolderGrant.objects.filter(privileges=[]).count() == 1
    inside.refresh_from_db()
    assert account_rights.rights_of(inside) == {colleague.address: "lr", "anyone": "l"}
    assert not AccountRight.objects.filter(mailbox=outside).exists()


def test_a_mailbox_that_moves_leaves_the_policy_and_the_relay_of_its_old_domain(db: None) -> None:
    customer = make_customer()
    old, new = make_domain(customer=customer), make_domain(customer=customer)
    mailbox = make_mailbox_in(old)
    policies.set_mailbox_policy(CONSOLE, mailbox, policies.create_policy(CONSOLE, old, {"name": "Strict"}))
    values = {"name": "Main", "transport_dest": "mx.example.net", "transport_type": "SMTP", "transport_port": 25}
    relays.set_mailbox_relay(CONSOLE, mailbox, relays.create_relay(CONSOLE, old, values))
    rename_mailbox(CONSOLE, mailbox, email=f"moved@{new.name}")
    mailbox = Mailbox.objects.get(pk=mailbox.pk)
    assert (mailbox.domain, mailbox.policy, mailbox.relay) == (new, None, None)


def test_shares_of_a_sibling_domain_s_archives_are_not_told_to_who_sees_only_the_person(cast: Cast) -> None:
    sibling = make_mailbox_in(cast.sibling, "boss")
    FolderGrant.objects.create(user=cast.user, mailbox_id=sibling.pk, folder="Secret merger", privileges=["read"])
    assert list_folder_grants(actor_of(cast.domain_administrator), cast.user) == []
    assert len(list_folder_grants(actor_of(cast.customer_administrator), cast.user)) == 1


# --- acting as somebody ---------------------------------------------------------------------------------------------


def test_who_acts_as_somebody_learns_nothing_of_their_mail_by_tasks_or_by_who_read_it(
    cast: Cast, client_for: ClientFor
) -> None:
    task = factories.make_task(cast.user, type="ExportMail")
    access = ArchiveAccess.objects.create(
        user=cast.auditor, mailbox=cast.user.mailbox, reason="because", expires_at="2100-01-01T00:00:00Z"
    )
    acting = actor_of(cast.domain_administrator).acting_as(cast.user, "to help")
    assert not tasks.tasks_visible_to(acting).exists() and not list_accesses_to(acting).exists()
    with pytest.raises(Forbidden):
        task_services.cancel(acting, Task.objects.create(type="ExportMail", actor=cast.user, state="waiting"))
    assert get_access_to(actor_of(cast.user), access.pk) == access
    client = client_for(cast.domain_administrator)
    client.post(reverse("accounts:act-as", args=[cast.user.pk]), {"reason": "to help them"})
    assert client.get(reverse("jobs:task-detail", args=[task.pk])).status_code == 404
    assert client.get(reverse("archive:access-detail", args=[access.pk])).status_code in (403, 404)


# --- tasks ----------------------------------------------------------------------------------------------------------


def test_a_task_of_somebody_whose_domain_was_suspended_meanwhile_doesn_t_run(cast: Cast) -> None:
    task = factories.make_task(
        cast.user, state="waiting", type="ChangeManyRows", arguments={"list_name": "x", "action": "y"}
    )
    domain_states.disable_domain(CONSOLE, cast.domain)
    claimed = claim(task.pk)
    assert claimed is not None
    run = run_claimed(claimed)
    assert (run.state, "may not sign in any more" in run.error) == (Task.State.FAILED, True)


# --- expansion ------------------------------------------------------------------------------------------------------


def test_trying_senders_tells_no_alias_of_a_mailbox_of_others(cast: Cast) -> None:
    """Who may send to a group of members can be asked with any sender: else each guess would be answered."""
    foreign = make_mailbox_in(cast.elsewhere, "boss")
    aliases.add_alias(CONSOLE, foreign, email="ceo")
    domain_names.add_names(CONSOLE, cast.elsewhere, ["also.example.net"])
    own = actor_of(cast.domain_administrator)
    groups.create_group(own, cast.domain, email="closed", senders="members", members=[foreign.address, cast.user.email])
    aliases.add_alias(CONSOLE, cast.user.mailbox, email="nick")

    def outcome(actor: Actor, sender: str) -> str:
        return expand_for(actor, f"closed@{cast.domain.name}", sender=sender).steps[0].outcome

    refused, let_in = "sender_refused", "expanded"
    assert outcome(own, "ceo@example.net") == outcome(own, "nobody@example.net") == refused
    assert outcome(own, "boss@also.example.net") == refused
    assert outcome(own, "boss@example.net") == outcome(own, f"nick@{cast.domain.name}") == let_in
    everything = actor_of(cast.administrator)
    assert outcome(everything, "ceo@example.net") == outcome(everything, "boss@also.example.net") == let_in
