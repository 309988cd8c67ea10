"""What can't be undone takes two people."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import BadOption, Forbidden
from accounts.models import AuditEvent, Grant, Role, User
from accounts.permissions import Right
from accounts.scopes import SERVER
from accounts.services.options import set_option
from config.kit import mailing
from config.kit.versions import ChangedMeanwhile
from jobs import approvals, proofs, selectors, services, two_people
from jobs.commands import get_command
from jobs.errors import AskedAlready, BadArguments, NeedsApproval, NotRunnable, NotYours
from jobs.models import AdministratorsSeen, Approval, Task
from tests import factories
from tests.jobs import approval_commands
from tests.jobs.approval_commands import BurnArguments, burn_letters
from tests.smtp_server import Behaviour, running_server

pytestmark = pytest.mark.django_db
LETTERS = BurnArguments("love letters")
WHY = "They are from somebody else"
State, Basis = Approval.State, Approval.Basis


@pytest.fixture(autouse=True)
def _nothing_burnt() -> Iterator[None]:
    approval_commands.DONE.clear()
    yield
    approval_commands.DONE.clear()


@pytest.fixture
def ada(db: None) -> User:
    return factories.make_administrator("ada@example.org")


@pytest.fixture
def bob(db: None) -> User:
    return factories.make_administrator("bob@example.org")


def as_(user: User) -> Actor:
    return Actor.for_user(user)


def ask(user: User, arguments: BurnArguments = LETTERS) -> Approval:
    return approvals.ask(as_(user), "TestBurn", arguments, reason=WHY)


def run_all() -> None:
    for task in Task.objects.filter(state="waiting", type="TestBurn").order_by("pk"):
        services.run_waiting(task.pk)


def test_one_asks_another_approves_and_it_is_done_with_the_rights_of_who_asked(ada: User, bob: User) -> None:
    asked = ask(ada)
    assert (asked.state, asked.task, asked.numbers) == (State.WAITING, None, [[12, "letters"]])
    run_all()
    assert approval_commands.DONE == []
    decided = approvals.approve(as_(bob), asked, answer="Fine")
    assert (decided.state, decided.basis, decided.decider) == (State.APPROVED, Basis.SECOND_PERSON, bob)
    run_all()
    assert approval_commands.DONE == ["love letters"]
    assert decided.task is not None and decided.task.actor == ada
    trail = AuditEvent.objects.filter(action__startswith="approval.").order_by("pk")
    assert [(each.action, each.actor_label) for each in trail] == [
        ("approval.ask", "ada@example.org"),
        ("approval.approve", "bob@example.org"),
    ]


def test_nobody_approves_or_rejects_their_own_request(ada: User, bob: User) -> None:
    asked = ask(ada)
    with pytest.raises(NotYours):
        approvals.approve(as_(ada), asked)
    with pytest.raises(NotYours):
        approvals.reject(as_(ada), asked, answer="No")
    asked.refresh_from_db()
    assert asked.state == State.WAITING


def test_somebody_let_in_by_the_requester_days_ago_is_no_second_person(ada: User, bob: User) -> None:
    """A second account, made the day before, given rights, or whose password one has just set."""
    other, role = factories.make_user("other@example.org"), Role.objects.create(name="All", rights=["manage_server"])
    puppet = factories.make_administrator("puppet@example.org")
    Grant.objects.create(user=puppet, role=role, level="server")
    letting_in = {
        "user.create": puppet,
        "user.make_administrator": puppet,
        "grant.add": puppet,
        "user.set_password": puppet,
        "user.remove_second_factors": puppet,
        "role.change": role,
    }
    for action, obj in letting_in.items():
        audit.record(as_(ada), action, obj)
        asked = ask(ada)
        for decide in (approvals.approve, partial(approvals.reject, answer="No")):
            with pytest.raises(NotYours, match="last 7 days"):
                decide(as_(puppet), asked)
        assert not approvals.may_decide(as_(puppet), asked)
        assert "last 7 days" in approvals.why_not(as_(puppet), asked)
        assert approvals.may_decide(as_(bob), asked) and not approvals.why_not(as_(bob), asked)
        approvals.withdraw(as_(ada), asked)
        _a_week_ago()
        asked = ask(ada)
        assert approvals.may_decide(as_(puppet), asked)
        approvals.withdraw(as_(ada), asked)
    audit.record(as_(ada), "user.create", other)
    audit.record(as_(other), "user.create", puppet)  # by way of a third
    audit.record(as_(bob), "user.set_password", ada)
    asked = ask(ada)
    assert not approvals.may_decide(as_(puppet), asked)
    assert approvals.may_decide(as_(bob), asked)  # it is the requester's doing that counts
    approvals.withdraw(as_(ada), asked)
    third = factories.make_administrator("third@example.org")
    audit.record(as_(bob), "user.edit", third, changes={"name": ("A", "B")})
    asked = ask(bob)
    assert approvals.may_decide(as_(third), asked)
    assert not approvals.may_decide(as_(ada), asked)


def _a_week_ago() -> None:
    """What has happened so far was a week ago."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # the trail refuses changes
        cursor.execute("UPDATE accounts_auditevent SET at = at - interval '7 days 1 second'")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_who_took_rights_from_somebody_isn_t_alone_for_three_days(ada: User) -> None:
    """One administrator, and somebody else with rights: taking those doesn't end the rule at once."""
    audit.record(as_(ada), "grant.remove", factories.make_user("officer@example.org"))
    assert ask(ada).state == State.WAITING


def test_who_came_after_the_request_can_t_decide_it(ada: User, bob: User) -> None:
    asked = ask(ada)
    puppet = factories.make_administrator("puppet@example.org")
    with pytest.raises(NotYours):
        approvals.approve(as_(puppet), asked)


@pytest.mark.parametrize("actor", ["console", "system", "acting", "read_only", "without_right", "disabled"])
def test_who_is_no_second_person_can_t_approve(ada: User, bob: User, user: User, actor: str) -> None:
    asked = ask(ada)
    disabled = factories.make_administrator("gone@example.org")
    disabled.is_active = False
    who = {
        "console": Actor.console(),
        "system": Actor.system(),
        "acting": as_(bob).acting_as(user, "helps"),
        "read_only": as_(bob).restricted(None, read_only=True),
        "without_right": as_(user),
        "disabled": as_(disabled),
    }[actor]
    with pytest.raises(Forbidden):
        approvals.approve(who, asked)
    asked.refresh_from_db()
    assert asked.state == State.WAITING


def test_without_being_approved_it_can_t_be_started_by_any_door(ada: User, bob: User) -> None:
    with pytest.raises(NeedsApproval):
        services.submit(as_(ada), "TestBurn", LETTERS)
    with pytest.raises(NeedsApproval):
        services.start(as_(ada), "TestBurn", {"what": "love letters"})
    with pytest.raises(NeedsApproval):
        services.run_here(Actor.console(), "TestBurn", LETTERS)
    with pytest.raises(NeedsApproval):
        burn_letters(as_(ada), "love letters", approved=None)
    assert not Task.objects.exists() and approval_commands.DONE == []


def test_a_task_that_came_by_another_way_does_nothing(ada: User, bob: User) -> None:
    task = factories.make_task(ada, state="waiting", type="TestBurn", arguments={"what": "x", "for_show": False})
    services.run_waiting(task.pk)
    task.refresh_from_db()
    assert (task.state, approval_commands.DONE) == ("failed", [])


def test_an_approval_is_for_exactly_what_was_asked(ada: User, bob: User) -> None:
    decided = approvals.approve(as_(bob), ask(ada))
    assert decided.task is not None
    with pytest.raises(NeedsApproval):
        services.submit(as_(ada), "TestBurn", BurnArguments("other letters"), approval=decided)
    Task.objects.filter(pk=decided.task.pk).update(arguments={"what": "other letters", "for_show": False})
    run_all()
    assert approval_commands.DONE == []
    forged = proofs.Approved(decided.pk, "TestBurn", "second_person", "", {"what": "other letters"})
    with pytest.raises(NeedsApproval):
        burn_letters(as_(ada), "love letters", approved=forged)
    waiting = ask(ada)
    forged = proofs.Approved(waiting.pk, "TestBurn", "second_person", "", {"what": "love letters"})
    with pytest.raises(NeedsApproval):
        burn_letters(as_(ada), "love letters", approved=forged)


def test_what_can_be_undone_needs_nobody(ada: User, bob: User) -> None:
    task = services.submit(as_(ada), "TestBurn", BurnArguments("nothing", for_show=True))
    assert task.state == "waiting" and not Approval.objects.exists()
    with pytest.raises(BadArguments):
        ask(ada, BurnArguments("nothing", for_show=True))
    with pytest.raises(BadArguments):
        approvals.ask(as_(ada), "PurgeOldTasks", get_command("PurgeOldTasks").arguments(), reason=WHY)


def test_the_same_is_asked_once_and_with_a_reason(ada: User, bob: User) -> None:
    first = ask(ada)
    with pytest.raises(AskedAlready) as caught:
        ask(bob)
    assert caught.value.approval_id == first.pk
    with pytest.raises(BadArguments):
        approvals.ask(as_(ada), "TestBurn", BurnArguments("more"), reason=" \n ")


def test_a_rejected_withdrawn_or_expired_request_is_over(ada: User, bob: User) -> None:
    rejected = approvals.reject(as_(bob), ask(ada), answer="We need them")
    withdrawn = approvals.withdraw(as_(ada), ask(ada))
    expired = ask(ada)
    Approval.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotRunnable):
        approvals.approve(as_(bob), expired)
    assert approvals.expire() == 1
    assert approvals.expire() == 0
    expired.refresh_from_db()
    assert [each.state for each in (rejected, withdrawn, expired)] == [State.REJECTED, State.WITHDRAWN, State.EXPIRED]
    for over in (rejected, withdrawn, expired):
        with pytest.raises(NotRunnable):
            approvals.approve(as_(bob), over)
    with pytest.raises(Forbidden):
        approvals.withdraw(as_(bob), ask(ada))
    assert approval_commands.DONE == []


def test_rights_are_asked_again_when_it_is_approved_and_when_it_runs(ada: User, bob: User) -> None:
    asked = ask(ada)
    User.objects.filter(pk=ada.pk).update(is_administrator=False)
    with pytest.raises(Forbidden):
        approvals.approve(as_(bob), asked)
    User.objects.filter(pk=ada.pk).update(is_administrator=True)
    decided = approvals.approve(as_(bob), asked)
    User.objects.filter(pk=ada.pk).update(is_administrator=False)
    run_all()
    assert decided.task is not None
    decided.task.refresh_from_db()
    assert decided.task.state == "failed" and approval_commands.DONE == []


def test_numbers_that_changed_must_be_looked_at_again(ada: User, bob: User) -> None:
    asked = ask(ada)
    approval_commands.DONE.append("something else")
    with pytest.raises(ChangedMeanwhile):
        approvals.approve(as_(bob), asked, seen=[12])
    assert approvals.approve(as_(bob), asked, seen=[13]).numbers == [[13, "letters"]]


def test_a_run_that_broke_off_goes_on_under_its_approval_for_a_week(ada: User, bob: User) -> None:
    decided = approvals.approve(as_(bob), ask(ada))
    assert decided.task is not None
    Task.objects.filter(pk=decided.task.pk).update(state="interrupted")
    decided.task.refresh_from_db()
    again = services.start_again(as_(ada), decided.task)
    run_all()
    again.refresh_from_db()
    assert again.state == "completed" and approval_commands.DONE == ["love letters"]
    Task.objects.filter(pk=again.pk).update(state="failed")
    Approval.objects.update(decided_at=timezone.now() - timedelta(days=8))
    again.refresh_from_db()
    with pytest.raises(NeedsApproval):
        services.start_again(as_(ada), again)


# --- where the rule isn't in force ---------------------------------------------------------------------------------


def test_with_one_administrator_it_is_not_in_force_and_what_was_done_is_kept(ada: User) -> None:
    assert not two_people.standing().in_force
    asked = ask(ada)
    assert (asked.state, asked.basis) == (State.APPROVED, Basis.NOBODY_ELSE)
    run_all()
    assert approval_commands.DONE == ["love letters"]
    services.submit(as_(ada), "TestBurn", BurnArguments("bills"))
    burn_letters(as_(ada), "stamps", approved=None)
    assert Approval.objects.filter(basis=Basis.NOBODY_ELSE).count() == 3
    assert AuditEvent.objects.filter(action="approval.skip").count() == 3


def test_the_shell_is_no_second_person_beside_one_administrator(ada: User) -> None:
    assert approvals.ask(Actor.console(), "TestBurn", LETTERS, reason=WHY).basis == Basis.NOBODY_ELSE


def test_getting_rid_of_the_second_administrator_doesn_t_get_rid_of_the_rule(ada: User, bob: User) -> None:
    two_people.note_administrators()
    User.objects.filter(pk=bob.pk).update(is_active=False)
    standing = two_people.standing()
    assert standing.in_force and standing.stays_until is not None
    assert ask(ada).state == State.WAITING
    AdministratorsSeen.objects.update(at=timezone.now() - timedelta(days=4))
    assert not two_people.standing().in_force
    assert ask(ada, BurnArguments("bills")).basis == Basis.NOBODY_ELSE


def test_switching_it_off_takes_two_people_and_switching_it_on_one(ada: User, bob: User) -> None:
    with pytest.raises(BadOption):
        set_option(as_(ada), SERVER, two_people.OPTION, False)
    arguments = approvals.SwitchOffArguments()
    asked = approvals.ask(as_(ada), approvals.SWITCH_OFF, arguments, reason="We are a small team")
    assert two_people.is_switched_on()
    decided = approvals.approve(as_(bob), asked)
    assert decided.task is not None
    services.run_waiting(decided.task.pk)
    assert not two_people.is_switched_on()
    assert ask(ada).basis == Basis.RULE_OFF
    set_option(as_(ada), SERVER, two_people.OPTION, True)
    assert ask(ada, BurnArguments("bills")).state == State.WAITING


def test_a_single_administrator_switches_it_off_alone(ada: User) -> None:
    set_option(as_(ada), SERVER, two_people.OPTION, "false")
    assert not two_people.is_switched_on()


# --- the shell -----------------------------------------------------------------------------------------------------


def invoke(*words: str) -> dict[str, object]:
    out = io.StringIO()
    words = ("TestBurn", "--what", "old files", *words, "--json")
    call_command("invoke", "--", *words, stdout=out, stderr=io.StringIO())
    found: dict[str, object] = json.loads(out.getvalue())
    return found


def test_the_shell_asks_or_does_it_at_once_in_an_emergency(ada: User, bob: User) -> None:
    with pytest.raises(SystemExit):
        invoke()
    assert invoke("--ask", "They are old")["state"] == "waiting"
    assert approval_commands.DONE == []
    with pytest.raises(SystemExit):
        invoke("--emergency", "")
    assert invoke("--emergency", "The house is on fire")["state"] == "completed"
    assert approval_commands.DONE == ["old files"]
    event = AuditEvent.objects.get(action="approval.emergency")
    assert event.reason == "The house is on fire" and event.actor_label.startswith("console:")
    kept = Approval.objects.get(basis=Basis.EMERGENCY)
    assert kept in selectors.list_approvals(as_(bob)) and kept.task is not None
    with pytest.raises(Forbidden):
        approvals.at_once(as_(ada), "TestBurn", LETTERS, reason="I am in a hurry")


def test_with_the_rule_not_in_force_the_shell_just_does_it(ada: User) -> None:
    assert invoke()["state"] == "completed"
    assert invoke("--ask", "They are old")["state"] == "completed"
    assert approval_commands.DONE == ["old files"] * 2


# --- who learns of it ----------------------------------------------------------------------------------------------


def test_who_could_approve_is_told_by_mail_and_who_asked_when_it_is_decided(
    ada: User, bob: User, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    with running_server(Behaviour()) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.address, server.port
        assert mailing.is_configured()
        asked = ask(ada)
        _run_mails()
        approvals.reject(as_(bob), asked, answer="We need them")
        _run_mails()
        told, said = server.mails, "\n".join(server.said).lower()
    assert len(told) == 2 and said.index("rcpt to:<bob@example.org>") < said.index("rcpt to:<ada@example.org>")
    assert WHY in told[0] and "We need them" in told[1]


def _run_mails() -> None:
    for task in Task.objects.filter(state="waiting", type=approvals.MAIL).order_by("pk"):
        services.run_waiting(task.pk)


def test_people_see_what_they_asked_for_and_could_decide(ada: User, bob: User, user: User) -> None:
    asked = ask(ada)
    assert selectors.list_to_decide(as_(bob)) == [asked]
    assert selectors.list_to_decide(as_(ada)) == []
    assert list(selectors.list_approvals(as_(ada))) == [asked]
    with pytest.raises(Forbidden):
        selectors.list_approvals(as_(user))
    assert not selectors.approvals_visible_to(as_(user)).exists()
    assert not selectors.approvals_visible_to(as_(bob).acting_as(user, "helps")).exists()


# --- pages ---------------------------------------------------------------------------------------------------------


def test_the_pages_lead_from_the_request_to_its_task(
    client_for: Callable[[User | None], Client], ada: User, bob: User
) -> None:
    asked = ask(ada)
    page = reverse("jobs:approval-detail", args=[asked.pk])
    own = client_for(ada).get(page).content.decode()
    assert "Withdraw" in own and "Approve and do it" not in own and "bob@example.org" in own
    browser = client_for(bob)
    assert "love letters" in browser.get("/").content.decode()
    assert "love letters" in browser.get(reverse("jobs:approval-list")).content.decode()
    shown = browser.get(page).content.decode()
    assert "Approve and do it" in shown and WHY in shown and "12" in shown
    assert browser.post(reverse("jobs:approval-reject", args=[asked.pk]), {"answer": ""}).status_code == 422
    late = browser.post(reverse("jobs:approval-approve", args=[asked.pk]), {"seen": "[11]"}, follow=True)
    assert "Somebody changed this meanwhile" in late.content.decode()
    done = browser.post(reverse("jobs:approval-approve", args=[asked.pk]), {"seen": "[12]"}, follow=True)
    assert "Burning of letters #" in done.content.decode()
    again = browser.post(reverse("jobs:approval-approve", args=[asked.pk]), {"seen": "[12]"}, follow=True)
    assert "decided already" in again.content.decode()


def test_the_pages_say_whether_the_rule_is_in_force(client_for: Callable[[User | None], Client], ada: User) -> None:
    address = reverse("jobs:approval-list")
    assert "one administrator only" in client_for(ada).get(address).content.decode()
    factories.make_administrator("bob@example.org")
    assert "In force" in client_for(ada).get(address).content.decode()
    switch_off = reverse("jobs:approval-switch-off")
    assert client_for(ada).post(switch_off, {"reason": ""}).status_code == 422
    asked = client_for(ada).post(switch_off, {"reason": "We are a small team"})
    approval = Approval.objects.get()
    assert asked["Location"] == reverse("jobs:approval-detail", args=[approval.pk])
    assert approval.need == Right.MANAGE_SERVER
