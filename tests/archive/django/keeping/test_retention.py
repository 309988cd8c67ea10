"""Retention on real stores: from when messages may go, what is deleted, what stays, and what is said about it."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from archive import engines
from archive.errors import BadPolicy, ProcessingStopped
from archive.keeping import dates
from archive.keeping.exchange import policy_as_json
from archive.keeping_selectors import message_dates
from archive.models import DeletionCertificate, RetentionBlock, RetentionPolicy, RetentionState, Store
from archive.ruling import Block, Keeper, Ruling, may_delete
from archive.services import retention_policies, retention_preview
from archive.services.retention_dates import follow
from archive.services.retention_run import due_numbers, process, require_sound
from archive.store import journal
from archive.store.operations import compact, recover
from config.kit.versions import ChangedMeanwhile
from domains.models import Mailbox
from jobs import approvals, services
from jobs.commands import get_command
from jobs.errors import Cancelled, NeedsApproval
from jobs.models import Task
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
WHY = "Space is short"


def ruling(public_id: str) -> Ruling:
    store = Store.objects.get()
    row = engines.open_store(store).row(number_of(public_id))
    assert row is not None
    return may_delete(store, row)


def test_days_are_worked_out_when_mail_is_archived_and_stay(user: User) -> None:
    (old,) = mail_of(user, "2015-06-01", "Old")
    set_policies(policy("Ten years", 10))
    (new,) = mail_of(user, "2020-06-01", "New")
    assert follow(Store.objects.get()).messages == 1
    follow_all()
    keeper = Keeper(Store.objects.get())
    rows = keeper.opened.rows([number_of(old), number_of(new)])
    found = keeper.rule(rows)
    assert [str(dates.date_of(found[row.number].minimum)) for row in rows] == ["2025-06-02", "2030-06-02"]
    assert [found[row.number].allowed for row in rows] == [True, False]
    assert list(found[rows[1].number].blocks) == [Block.TOO_EARLY]


def test_a_message_without_worked_out_days_is_judged_on_the_spot(user: User) -> None:
    RetentionPolicy.objects.create(name="Ten years", period=10, position=1)
    (new,) = mail_of(user, "2024-06-01", "New")
    found = ruling(new)
    assert str(dates.date_of(found.minimum)) == "2034-06-02" and not found.allowed


def test_what_is_due_is_deleted_with_a_certificate_and_nothing_else(user: User, stranger: User) -> None:
    due = mail_of(user, "2015-06-01", "One", "Two")
    kept = mail_of(user, "2024-06-01", "Three")
    elsewhere = mail_of(stranger, "2015-06-02", "Four")
    set_policies(policy("Three years", 3, deletes=True, excluded=[stranger.email]))
    result = process(CONSOLE, a_run())
    assert result["deleted"] == 2
    assert left() == sorted(map(number_of, kept + elsewhere))
    certificate = DeletionCertificate.objects.get()
    document = certificate.path.read_bytes()
    assert certificate.sha256 == hashlib.sha256(document).hexdigest()
    head, *lines = [json.loads(line) for line in document.splitlines()]
    assert (head["messages"], head["policies"][0]["name"]) == (2, "Three years")
    assert [line["number"] for line in lines] == sorted(map(number_of, due))
    assert all(len(line["sha256"]) == 64 and line["due"] == "2018-06-02" for line in lines)
    deletions = [
        event
        for record in engines.open_store(Store.objects.get()).journal.read(journal.Position())
        if head["journal"]["first_record"] <= record.sequence <= head["journal"]["last_record"]
        for event in record.events
        if event[0] == "del"
    ]
    assert [each[1] for each in deletions] == [[line["number"] for line in lines]]
    assert process(CONSOLE, a_run())["deleted"] == 0
    assert AuditEvent.objects.filter(action="retention.certify").count() == 1


def test_words_are_looked_for_in_the_message_itself(user: User) -> None:
    invoice, other = mail_of(user, "2015-06-01", "An invoice", "A greeting")
    # The index lacks them altogether, which must neither shorten nor lengthen anything.
    (hidden,) = mail_of(user, "2015-06-01", "Another invoice")
    set_policies(policy("Invoices", 20, query="invoice", in_subject=True), policy("The rest", 1, deletes=True))
    assert process(CONSOLE, a_run())["deleted"] == 1
    assert left() == sorted(map(number_of, (invoice, hidden)))
    assert number_of(other) not in left()


def test_a_message_that_can_t_be_read_stays(user: User) -> None:
    (damaged, sound) = mail_of(user, "2015-06-01", "An invoice", "A greeting")
    set_policies(policy("Invoices", 20, query="invoice"), policy("The rest", 1, deletes=True))
    store = Store.objects.get()
    row = engines.open_store(store).row(number_of(damaged))
    assert row is not None
    pack = store.root / "packs" / f"{row.place.pack:08d}.pack"
    content = bytearray(pack.read_bytes())
    content[row.place.offset + row.place.length - 1] ^= 1
    pack.write_bytes(bytes(content))
    set_policies(*present(), policy("Also", 2))
    assert process(CONSOLE, a_run())["deleted"] == 1
    assert left() == [number_of(damaged)] and number_of(sound) not in left()
    assert Block.UNREADABLE in ruling(damaged).blocks


def test_holds_stop_expiry_until_they_end(user: User) -> None:
    mail_of(user, "2015-06-01", "One", "Two")
    set_policies(policy("Three years", 3, deletes=True))
    placed = hold(query="subject:two")
    result = process(CONSOLE, a_run())
    assert (result["deleted"], result["stores"][0]["held"], len(left())) == (1, 1, 1)
    hold("Everything")
    assert process(CONSOLE, a_run())["deleted"] == 0
    for each in (placed, *type(placed).objects.exclude(pk=placed.pk)):
        approvals.ask(CONSOLE, "ReleaseHold", get_command("ReleaseHold").arguments(each.pk), reason=WHY)
    for task in _waiting():
        services.run_waiting(task)
    assert process(CONSOLE, a_run())["deleted"] == 1


def _waiting() -> list[int]:
    return list(Task.objects.filter(state="waiting", type="ReleaseHold").order_by("pk").values_list("pk", flat=True))


def test_changing_policies_moves_days_back_and_forth_only_as_agreed(user: User) -> None:
    (message,) = mail_of(user, "2024-06-01", "One")
    factories.make_administrator("ada@example.org"), factories.make_administrator("bob@example.org")
    ada, bob = (Actor.for_user(User.objects.get(email=f"{name}@example.org")) for name in ("ada", "bob"))
    retention_policies.set_policies(ada, [policy("Keep", 5)])
    follow_all()
    longer = [each | {"period": 7} for each in present()]
    assert not retention_policies.set_policies(ada, longer).shortens
    follow_all()
    assert str(dates.date_of(ruling(message).minimum)) == "2031-06-02"
    shorter = [each | {"period": 1} for each in present()]
    with pytest.raises(NeedsApproval):
        retention_policies.set_policies(ada, shorter)
    command = get_command("SetRetentionPolicies")
    config = [policy_as_json(each) for each in shorter]
    asked = approvals.ask(ada, command.name, command.arguments(config), reason=WHY)
    assert asked.numbers[0] == [1, "messages may go earlier than now"] and "shorter time" in asked.note
    decided = approvals.approve(bob, asked)
    assert decided.task is not None
    services.run_waiting(decided.task.pk)
    assert str(dates.date_of(ruling(message).minimum)) == "2025-06-02"


def test_a_locked_policy_is_weakened_by_nobody(user: User) -> None:
    set_policies(policy("Law", 10, locked=True))
    for change in ({"period": 9}, {"enabled": False}, {"locked": False}, {"deletes": True}, {"query": "x"}):
        with pytest.raises(BadPolicy, match="locked"):
            retention_policies.set_policies(CONSOLE, [each | change for each in present()])
    with pytest.raises(BadPolicy, match="locked"):
        retention_policies.set_policies(CONSOLE, [])
    set_policies(*[each | {"period": 12} for each in present()])
    assert RetentionPolicy.objects.get().period == 12


def test_two_people_who_change_policies_at_once_are_told(user: User) -> None:
    seen = retention_policies.fingerprint(retention_policies.list_policies())
    set_policies(policy("One", 10))
    with pytest.raises(ChangedMeanwhile):
        retention_policies.set_policies(CONSOLE, [policy("Two", 10)], expected=seen)


def test_a_recompute_that_broke_off_goes_on_and_nothing_is_deleted_before_it_has_ended(user: User) -> None:
    mail_of(user, "2015-06-01", *(f"Mail {n}" for n in range(3)))
    set_policies(policy("Three years", 3, deletes=True))
    assert len(due_numbers(Store.objects.get(), timezone.now())) == 3
    retention_policies.set_policies(CONSOLE, [each | {"period": 30} for each in present()])
    store = Store.objects.get()
    assert not follow(store, stop=lambda: True).done
    with pytest.raises(ProcessingStopped, match="newest policies"):
        require_sound(store, engines.open_store(store), timezone.now())
    assert process(CONSOLE, a_run())["deleted"] == 0
    assert len(left()) == 3 and due_numbers(store, timezone.now()) == []


def test_a_clock_that_was_set_back_stops_processing_and_deletes_nothing_early(user: User) -> None:
    mail_of(user, "2015-06-01", "Old")
    set_policies(policy("Three years", 3, deletes=True))
    mail_of(user, (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"), "From later")
    with pytest.raises(ProcessingStopped, match="clock"):
        process(CONSOLE, a_run())
    with pytest.raises(ProcessingStopped):
        process(CONSOLE, a_run(), now=timezone.now() + timedelta(days=1))
    assert len(left()) == 2


def test_a_clock_behind_anything_that_was_written_stops_processing(user: User) -> None:
    """Not only messages tell what time it was: here only a mailbox's new name does."""
    mail_of(user, "2015-06-01", "Old")
    set_policies(policy("Three years", 3, deletes=True))
    with archived_on((timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")):
        engines.open_store(Store.objects.get()).mailbox(99, "later@example.org")
    with pytest.raises(ProcessingStopped, match="clock"):
        process(CONSOLE, a_run())
    assert len(left()) == 1


def test_the_first_and_the_last_day_are_said_with_the_policies_that_say_so(user: User, stranger: User) -> None:
    """In two archives with different policies: kept by one the longest, let go by neither before the other."""
    with archived_on("2020-06-01"):
        raw = make_raw("Between us")
        (message,) = archive(user, [raw])
        archive(stranger, [raw])
    mine, theirs = {"included": [user.email]}, {"included": [stranger.email]}
    set_policies(
        policy("Mine", 3, deletes=True, **mine), policy("Theirs", 5, **theirs), policy("Rest", 1, deletes=True)
    )
    store, number = Store.objects.get(), number_of(message)
    row = engines.open_store(store).row(number)
    assert row is not None
    found = message_dates(CONSOLE, store, row)
    assert (str(found.minimum), found.minimum_policy) == ("2025-06-02", "Theirs")
    assert (found.maximum, found.maximum_policy) == (None, "Theirs")
    said = [(each.mailbox, each.policy, str(each.minimum), str(each.maximum)) for each in found.by_mailbox]
    assert said == [(user.email, "Mine", "2023-06-02", "2023-06-02"), (stranger.email, "Theirs", "2025-06-02", "None")]
    assert found.other_policies == ["Rest"]
    block = RetentionBlock.objects.get(store=store).arrays()
    theirs_id = RetentionPolicy.objects.get(name="Theirs").pk
    assert (block[2][number], block[3][number]) == (theirs_id, theirs_id)
    set_policies(*[each | {"deletes": True} for each in present()])
    found = message_dates(CONSOLE, store, row, mailboxes=[Mailbox.objects.get(user=user).pk])
    assert (str(found.maximum), found.maximum_policy) == ("2025-06-02", "Theirs")
    assert [each.mailbox for each in found.by_mailbox] == [user.email, ""]  # whose else it is isn't theirs to know


@pytest.mark.parametrize(
    ("archived", "period", "interval", "last_kept"),
    [
        ("2021-01-31T23:59", 1, "month", "2021-02-28"),
        ("2020-01-31T00:00", 1, "month", "2020-02-29"),
        ("2020-02-29T12:00", 1, "year", "2021-02-28"),
        ("2020-02-29T12:00", 4, "year", "2024-02-29"),
        ("2021-03-27T23:30", 1, "day", "2021-03-28"),  # clocks go forward that night
        ("2021-10-30T22:30", 1, "day", "2021-10-31"),  # and back
        ("2020-12-31T23:59", 1, "week", "2021-01-07"),
    ],
)
def test_a_message_is_kept_through_its_last_day_wherever_the_server_is(
    user: User, archived: str, period: int, interval: str, last_kept: str
) -> None:
    mail_of(user, archived, "One")
    set_policies(policy("Short", period, interval=interval, deletes=True))
    end = at(last_kept) + timedelta(hours=23, minutes=59)
    with timezone.override("Pacific/Auckland"):  # where it is tomorrow already
        assert process(CONSOLE, a_run(), now=end)["deleted"] == 0
    with timezone.override("America/Los_Angeles"):
        assert process(CONSOLE, a_run(), now=end + timedelta(minutes=1))["deleted"] == 1


def test_days_survive_a_recovery_of_the_store_and_a_compaction(user: User) -> None:
    mail_of(user, "2015-06-01", "Old")
    kept = mail_of(user, "2024-06-01", "New", body="x" * 50_000)
    set_policies(policy("Three years", 3, deletes=True))
    process(CONSOLE, a_run())
    store = Store.objects.get()
    for operation in (compact, recover):
        opened = engines.open_store(store)
        operation.run(opened, operation.plan(opened), lambda *_: None, lambda: False)
        engines.close_all()
    assert left() == [number_of(kept[0])]
    assert str(dates.date_of(ruling(kept[0]).minimum)) == "2027-06-02"
    assert RetentionState.objects.get().number >= number_of(kept[0])


def test_a_preview_says_what_would_be_so_and_changes_nothing(user: User, stranger: User) -> None:
    mail_of(user, "2015-06-01", "One invoice", "Two")
    mail_of(stranger, "2024-06-01", "Three")
    hold(query="invoice")
    new = retention_policies.check([policy("Three years", 3, deletes=True)])
    found = retention_preview.preview(new)
    assert (found.messages, found.due, found.held, found.later, found.earlier) == (3, 2, 1, 3, 0)
    assert found.by_month == [("2027-06", 1)] and found.by_mailbox == [(user.email, 2)]
    assert found.by_hold == [("A case", 1)] and not found.behind
    assert not RetentionPolicy.objects.exists()


def test_stopping_leaves_all_valid_and_the_next_run_goes_on(user: User) -> None:
    mail_of(user, "2015-06-01", *(f"Mail {n}" for n in range(5)))
    set_policies(policy("Three years", 3, deletes=True))
    with pytest.raises(Cancelled):
        process(CONSOLE, a_run(stop_after=1))
    assert process(CONSOLE, a_run())["deleted"] == 5
    assert left() == []


def test_only_who_may_sets_and_processes(user: User) -> None:
    actor = Actor.for_user(user)
    with pytest.raises(Forbidden):
        retention_policies.set_policies(actor, [policy("One", 1)])
    with pytest.raises(Forbidden):
        process(actor, a_run())


def test_ten_years_go_by_and_the_counts_are_exact(user: User, stranger: User) -> None:
    """A message a month for two people; three years for one, seven for invoices, and a case that holds some."""
    set_policies(
        policy("Invoices", 7, query="subject:invoice", deletes=True),
        policy("Mail of one", 3, deletes=True, included=[user.email]),
    )
    placed = None
    archived: list[tuple[int, bool, bool, int]] = []  # month, invoice?, the user's?, number
    for month in range(0, 120, 3):
        year, rest = 2008 + month // 12, month % 12 + 1
        date = f"{year}-{rest:02d}-10"
        for owner in (user, stranger):
            invoice = (month // 3) % 2 == 0
            (made,) = mail_of(owner, date, f"{'invoice' if invoice else 'letter'} {month} of {owner.email}")
            archived.append((month, invoice, owner == user, number_of(made)))
        if month == 60:
            placed = hold("A case", mailboxes=[Mailbox.objects.get(user=user)], date_from=None, query="subject:letter")
        if rest == 10:
            process(CONSOLE, a_run(), now=at(f"{year}-{rest:02d}-20"))
    assert placed is not None
    now = at("2017-10-20")
    expected = []
    for month, invoice, mine, number in archived:
        years = 7 if invoice else 3 if mine else None
        born = at(f"{2008 + month // 12}-{month % 12 + 1:02d}-10")
        due = years is not None and born.replace(year=born.year + years) + timedelta(days=1) <= now
        went_before_hold = due and born.replace(year=born.year + (years or 0)) < at("2012-10-19")
        if not due or (mine and not invoice and not went_before_hold):
            expected.append(number)
    assert left() == sorted(expected)
