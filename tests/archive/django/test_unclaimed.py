"""Mail whose owner a damaged journal no longer tells: nobody reads it until it is given to those it names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from archive import engines, owners, selectors
from archive.errors import StoreRefused
from archive.models import Store
from archive.selectors import Scope, readable_archives
from archive.services import unclaimed
from archive.services.unclaimed import COMMAND, GiveArguments
from archive.store.contract import bring_index, check_invariants
from archive.store.operations import recover
from domains.models import Mailbox
from jobs import approvals
from jobs.commands import get_command
from jobs.errors import NeedsApproval
from jobs.models import Task
from jobs.services import run_here, run_waiting
from tests.archive.django.factories import archive, make_raw
from tests.archive.django.test_folders import actor_of
from tests.factories import make_administrator, make_mailbox
from tests.stage import Cast

ClientFor = Callable[..., Client]
SYSTEM = Actor.system()


@pytest.fixture
def rescued(cast: Cast) -> Store:
    """A store whose journal and catalogue are lost but for the packs: six messages that were of two mailboxes."""
    mailbox, other = Mailbox.objects.get(user=cast.user), make_mailbox(cast.stranger)
    to_user = [make_raw("Budget", number=n, to=mailbox.address) for n in (1, 2, 3)]
    to_both = make_raw("Budget of both", number=4, to=f"{mailbox.address}, {other.address}")
    from_other = make_raw("Budget out", number=5, sender=other.address, to="far@elsewhere.example")
    of_nobody = make_raw("Budget list", number=6, sender="list@far.example", to="members@far.example")
    archive(cast.user, [*to_user, to_both])
    archive(other, [from_other, of_nobody])
    store = Store.objects.get()
    engines.close_all()
    for segment in sorted((store.root / "journal").iterdir()):
        raw = segment.read_bytes()
        segment.write_bytes(raw[:64] + bytes(len(raw) - 64))
    for file in store.work.glob("catalogue*"):
        file.unlink()
    invoke("RecoverStore", id=store.pk)
    return store


def invoke(name: str, **arguments: object) -> dict[str, object]:
    task = run_here(Actor.console(), name, get_command(name).arguments_from_json(arguments))
    assert task.state == Task.State.COMPLETED, task.error
    return dict(task.result or {})


def found(cast: Cast, of: str) -> int:
    user = getattr(cast, of)
    own = [each for each in readable_archives(actor_of(user)) if each.is_own]
    return selectors.search(Scope.of(own[0]), "budget").total if own else 0


def test_the_engine_s_nobody_is_the_archive_s() -> None:
    assert recover.NOBODY == owners.NOBODY and owners.is_nobodys(owners.NOBODY)
    assert not owners.is_nobodys(7) and not owners.is_nobodys(owners.passing(7))


def test_each_message_goes_to_those_it_names_and_what_names_nobody_stays(cast: Cast, rescued: Store) -> None:
    assert (found(cast, "user"), found(cast, "stranger")) == (0, 0)
    plan = unclaimed.plan_giving(SYSTEM, rescued, owners.NOBODY)
    mailbox, other = Mailbox.objects.get(user=cast.user), Mailbox.objects.get(user=cast.stranger)
    assert plan.mailboxes == {mailbox.address: 4, other.address: 2}
    assert (plan.messages, plan.given, plan.unnamed) == (6, 5, 1)
    done = invoke(COMMAND, id=rescued.pk, owner=owners.NOBODY)
    assert (done["given"], done["named_nobody"]) == (5, 1)
    opened = engines.open_store(rescued)
    bring_index(opened)
    check_invariants(opened, index=True)
    assert (found(cast, "user"), found(cast, "stranger")) == (4, 2)
    events = AuditEvent.objects.filter(action__in=("store.give", "store.gave")).order_by("pk")
    assert [event.action for event in events] == ["store.give", "store.gave"]
    assert events[1].details["mailboxes"] == {mailbox.address: 4, other.address: 2}
    again = invoke(COMMAND, id=rescued.pk, owner=owners.NOBODY)  # the one that names nobody is still there
    assert (again["messages"], again["given"]) == (1, 0)


def test_all_of_it_to_one_mailbox_takes_two_people_and_leaves_nothing_behind(cast: Cast, rescued: Store) -> None:
    first, second = Actor.for_user(cast.administrator), Actor.for_user(make_administrator("second@example.org"))
    mailbox = Mailbox.objects.get(user=cast.user)
    arguments = GiveArguments(rescued.pk, owners.NOBODY, mailbox.address)
    with pytest.raises(NeedsApproval):
        run_here(first, COMMAND, arguments)
    asked = approvals.ask(first, COMMAND, arguments, reason="It was all hers")
    assert found(cast, "user") == 0
    approved = approvals.approve(second, asked)
    assert approved.task is not None
    task = run_waiting(approved.task.pk)
    assert task is not None and task.state == Task.State.COMPLETED, task and task.error
    opened = engines.open_store(rescued)
    bring_index(opened)
    assert found(cast, "user") == 6
    assert not opened.folders(owners.NOBODY)
    with pytest.raises(StoreRefused):
        unclaimed.plan_giving(SYSTEM, rescued, owners.NOBODY)


def test_nobody_gives_a_person_s_own_mail_away_and_only_administrators_of_stores_give_any(
    cast: Cast, rescued: Store
) -> None:
    archive(cast.user, [make_raw("Mine", number=9)])
    mailbox = Mailbox.objects.get(user=cast.user)
    for owner in (mailbox.pk, owners.passing(mailbox.pk), owners.NOBODY + 5):
        with pytest.raises(StoreRefused):
            unclaimed.plan_giving(SYSTEM, rescued, owner)
    with pytest.raises(Forbidden):
        unclaimed.plan_giving(actor_of(cast.domain_administrator), rescued, owners.NOBODY)


def test_the_page_leads_from_the_store_s_mailboxes_to_the_task(
    cast: Cast, rescued: Store, client_for: ClientFor
) -> None:
    client = client_for(cast.administrator)
    listed = client.get(reverse("archive:store-mailboxes", args=[rescued.pk])).content.decode()
    page = reverse("archive:store-give", args=[rescued.pk, owners.NOBODY])
    assert "rescued by a recovery" in listed and page in listed
    looked = client.post(page, {"user_name": "", "reason": "", "look": "1"})
    assert looked.status_code == 200 and Mailbox.objects.get(user=cast.user).address in looked.content.decode()
    unknown = client.post(page, {"user_name": "nobody@nowhere.example", "reason": "x", "save": "1"})
    assert unknown.status_code == 422
    no_reason = client.post(page, {"user_name": cast.user.email, "save": "1"})
    assert no_reason.status_code == 422 and b"Say why" in no_reason.content
    begun = client.post(page, {"user_name": "", "reason": "", "save": "1"})
    assert begun.status_code == 303
    task = run_waiting(Task.objects.get(type=COMMAND).pk)
    assert task is not None and task.state == Task.State.COMPLETED and (task.result or {})["given"] == 5
