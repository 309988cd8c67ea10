"""The commands about domains, as a shell and the clock call them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from domains.commands.domain_lifecycle import PurgeDeletedDomainsArguments
from domains.models import Domain, Status
from domains.services import domain_states
from domains.tasks import purge_deleted
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


def test_a_named_domain_is_purged_before_its_date_if_it_is_deleted_and_the_actors(db: None) -> None:
    customer = make_customer()
    make_deleted("mine.example", due=False, customer=customer), make_deleted("foreign.example", due=False)
    make_domain("alive.example", customer=customer)
    administrator = Actor.for_user(make_delegate(customer))
    for name in ("foreign.example", "alive.example", "unknown.example", "no domain"):
        task = run(administrator, "PurgeDeletedDomains", PurgeDeletedDomainsArguments([name]))
        assert (task.state, task.error) == (Task.State.FAILED, f"there is no deleted domain {name}")
    domain_states.restore_domain(Actor.console(), Domain.objects.get(name="mine.example"))
    domain_states.delete_domain(administrator, Domain.objects.get(name="mine.example"))
    assert result(run(administrator, "PurgeDeletedDomains", PurgeDeletedDomainsArguments(["MINE.example"])))["domains"]
    assert [domain.name for domain in Domain.objects.filter(status=Status.PURGED)] == ["mine.example"]


def test_the_clock_asks_for_a_purge_only_when_one_is_due(db: None, user: User) -> None:
    domain = make_deleted("old.example", due=False)
    purge_deleted()
    assert not Task.objects.exists()
    Domain.objects.filter(pk=domain.pk).update(purge_at=timezone.now())
    purge_deleted()
    assert [task.type for task in Task.objects.all()] == ["PurgeDeletedDomains"]
