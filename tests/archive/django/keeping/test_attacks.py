"""Ways around retention and holds, tried one after another; each must end with the message still there."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from accounts.services.tokens import create_token
from archive import engines
from archive.errors import ArchiveError, BadPolicy, Kept, ProcessingStopped
from archive.keeping import dates
from archive.keeping.exchange import policy_as_json
from archive.models import LegalHold, RetentionPolicy, Store
from archive.ruling import Block, may_delete
from archive.services import (
    attaching,
    certificates,
    deleting,
    folders,
    mass_deletion,
    retention_policies,
    retention_run,
    store_changes,
)
from archive.services.retention_dates import follow
from archive.services.retention_run import process
from archive.services.sharing import set_folder_privileges
from archive.services.store_places import Place
from archive.services.stores import NewStore, create_store, current_store
from archive.store import Ingest, journal
from archive.store.contract.making import bring_index
from archive.store.operations import merge, recover, recreate_journal
from domains.models import Mailbox
from jobs import approvals, services
from jobs.commands import get_command
from jobs.running import TaskRun
from tests import factories
from tests.archive.django.factories import archive, make_raw
from tests.archive.django.keeping.ground import (
    CONSOLE,
    a_run,
    archived_on,
    at,
    follow_all,
    hold,
    left,
    mail_of,
    number_of,
    policy,
    present,
    set_policies,
)

pytestmark = pytest.mark.django_db
WHY = "An attack"


def minimum_of(public_id: str, store: Store | None = None) -> str:
    store = store or Store.objects.get()
    row = engines.open_store(store).row(number_of(public_id))
    assert row is not None
    return str(dates.date_of(may_delete(store, row).minimum))


@pytest.mark.parametrize("kept_by", ["minimum", "hold", "everything", "copy"])
def test_nobody_and_no_door_deletes_what_must_stay(
    user: User, stranger: User, administrator: User, kept_by: str, client_for: Callable[[User], Client]
) -> None:
    (message,) = mail_of(user, "2015-06-01", "The budget")
    store = Store.objects.get()
    if kept_by == "minimum":
        set_policies(policy("For ever", 100, deletes=True))
    elif kept_by == "hold":
        set_policies(policy("Short", 1, deletes=True))
        hold(query="subject:budget")
    elif kept_by == "everything":
        set_policies(policy("Short", 1, deletes=True))
        hold()
    else:  # the same bytes lie in the archive of somebody who is held, in another store
        set_policies(policy("Short", 1, deletes=True))
        Store.objects.update(state="normal")
        second, theirs = current_store(Actor.system()), factories.make_mailbox(stranger)
        with Ingest(engines.open_store(second), theirs.pk, index="feed") as ingest:
            ingest.put("Inbox", content=engines.open_store(store).read(number_of(message)))
        hold(mailboxes=[theirs])
    bring_index(engines.open_store(store))
    mailbox = Mailbox.objects.get(user=user)
    set_folder_privileges(Actor.system(), stranger, mailbox, "", ["read", "delete"])
    for actor in (CONSOLE, Actor.system(), Actor.for_user(administrator)):
        with pytest.raises(Kept):
            deleting.delete_message(actor, message, reason=WHY)
        assert process(actor, a_run())["deleted"] == 0
    command, arguments = get_command("DeleteMessages"), ("budget", WHY)
    for approval in (None, "emergency"):
        del approval
        assert mass_deletion.delete_messages(CONSOLE, a_run(), command.arguments(*arguments))["deleted"] == 0
    task = approvals.at_once(CONSOLE, command.name, command.arguments(*arguments), reason="An emergency")
    assert task.result is not None and task.result["deleted"] == 0
    task = services.run_here(CONSOLE, "DeleteMessage", get_command("DeleteMessage").arguments(message, WHY))
    assert task.state == "failed"
    page = client_for(stranger).post(reverse("archive:message-delete", args=[message]), {"reason": WHY})
    assert page.status_code == 422
    token = create_token(Actor.for_user(administrator), administrator, name="x")
    answer = Client().post(
        f"/api/v1/messages/{message}/deletion", {"reason": WHY}, "application/json",
        headers={"Authorization": f"Bearer {token.value}"},
    )  # fmt: skip
    assert answer.status_code == 409, answer.content
    assert number_of(message) in left(store)


def test_a_locked_policy_isn_t_got_around_by_names_order_or_neighbours(user: User) -> None:
    set_policies(policy("Law", 10, locked=True), policy("Rest", 1, deletes=True))
    law, rest = present()
    for wrong in (
        [{**law, "name": "Old law", "id": law["id"], "period": 1}, rest],
        [{**law, "id": 0}, rest],  # another one of the same name
        [{**rest, "name": "Law"}, {**law, "name": "Rest"}],  # the two change names: the short one stands first
        [rest, law],
        [policy("First", 1), law, rest],
        [policy("First", 20, deletes=True), law, rest],
        [policy("First", 5, interval="month", query="subject:budget"), law, rest],
        [{**law, "excluded": [user.email]}, rest],
        [{**law, "included": [user.email]}, rest],
        [{**law, "reference": "MessageDate"}, rest],
        [{**rest, "query": ""}, law],
    ):
        with pytest.raises(BadPolicy, match="locked"):
            retention_policies.set_policies(CONSOLE, wrong)
    command = get_command("SetRetentionPolicies")
    config = [policy_as_json({**law, "period": 1, "position": 1})]
    for arguments in (command.arguments(config, []), command.arguments([], [])):
        with pytest.raises(ArchiveError, match="locked"):
            approvals.at_once(CONSOLE, command.name, arguments, reason="An emergency")
    assert [(row.name, row.period, row.locked) for row in RetentionPolicy.objects.all()] == [
        ("Law", 10, True), ("Rest", 1, False),
    ]  # fmt: skip


def test_another_address_takes_nobody_out_of_a_policy(user: User) -> None:
    """A domain's administrator may rename mailboxes, and must not end what the organisation keeps by that."""
    mailbox = factories.make_mailbox(user)
    set_policies(
        policy("Board", 20, included=[user.email]),
        policy("Not him", 15, excluded=["left-out@example.org"]),
        policy("Rest", 1, deletes=True),
    )
    (old,) = mail_of(user, "2020-06-01", "Old")
    Mailbox.objects.filter(pk=mailbox.pk).update(address="left-out@example.org")  # as renaming does
    mailbox.refresh_from_db()
    with archived_on("2020-06-02"):
        (new,) = archive(mailbox, [make_raw("New")])
    set_policies(*[each if each["name"] != "Rest" else {**each, "period": 2} for each in present()])
    assert (minimum_of(old), minimum_of(new)) == ("2040-06-02", "2040-06-03")
    set_policies(*present()[:2], {**present()[2], "interval": "month"})  # an agreed shortening of another policy
    assert (minimum_of(old), minimum_of(new)) == ("2040-06-02", "2040-06-03")
    assert process(CONSOLE, a_run())["deleted"] == 0


def test_a_folder_s_new_name_and_another_policy_s_shortening_take_nothing_from_a_locked_one(user: User) -> None:
    factories.make_mailbox(user)
    with archived_on("2020-06-01"):
        (message,) = archive(user, [make_raw("The contract")], folder="Contracts")
    set_policies(policy("Law", 10, query="in:Contracts", locked=True), policy("Rest", 2, deletes=True))
    folders.move_folder(CONSOLE, Mailbox.objects.get(user=user), "Contracts", "Old stuff")
    law, rest = present()
    set_policies(law, {**rest, "period": 1})
    assert minimum_of(message) == "2030-06-02"
    assert process(CONSOLE, a_run())["deleted"] == 0


def test_what_a_hold_covers_doesn_t_change_with_the_days(user: User) -> None:
    (message,) = archive(user, [make_raw("Old", date=format_datetime(timezone.now() - timedelta(days=20)))])
    placed = hold(query="after:30d -before:1y")
    assert re.fullmatch("after:[0-9-]{10} -before:[0-9-]{10}", placed.query)
    store = Store.objects.get()
    row = engines.open_store(store).row(number_of(message))
    assert row is not None
    for query in (placed.query, "after:30d -before:1y"):  # also one that was placed before dates were kept
        LegalHold.objects.filter(pk=placed.pk).update(query=query)
        for days in (0, 60, 400):
            assert Block.HELD in may_delete(store, row, now=timezone.now() + timedelta(days=days)).blocks
    with pytest.raises(BadPolicy, match="Write a date"):
        set_policies(policy("Young", 1, query="after:30d"))


def test_mail_that_a_copy_of_its_store_brings_back_falls_due_again(user: User, tmp_path: Path) -> None:
    mail_of(user, "2015-06-01", "One", "Two")
    set_policies(policy("A year", 1, deletes=True))
    store = Store.objects.get()
    engines.close_all()
    shutil.copytree(store.root, tmp_path / "copy")
    assert process(CONSOLE, a_run())["deleted"] == 2
    mail_of(user, "2026-06-01", "Young", "Younger")
    follow_all()
    create_store(CONSOLE, name="Second", wanted=NewStore("Second", state="current"))
    store.refresh_from_db()
    store_changes.detach_store(CONSOLE, store)
    shutil.rmtree(store.root)
    shutil.copytree(tmp_path / "copy", store.root)
    wanted = NewStore("Again", place=Place(content=str(store.root)))
    back = attaching.attach_store(CONSOLE, attaching.Attachment(wanted))
    assert len(left(back)) == 2
    assert process(CONSOLE, a_run())["deleted"] == 2


def test_a_search_that_can_t_be_read_any_more_stops_everything(user: User, administrator: User) -> None:
    """After a change of the search language, or of the database by hand: nobody knows what it covers."""
    (message,) = mail_of(user, "2015-06-01", "The budget")
    set_policies(policy("Keep", 20, query="subject:nothing"), policy("Rest", 1, deletes=True))
    RetentionPolicy.objects.filter(name="Keep").update(query="(")
    store = Store.objects.get()
    row = engines.open_store(store).row(number_of(message))
    assert row is not None and Block.NOT_UNDERSTOOD in may_delete(store, row).blocks
    with pytest.raises(ProcessingStopped, match="Keep"):
        process(CONSOLE, a_run())
    with pytest.raises(Kept, match="Keep"):
        deleting.delete_message(CONSOLE, message, reason=WHY)
    RetentionPolicy.objects.filter(name="Keep").update(query="subject:nothing")
    placed = hold(query="subject:nothing")
    LegalHold.objects.filter(pk=placed.pk).update(query="(")
    with pytest.raises(ProcessingStopped, match="A case"):
        process(CONSOLE, a_run())
    browser = Client()
    browser.force_login(administrator)
    assert browser.get(reverse("archive:hold-detail", args=[placed.pk])).status_code == 200
    assert browser.get(reverse("archive:retention")).status_code == 200
    asked = approvals.ask(
        CONSOLE, "ReleaseHold", get_command("ReleaseHold").arguments(placed.pk), reason="It is broken"
    )
    assert asked.task is not None
    services.run_waiting(asked.task.pk)
    assert process(CONSOLE, a_run())["deleted"] == 1


def test_merging_and_recovering_keep_days_and_holds(user: User, stranger: User) -> None:
    old, held = mail_of(user, "2015-06-01", "Old", "The budget")
    Store.objects.update(state="normal")
    second, theirs = current_store(Actor.system()), factories.make_mailbox(stranger)
    with archived_on("2024-06-01"), Ingest(engines.open_store(second), theirs.pk, index="feed") as ingest:
        ingest.put("Inbox", content=make_raw("Young", number=7))
    set_policies(policy("Fifteen years", 15, deletes=True))
    hold(mailboxes=[Mailbox.objects.get(user=user)], query="subject:budget")
    first = Store.objects.order_by("pk").first()
    assert first is not None
    days = [minimum_of(each, first) for each in (old, held)]
    source, target = engines.open_store(first), engines.open_store(second)
    assert merge.run(target, source, merge.plan(target, source)).ok
    bring_index(target)
    rows = {row.subject: row for row in target.rows(list(target.catalogue.numbers()))}
    assert set(rows) == {"Old", "The budget", "Young"}
    for moment in ("2015-06-01", "2026-01-01"):  # before the days are worked out, and after
        found = [minimum_of(f"0:{rows[name].number}", second) for name in ("Old", "The budget")]
        assert found == days == ["2030-06-02", "2030-06-02"], moment
        assert Block.HELD in may_delete(second, rows["The budget"]).blocks
        assert Block.HELD not in may_delete(second, rows["Old"]).blocks
        follow_all()
    assert process(CONSOLE, a_run(), now=at("2026-01-01"))["deleted"] == 0
    for operation in (recreate_journal, recover):
        opened = engines.open_store(second)
        assert operation.run(opened, operation.plan(opened)).ok
        engines.close_all()
        assert minimum_of(f"0:{rows['Old'].number}", second) == "2030-06-02"
        assert Block.HELD in may_delete(second, rows["The budget"]).blocks


def test_a_journal_written_anew_after_damage_keeps_the_days(user: User) -> None:
    messages = mail_of(user, "2015-06-01", "One", "Two")
    with archived_on("2016-01-01"):
        engines.open_store(Store.objects.get()).mailbox(99, "later@example.org")
    set_policies(policy("Fifteen years", 15, deletes=True))
    store = Store.objects.get()
    engines.close_all()
    segment = store.root / "journal" / "00000001.log"
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(bytes(content))
    opened = engines.open_store(store)
    recreate_journal.run(opened, recreate_journal.plan(opened))
    engines.close_all()
    follow(store)
    assert {minimum_of(each) for each in messages} == {"2030-06-02"}
    assert engines.open_store(store).journal.last_ms() > at("2026-01-01").timestamp() * 1000


class _Placing(TaskRun):
    """A run during which somebody places a hold, as soon as the first batch has gone."""

    def __init__(self, place: Callable[[], object]) -> None:
        super().__init__(0, stop=lambda: False)
        self.place, self.after = place, 0

    def progress(
        self, done: int | None = None, total: int | None = None, unit: str = "", note: str = "", **counters: int
    ) -> None:
        if counters.get("deleted") and not self.after:
            thread = threading.Thread(target=self._place)
            thread.start()
            thread.join()
            self.after = len(left())

    def _place(self) -> None:
        try:
            self.place()
        finally:
            connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_hold_that_is_placed_while_messages_are_deleted_counts_from_then_on(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_of(user, "2015-06-01", *(f"Mail {n}" for n in range(12)))
    set_policies(policy("Three years", 3, deletes=True))
    monkeypatch.setattr(retention_run, "BATCH", 5)
    run = _Placing(hold)
    result = process(CONSOLE, run)
    assert (result["deleted"], run.after, len(left())) == (5, 7, 7)
    assert result["stores"][0]["held"] == 7
    records = engines.open_store(Store.objects.get()).journal.read(journal.Position())
    assert sum(len(event[1]) for record in records for event in record.events if event[0] == "del") == 5


@pytest.mark.django_db(transaction=True)
def test_placing_a_hold_waits_for_a_batch_that_is_being_deleted(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was judged as free goes before the hold is in force, never after."""
    mail_of(user, "2015-06-01", *(f"Mail {n}" for n in range(4)))
    set_policies(policy("Three years", 3, deletes=True))
    placed = threading.Event()

    def place() -> None:
        try:
            hold()
            placed.set()
        finally:
            connection.close()

    thread = threading.Thread(target=place)
    judged = certificates.append_lines

    def meanwhile(*arguments: object) -> None:
        thread.start()
        assert not placed.wait(0.3)  # the lock of the batch keeps it waiting
        judged(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(retention_run, "append_lines", meanwhile)
    assert process(CONSOLE, a_run())["deleted"] == 4
    thread.join()
    assert placed.is_set() and LegalHold.objects.get().is_active
