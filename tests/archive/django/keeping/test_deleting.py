"""Deleting a message by hand, and the holds and settings that forbid it."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from archive import engines
from archive.errors import BadArguments, BadPolicy, Kept, MessageUnknown, ProcessingStopped
from archive.keeping.exchange import policies_from_json
from archive.models import Compliance, LegalHold, Store
from archive.ruling import Block, may_delete
from archive.services import compliance, deleting, holds, mass_deletion
from archive.services.stores import current_store
from archive.store import Ingest
from archive.store.backend import FileLease
from archive.store.contract.making import bring_index
from archive.store.journal import Position
from domains.models import Mailbox
from jobs import approvals, services
from jobs.commands import get_command
from jobs.errors import NeedsApproval
from jobs.models import Approval
from tests import factories
from tests.archive.django.factories import archive, make_raw
from tests.archive.django.keeping.ground import (
    CONSOLE,
    a_run,
    archived_on,
    at,
    hold,
    left,
    mail_of,
    number_of,
    policy,
    set_policies,
)

pytestmark = pytest.mark.django_db
WHY = "Sent by mistake"


def test_a_message_is_deleted_with_a_reason_that_is_journalled(user: User) -> None:
    gone, stays = mail_of(user, "2024-06-01", "One", "Two")
    for reason in ("", "  \n", "x"):
        with pytest.raises(BadArguments):
            deleting.delete_message(CONSOLE, gone, reason=reason)
    deleting.delete_message(CONSOLE, gone, reason=WHY)
    assert left() == [number_of(stays)]
    event = AuditEvent.objects.get(action="mail.delete")
    assert (event.reason, event.object_label) == (WHY, gone)
    records = engines.open_store(Store.objects.get()).journal.read(Position())
    deletion = [each for record in records for each in record.events if each[0] == "del"]
    assert deletion == [["del", [number_of(gone)], 0, WHY, CONSOLE.label, 1]], "what people delete is an erasure"
    with pytest.raises(MessageUnknown):
        deleting.delete_message(CONSOLE, gone, reason=WHY)
    for id in ("1:999", "99:1", "nonsense", ""):
        with pytest.raises(MessageUnknown):
            deleting.delete_message(CONSOLE, id, reason=WHY)


def test_it_takes_the_right(user: User, administrator: User) -> None:
    (message,) = mail_of(user, "2024-06-01", "One")
    with pytest.raises(Forbidden):
        deleting.delete_message(Actor.for_user(user), message, reason=WHY)
    with pytest.raises(Forbidden):
        deleting.delete_message(Actor.for_user(administrator).restricted(None, read_only=True), message, reason=WHY)
    deleting.delete_message(Actor.for_user(administrator), message, reason=WHY)


def test_before_the_minimum_date_it_is_deleted_by_nobody(user: User, administrator: User) -> None:
    (message,) = mail_of(user, "2024-06-01", "One")
    set_policies(policy("Ten years", 10))
    for actor in (CONSOLE, Actor.system(), Actor.for_user(administrator)):
        with pytest.raises(Kept, match="“Ten years” keeps it until 2034-06-02"):
            deleting.delete_message(actor, message, reason=WHY)
    assert left() == [number_of(message)]


@pytest.mark.parametrize(
    ("terms", "held"),
    [
        ({"everything": True}, True),
        ({"query": "budget"}, True),
        ({"query": "holiday"}, False),
        ({"date_from": datetime.date(2004, 1, 31), "date_to": datetime.date(2004, 1, 31)}, True),
        ({"date_from": datetime.date(2004, 2, 1)}, False),
        ({"date_to": datetime.date(2004, 1, 30)}, False),
    ],
)
def test_a_hold_covers_what_it_says(user: User, terms: dict[str, object], held: bool) -> None:
    (message,) = mail_of(user, "2024-06-01", "The budget")
    hold("A case", **terms)
    store = Store.objects.get()
    row = engines.open_store(store).row(number_of(message))
    assert row is not None and may_delete(store, row).allowed is not held
    if held:
        with pytest.raises(Kept, match="hold"):
            deleting.delete_message(CONSOLE, message, reason=WHY)


def test_a_hold_on_somebody_s_mail_covers_copies_wherever_they_are_kept(user: User, stranger: User) -> None:
    raw = make_raw("Between us")
    (message,) = mail_of(user, "2024-06-01", "Other")
    first = Store.objects.get()
    mailbox = factories.make_mailbox(user)
    opened = engines.open_store(first)
    with Ingest(opened, mailbox.pk, index="feed") as ingest:
        ingest.put("Inbox", content=raw)
    number = next(outcome.number for outcome in ingest.outcomes())
    Store.objects.update(state="normal")
    second = current_store(Actor.system())
    assert second != first
    theirs = factories.make_mailbox(stranger)
    with Ingest(engines.open_store(second), theirs.pk, index="feed") as ingest:
        ingest.put("Inbox", content=raw)
    hold("About the stranger", mailboxes=[theirs])
    row = opened.row(number)
    assert row is not None and Block.HELD in may_delete(first, row).blocks
    other = opened.row(number_of(message))
    assert other is not None and may_delete(first, other).allowed
    # A store that doesn't answer may hold a copy: then nothing goes.
    engines.close_all()
    (second.root / "store.json").rename(second.root / "store.gone")
    assert list(may_delete(first, other).blocks) == [Block.STORE_SILENT]
    LegalHold.objects.all().delete()
    assert may_delete(first, other).allowed


def test_ending_a_hold_takes_two_people(user: User, administrator: User) -> None:
    (message,) = mail_of(user, "2024-06-01", "One")
    second = Actor.for_user(factories.make_administrator("second@example.org"))
    first = Actor.for_user(administrator)
    placed = hold()
    with pytest.raises(NeedsApproval):
        holds.release_hold(first, placed, reason=WHY)
    arguments = get_command("ReleaseHold").arguments(placed.pk)
    asked = approvals.ask(first, "ReleaseHold", arguments, reason="The case is closed")
    assert asked.numbers == [[1, "messages are no longer held by it"]]
    decided = approvals.approve(second, asked)
    assert decided.task is not None
    services.run_waiting(decided.task.pk)
    placed.refresh_from_db()
    assert (placed.state, placed.release_reason) == ("released", "The case is closed")
    deleting.delete_message(first, message, reason=WHY)


def test_a_hold_says_what_it_covers_and_is_made_only_of_sense(user: User) -> None:
    mail_of(user, "2024-06-01", "The budget", "A holiday")
    terms = holds.HoldTerms("A case", WHY, query="budget", mailboxes=[Mailbox.objects.get(user=user)])
    covered = holds.preview(CONSOLE, terms)
    assert (covered.messages, covered.silent, covered.behind) == (1, [], [])
    for wrong in (
        holds.HoldTerms("", WHY, everything=True),
        holds.HoldTerms("A case", "", everything=True),
        holds.HoldTerms("A case", WHY),
        holds.HoldTerms("A case", WHY, query="(unclosed"),
        holds.HoldTerms("A case", WHY, date_from=at("2024-01-02").date(), date_to=at("2024-01-01").date()),
    ):
        with pytest.raises(BadPolicy):
            holds.place_hold(CONSOLE, wrong)
    with pytest.raises(Forbidden):
        holds.place_hold(Actor.for_user(user), terms)


def test_compliance_forbids_deleting_and_holds_everything(user: User, administrator: User) -> None:
    (message,) = mail_of(user, "2024-06-01", "One")
    factories.make_administrator("second@example.org")
    actor = Actor.for_user(administrator)
    compliance.set_compliance(actor, {"deletion_allowed": False})
    with pytest.raises(Kept, match="Compliance"):
        deleting.delete_message(actor, message, reason=WHY)
    compliance.set_compliance(actor, {"deletion_allowed": True, "legal_hold": True})
    with pytest.raises(Kept, match="everything"):
        deleting.delete_message(actor, message, reason=WHY)
    with pytest.raises(NeedsApproval):
        compliance.set_compliance(actor, {"legal_hold": False})
    assert Compliance.now().legal_hold


def test_what_people_may_not_delete_one_by_one_they_don_t_delete_by_the_thousand(user: User) -> None:
    mail_of(user, "2024-06-01", "The budget")
    arguments = get_command("DeleteMessages").arguments("budget", WHY)
    ada, bob = (Actor.for_user(factories.make_administrator(f"{name}@example.org")) for name in ("ada", "bob"))
    asked = approvals.ask(ada, "DeleteMessages", arguments, reason=WHY)
    compliance.set_compliance(ada, {"deletion_allowed": False})
    with pytest.raises(Kept, match="Compliance"):
        approvals.approve(bob, asked)
    with pytest.raises(Kept, match="Compliance"):
        mass_deletion.delete_messages(CONSOLE, a_run(), arguments)
    assert len(left()) == 1


def test_the_page_says_how_many_would_go_and_asks_for_it(user: User, client_for: Callable[[User], Client]) -> None:
    mail_of(user, "2024-06-01", "The budget", "A holiday", "Budget again")
    bring_index(engines.open_store(Store.objects.get()))
    ada = factories.make_administrator("ada@example.org")
    factories.make_administrator("bob@example.org")
    page, url = client_for(ada), reverse("archive:messages-delete")
    values = {"query": "budget", "user_name": user.email, "at_most": "10", "reason": WHY}
    assert '<b class="num">2</b>' in page.post(url, values).content.decode()
    for wrong in ({"query": "("}, {"user_name": "nobody@example.org"}, {"at_most": "1"}, {"reason": ""}):
        assert page.post(url, {**values, **wrong}).status_code == 422
    assert page.post(url, {**values, "ask": "1"}).status_code == 303
    asked = Approval.objects.get()
    assert (asked.command, asked.numbers[0][0], len(left())) == ("DeleteMessages", 2, 3)


def test_an_index_that_is_behind_or_not_whole_chooses_nothing_to_delete(user: User) -> None:
    mail_of(user, "2024-06-01", "The budget", "A holiday")
    store = Store.objects.get()
    arguments = get_command("DeleteMessages").arguments("budget", WHY)
    with archived_on("2024-06-02"):
        archive(user, [make_raw("Another budget")], index=False)
    with pytest.raises(ProcessingStopped, match="is behind"):
        mass_deletion.delete_messages(CONSOLE, a_run(), arguments)
    bring_index(engines.open_store(store))
    file = max((store.work / "index").glob("*.store"), key=lambda each: each.stat().st_size)
    content = file.read_bytes()
    file.write_bytes(content[:10] + bytes([content[10] ^ 1]) + content[11:])
    with pytest.raises(ProcessingStopped, match="isn't whole"):
        mass_deletion.delete_messages(CONSOLE, a_run(), arguments)
    file.write_bytes(content)
    with FileLease(store.work / "verify.lock").hold(), pytest.raises(ProcessingStopped, match="being verified"):
        mass_deletion.delete_messages(CONSOLE, a_run(), arguments)
    assert len(left()) == 3
    assert mass_deletion.delete_messages(CONSOLE, a_run(), arguments) == {"found": 2, "deleted": 2, "kept": 0}


def run(name: str, **arguments: object) -> dict[str, object]:
    task = services.run_here(CONSOLE, name, get_command(name).arguments_from_json(arguments))
    assert task.state == "completed", task.error
    found: dict[str, object] = task.result or {}
    return found


def test_the_commands_are_those_of_archive_programs(user: User) -> None:
    (message,) = mail_of(user, "2015-06-01", "One")
    config = run("GetComplianceConfiguration")
    assert set(config) == {
        "adminEmailPreviewEnabled", "legalHoldEnabled", "passwordPolicyEnabled", "logSuccessfulUserActivities",
    }  # fmt: skip
    assert run("SetComplianceConfiguration", config={**config, "legalHoldEnabled": True})["legalHoldEnabled"] is True
    run("SetComplianceConfiguration", config={**config, "legalHoldEnabled": False})
    wanted = [
        {
            "name": "Keep All Mails for 10 Years",
            "order": 1,
            "enabled": True,
            "searchCriteria": {
                "from": None,
                "to": None,
                "query": None,
                "queryAttachmentContents": False,
                "queryAttachments": False,
                "queryMessageBody": False,
                "querySubject": False,
                "includedArchives": None,
                "excludedArchives": ["admin"],
            },
            "period": 10,
            "periodInterval": "year",
            "referenceDateType": "ArchiveDate",
            "delete": False,
        }
    ]
    assert run("SetRetentionPolicies", config=wanted)["worked_out"] == 1
    assert run("GetRetentionPolicies")["policies"] == wanted
    assert run("ProcessRetentionPolicies")["deleted"] == 0
    assert run("FollowRetention")["worked_out"] == 0
    assert run("DeleteMessage", id=message, reason=WHY) == {"deleted": message}
    assert left() == []


def test_datasets_that_say_something_else_are_refused_by_their_place(user: User) -> None:
    good = {"name": "x", "order": 1, "enabled": True, "period": 1, "periodInterval": "year", "delete": False}
    criteria = dict.fromkeys(("from", "to", "query", "includedArchives", "excludedArchives"))
    criteria |= dict.fromkeys(
        ("queryAttachmentContents", "queryAttachments", "queryMessageBody", "querySubject"), False
    )
    whole = {**good, "referenceDateType": "ArchiveDate", "searchCriteria": criteria}
    assert policies_from_json([whole])[0]["position"] == 1
    for wrong, place in (
        ({**whole, "period": 0}, "config[0].period"),
        ({**whole, "period": True}, "config[0].period"),
        ({**whole, "periodInterval": "decade"}, "config[0].periodInterval"),
        ({**whole, "searchCriteria": {**criteria, "includedArchives": ["Admin"]}}, "includedArchives"),
        ({**whole, "extra": 1}, "config[0]"),
        ({**whole, "searchCriteria": {}}, "config[0].searchCriteria"),
    ):
        with pytest.raises(BadPolicy) as caught:
            policies_from_json([wrong])
        assert place in caught.value.field
    lists: list[object] = [{}, [whole, whole], [{**whole, "order": 2}, {**whole, "name": "X"}]]
    for wrong_list in lists:
        with pytest.raises(BadPolicy):
            policies_from_json(wrong_list)


def test_many_are_deleted_by_two_people_and_what_is_kept_stays(user: User, stranger: User) -> None:
    ours = mail_of(user, "2024-06-01", "The budget", "A holiday", "Budget of the case")
    theirs = mail_of(stranger, "2024-06-02", "Their budget")
    hold(query="case")
    ada, bob = (Actor.for_user(factories.make_administrator(f"{name}@example.org")) for name in ("ada", "bob"))
    bring_index(engines.open_store(Store.objects.get()))
    arguments = get_command("DeleteMessages").arguments("budget", WHY, user.email)
    with pytest.raises(NeedsApproval):
        services.submit(ada, "DeleteMessages", arguments)
    asked = approvals.ask(ada, "DeleteMessages", arguments, reason=WHY)
    assert asked.numbers[0][0] == 2
    decided = approvals.approve(bob, asked)
    assert decided.task is not None
    services.run_waiting(decided.task.pk)
    decided.task.refresh_from_db()
    assert decided.task.result == {"found": 2, "deleted": 1, "kept": 1}
    assert left() == sorted(map(number_of, (*ours[1:], *theirs)))
    bring_index(engines.open_store(Store.objects.get()))
    for wrong in (("", WHY), ("budget", ""), ("(", WHY), ("budget", WHY, None, 1)):
        with pytest.raises(BadArguments):
            approvals.ask(ada, "DeleteMessages", get_command("DeleteMessages").arguments(*wrong), reason=WHY)
