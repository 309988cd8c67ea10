"""The bulk generator leaves what the services leave: the same small directory both ways, every row compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models import DateTimeField, Model

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from benchmarks import house
from benchmarks.directory_data import ADMINISTRATORS, CUSTOMER, FORTY_DOMAINS, ONE_DOMAIN, PASSWORD, TABLES, write
from benchmarks.invented import Directory, InventedDomain, aliases
from domains.models import Address, Customer, Domain, Mailbox, Policy
from domains.services.aliases import add_alias
from domains.services.domains import create_domain
from domains.services.forwards import create_forward
from domains.services.groups import create_group
from domains.services.mailboxes import create_mailbox
from domains.services.quotas import refresh_fill

pytestmark = pytest.mark.django_db
SMALL = Directory(50, 7, 3)
NUMBERS = ("id", "object_id", "password")  # given in another order, or by chance


def made_by(make: Callable[[], None]) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables after `make`, numbers of rows replaced by what they name; then undone."""
    with transaction.atomic():
        make()
        found = {model.__name__: sorted(map(plain, model._base_manager.all()), key=str) for model in TABLES}
        transaction.set_rollback(True)
    return found


def plain(row: Model) -> dict[str, Any]:
    names = {"domain_id": Domain, "home_domain_id": Domain, "customer_id": Customer, "home_customer_id": Customer}
    names |= {"about_user_id": User, "user_id": User, "actor_id": User}
    names |= {
        "default_policy_id": Policy,
        "policy_id": Policy,
        "address_id": Address,
        "target_id": Address,
        "claim_id": Address,
    }
    found = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.attname in names and value is not None:
            value = str(names[field.attname]._base_manager.get(pk=value))
        if field.attname not in NUMBERS and not isinstance(field, DateTimeField):
            found[field.attname] = value
    return found


def other_addresses(actor: Actor, domain: Domain, invented: InventedDomain) -> None:
    at = f"@{domain.name}"
    for local, person in aliases(list(SMALL.people(invented))):
        add_alias(actor, Mailbox.objects.get(address=person + at), email=local)
    for group in SMALL.groups(invented, list(SMALL.people(invented))):
        members = [*(member + at for member in group.members), *group.elsewhere]
        create_group(actor, domain, email=group.local, members=members)
    for local, target in SMALL.forwards(invented):
        create_forward(actor, domain, email=local, targets=[target])


def by_services() -> None:
    actor = Actor.console()
    customers = [Customer.objects.create(name=name) for name in SMALL.customers]
    for invented in SMALL.domains:
        domain = create_domain(
            actor, name=invented.name, customer=customers[invented.customer], quota_bytes=invented.quota_bytes
        )
        for person in SMALL.people(invented):
            mailbox = create_mailbox(
                actor,
                domain,
                email=person.local,
                first_name=person.first,
                last_name=person.last,
                status=person.status,
                quota_bytes=person.quota_bytes,
            )
            used = {"used_bytes": person.used_bytes, "used_messages": person.used_messages}
            Mailbox.objects.filter(pk=mailbox.pk).update(**used)
        other_addresses(actor, domain, invented)
    refresh_fill()


def test_the_generator_leaves_what_the_services_leave() -> None:
    bulk, served = made_by(lambda: write(SMALL, administrators=False)), made_by(by_services)
    for name, rows in served.items():
        assert len(bulk[name]) == len(rows), name
        for made, wanted in zip(bulk[name], rows, strict=True):
            assert [(key, made[key], wanted[key]) for key in made if made[key] != wanted[key]] == [], (name, wanted)


def test_the_administrators_to_measure_as_see_their_part() -> None:
    directory = Directory(200, 60, 6)
    write(directory)
    seen = {}
    for email in ADMINISTRATORS:
        actor = Actor.for_user(User.objects.get(email=email))
        domains = Domain.objects.visible_to(actor, Right.VIEW_DOMAINS)
        mailboxes = Mailbox.objects.visible_to(actor, Right.VIEW_USERS)
        seen[email] = (domains.count(), mailboxes.count())
    assert seen[ONE_DOMAIN] == (1, directory.largest.size)
    assert seen[FORTY_DOMAINS][0] == 40
    assert seen[CUSTOMER][0] == directory.domain_counts[1]
    assert User.objects.get(email=ONE_DOMAIN).check_password(PASSWORD)
    assert PASSWORD == house.PASSWORD
