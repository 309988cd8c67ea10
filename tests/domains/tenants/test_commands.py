"""The commands about domains, as a shell and the clock call them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from domains.commands.domain_lifecycle import (
    DomainArguments,
    GetDomainsArguments,
    MoveDomainArguments,
    PurgeDeletedDomainsArguments,
    RenameDomainArguments,
)
from domains.models import Domain, Status
from domains.services import domain_states
from domains.tasks import purge_deleted
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.services import run_here
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in


def run(actor: Actor, name: str, arguments: object) -> Task:
    return run_here(actor, name, arguments)


def result(task: Task) -> dict[str, Any]:
    assert task.state == Task.State.COMPLETED, task.error
    assert task.result is not None
    return dict(task.result)


def make_deleted(name: str, *, due: bool = True, **more: Any) -> Domain:
    domain = make_domain(name, **more)
    make_mailbox_in(domain)
    domain_states.delete_domain(Actor.console(), domain)
    if due:
        Domain.objects.filter(pk=domain.pk).update(purge_at=timezone.now() - timedelta(seconds=1))
    return domain


def test_the_purge_says_first_what_it_would_do(db: None) -> None:
    make_deleted("old.example"), make_deleted("later.example", due=False)
    plan = result(run(Actor.console(), "PurgeDeletedDomains", PurgeDeletedDomainsArguments(dry_run=True)))
    assert [(each["domain"], each["mailboxes"]) for each in plan["domains"]] == [("old.example", 1)]
    assert not Domain.objects.filter(status=Status.PURGED).exists()


def test_a_second_purge_finds_nothing_to_do(db: None) -> None:
    make_deleted("old.example")
    done = [
        len(result(run(Actor.console(), "PurgeDeletedDomains", PurgeDeletedDomainsArguments()))["domains"])
        for _ in range(2)
    ]
    assert done == [1, 0]


def test_a_named_domain_is_purged_before_its_date_by_who_runs_the_server(db: None) -> None:
    customer = make_customer()
    make_deleted("mine.example", due=False, customer=customer), make_deleted("foreign.example", due=False)
    make_domain("alive.example", customer=customer)
    administrator = Actor.for_user(make_delegate(customer))
    for name in ("foreign.example", "alive.example", "unknown.example", "no domain"):
        with pytest.raises(BadArguments, match=f"there is no deleted domain {name}"):
            run(administrator, "PurgeDeletedDomains", PurgeDeletedDomainsArguments([name]))
    domain_states.restore_domain(Actor.console(), Domain.objects.get(name="mine.example"))
    domain_states.delete_domain(administrator, Domain.objects.get(name="mine.example"))
    arguments = PurgeDeletedDomainsArguments(["MINE.example"])
    assert run(administrator, "PurgeDeletedDomains", arguments).state == Task.State.FAILED
    assert result(run(Actor.console(), "PurgeDeletedDomains", arguments))["domains"]
    assert [domain.name for domain in Domain.objects.filter(status=Status.PURGED)] == ["mine.example"]


def test_the_clock_asks_for_a_purge_only_when_one_is_due(db: None, user: User) -> None:
    domain = make_deleted("old.example", due=False)
    purge_deleted()
    assert not Task.objects.exists()
    Domain.objects.filter(pk=domain.pk).update(purge_at=timezone.now())
    purge_deleted()
    assert [task.type for task in Task.objects.all()] == ["PurgeDeletedDomains"]


def test_domains_are_listed_as_the_search_box_finds_them(db: None) -> None:
    mine = make_domain("mine.example", customer=make_customer("Acme"))
    make_domain("foreign.example")
    found = result(run(Actor.console(), "GetDomains", GetDomainsArguments("customer:acme")))
    assert [(each["name"], each["customer"]) for each in found["domains"]] == [("mine.example", "Acme")]
    delegated = result(run(Actor.for_user(make_delegate(mine)), "GetDomains", GetDomainsArguments()))
    assert (delegated["total"], delegated["domains"][0]["name"]) == (1, "mine.example")
    refused = run(Actor.console(), "GetDomains", GetDomainsArguments("nonsense:x"))
    assert refused.state == Task.State.FAILED


def test_a_domain_is_renamed_after_a_dry_run(db: None) -> None:
    make_mailbox_in(make_domain("old.example"), "ada")
    dry = result(
        run(Actor.console(), "RenameDomain", RenameDomainArguments("old.example", "new.example", dry_run=True))
    )
    assert (dry["possible"], dry["mailboxes"]) == (True, 1)
    assert Domain.objects.get().name == "old.example"
    done = result(run(Actor.console(), "RenameDomain", RenameDomainArguments("old.example", "new.example")))
    assert (done["old"], done["new"], Domain.objects.get().name) == ("old.example", "new.example", "new.example")
    again = run(Actor.console(), "RenameDomain", RenameDomainArguments("old.example", "new.example"))
    assert again.state == Task.State.FAILED and Domain.objects.get().name == "new.example"


def test_a_domain_is_suspended_resumed_and_moved_by_name(db: None) -> None:
    make_customer("Acme")
    make_domain("one.example")
    assert result(run(Actor.console(), "SuspendDomain", DomainArguments("ONE.example")))["status"] == "disabled"
    assert run(Actor.console(), "SuspendDomain", DomainArguments("one.example")).state == Task.State.FAILED
    assert result(run(Actor.console(), "ResumeDomain", DomainArguments("one.example")))["status"] == "enabled"
    moved = result(run(Actor.console(), "MoveDomain", MoveDomainArguments("one.example", "Acme")))
    assert moved["customer"] == "Acme" and str(Domain.objects.get().customer) == "Acme"
    assert run(Actor.console(), "MoveDomain", MoveDomainArguments("one.example", "Nobody")).state == Task.State.FAILED
    assert run(Actor.console(), "MoveDomain", MoveDomainArguments("none.example")).state == Task.State.FAILED
