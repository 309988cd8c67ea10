"""The audit trail is sealed soon and in one chain, and whatever is done to it beside the door is found and placed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from accounts import audit, chain
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, AuditSeal, AuditWaiting, User
from accounts.services.chain_check import Kind, Report, verify_chain
from accounts.services.sealing import seal_all, seal_waiting
from config.kit.sealing_keys import SealingKeyUnknown
from tests.stage import Cast

SYSTEM = Actor.system()


pytestmark = pytest.mark.usefixtures("nothing_noted")


def write(count: int) -> list[int]:
    return [audit.record(SYSTEM, "test.done", f"thing {n}", number=n, text="Löwe “x”").pk for n in range(count)]


@contextmanager
def without_triggers() -> Iterator[Callable[[str], None]]:
    """As somebody with the database's own password could."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor.execute
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def found(report: Report) -> list[tuple[Kind, int | None]]:
    return [(finding.kind, finding.event_id) for finding in report.findings]


def test_events_are_sealed_in_their_order_and_the_chain_is_sound(db: None) -> None:
    ids = write(5)
    assert list(AuditWaiting.objects.values_list("event_id", flat=True)) == ids
    assert seal_waiting() == 5 and seal_waiting() == 0
    more = write(3)
    assert seal_all() == 3
    seals = list(AuditSeal.objects.all())
    assert [seal.sequence for seal in seals] == list(range(1, 9))
    assert [seal.event_id for seal in seals] == ids + more
    assert [bool(seal.mac) for seal in seals] == [False] * 4 + [True] + [False] * 2 + [True]
    report = verify_chain(SYSTEM)
    assert report.is_sound and report.checked == 8 and report.head == seals[-1].hash


def test_anybody_can_check_a_hash_with_what_is_written_in_the_documents(db: None) -> None:
    (event_id,) = write(1)
    seal_all()
    event = AuditEvent.objects.get(pk=event_id)
    text = chain.canonical(event).decode()
    assert text.startswith('{"about_user_id":null,"action":"test.done","actor_id":null,') and "Löwe “x”" in text
    assert AuditSeal.objects.get().hash == chain.next_hash("0" * 64, event)


def test_bulk_writes_wait_too(db: None) -> None:
    audit.record_many([audit.build(SYSTEM, "test.many", f"{n}") for n in range(1_200)])
    assert AuditWaiting.objects.count() == 1_200
    assert seal_all() == 1_200 and verify_chain(SYSTEM).is_sound


def test_seals_and_events_can_not_be_changed_by_us(db: None) -> None:
    write(1)
    seal_all()
    for change in (
        lambda: AuditSeal.objects.update(hash="0"),
        lambda: AuditSeal.objects.all().delete(),
        lambda: AuditEvent.objects.update(reason="another"),
        lambda: AuditEvent.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


@pytest.mark.parametrize(
    "assignment",
    [
        "reason = 'another'",
        "actor_label = 'somebody else'",
        "at = at + interval '1 microsecond'",
        "details = '{}'",
        "address = '192.0.2.9'",
        "domain_id = 7",
        "object_id = '1'",
    ],
)
def test_a_changed_event_is_found_whatever_was_changed(db: None, assignment: str) -> None:
    ids = write(5)
    seal_all()
    with without_triggers() as execute:
        execute(f"UPDATE accounts_auditevent SET {assignment} WHERE id = {ids[2]}")
    assert found(verify_chain(SYSTEM)) == [(Kind.CHANGED, ids[2])]


def test_a_deleted_event_is_found(db: None) -> None:
    ids = write(5)
    seal_all()
    with without_triggers() as execute:
        execute(f"DELETE FROM accounts_auditevent WHERE id = {ids[1]}")
    assert found(verify_chain(SYSTEM)) == [(Kind.MISSING, ids[1])]


def test_an_inserted_event_is_found(db: None) -> None:
    write(2)
    seal_all()
    with without_triggers() as execute:
        execute(
            "INSERT INTO accounts_auditevent (id, at, actor_label, action, object_type, object_id, object_label,"
            " details, changes, reason, address, via) VALUES (-5, now(), 'x', 'y', '', '', '', '{}', '{}', '', '', '')"
        )
    assert found(verify_chain(SYSTEM)) == [(Kind.INSERTED, -5)]


def test_events_and_seals_deleted_together_are_found(db: None) -> None:
    ids = write(6)
    seal_all()
    with without_triggers() as execute:
        execute(f"DELETE FROM accounts_auditevent WHERE id IN ({ids[2]}, {ids[3]})")
        execute(f"DELETE FROM accounts_auditseal WHERE event_id IN ({ids[2]}, {ids[3]})")
    report = verify_chain(SYSTEM)
    assert [(finding.kind, finding.sequence) for finding in report.findings] == [(Kind.SEAL_MISSING, 3)]


def test_an_end_that_was_cut_off_is_found(db: None) -> None:
    write(2)
    seal_all()
    ids = write(2)
    seal_all()
    with without_triggers() as execute:
        execute(f"DELETE FROM accounts_auditevent WHERE id >= {ids[0]}")
        execute(f"DELETE FROM accounts_auditseal WHERE event_id >= {ids[0]}")
    assert [finding.kind for finding in verify_chain(SYSTEM).findings] == [Kind.CUT_OFF]


def test_a_chain_written_anew_lacks_the_key(db: None) -> None:
    """Somebody with the database but not the key recomputes all hashes after changing an event."""
    ids = write(4)
    seal_all()
    with without_triggers() as execute:
        execute(f"UPDATE accounts_auditevent SET reason = 'another' WHERE id = {ids[0]}")
        before = chain.FIRST
        for seal in AuditSeal.objects.all():
            before = chain.next_hash(before, AuditEvent.objects.get(pk=seal.event_id))
            execute(f"UPDATE accounts_auditseal SET hash = '{before}' WHERE sequence = {seal.sequence}")
    kinds = {finding.kind for finding in verify_chain(SYSTEM).findings}
    assert kinds == {Kind.FORGED}


def test_only_who_reads_the_whole_trail_verifies_it(cast: Cast) -> None:
    for user in (cast.auditor, cast.domain_administrator, cast.user):
        with pytest.raises(Forbidden):
            verify_chain(Actor.for_user(user))


def test_a_stopped_verification_says_how_far_it_came(db: None) -> None:
    write(3)
    seal_all()
    report = verify_chain(SYSTEM, stop=lambda: True)
    assert report.checked == 3 and report.head == ""


@pytest.mark.django_db(transaction=True)
def test_many_sealers_and_writers_make_one_chain() -> None:
    """Lower ids may commit after higher ones; none is left out and none is sealed twice."""
    stop = threading.Event()
    start = threading.Barrier(6)

    def writer() -> None:
        start.wait()
        for n in range(30):
            with transaction.atomic():
                audit.record(SYSTEM, "test.crowd", f"{n}")
        connection.close()

    def sealer() -> None:
        start.wait()
        while not stop.is_set():
            seal_waiting()
        connection.close()

    writers = [threading.Thread(target=writer) for _ in range(4)]
    sealers = [threading.Thread(target=sealer) for _ in range(2)]
    for thread in writers + sealers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in sealers:
        thread.join()
    seal_all()
    assert AuditSeal.objects.count() == AuditEvent.objects.count() == 120
    assert verify_chain(SYSTEM).is_sound


def test_a_lost_key_is_told_and_not_taken_for_forgery(administrator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    seal_all()

    def lost(key_id: str | None = None) -> tuple[str, bytes]:
        raise SealingKeyUnknown("lost")

    monkeypatch.setattr("accounts.services.chain_check.signing_key", lost)
    assert {finding.kind for finding in verify_chain(SYSTEM).findings} == {Kind.UNSIGNED}
