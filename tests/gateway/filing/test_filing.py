"""What is filed is there whole: passport, bytes, copies, queue; and of what can't be filed nothing is."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from domains.policy.facts import Direction
from domains.policy.policy import Policy
from gateway import committing, content
from gateway.committing import Committer
from gateway.filing import file_batch
from gateway.flow import Client, Filed, InMemory, Leaving, Sending, Ways
from gateway.models import Content, ContentPart, Folder, Kept, Message, QueueItem, Recipient
from gateway.queue import adding
from gateway.storable import storable_data
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.flows import POLICY, RAW, filed, incoming, route_to
from tests.gateway.making import make_queued

pytestmark = pytest.mark.django_db


def test_a_clean_message_waits_in_the_queue_and_is_kept_as_its_policy_says() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    (message,) = file_batch([filed([route_to(ada)])])
    (row,) = message.recipients.all()
    assert (row.state, row.category, row.address, row.mailbox) == ("queued", "clean", ada.address, ada)
    (item,) = message.queued.all()
    assert (item.address, item.destination, item.sender) == (ada.address, "route:127.0.0.1:2526", "bob@friends.example")
    assert b"".join(content.chunks_of(item.content)) == RAW
    kept = {each.folder: each.until for each in row.kept.all()}
    assert set(kept) == {Folder.RETENTION, Folder.ARCHIVE}
    assert kept[Folder.RETENTION] == message.received_at + timedelta(days=POLICY.retention_props.duration_days)
    assert [step.kind for step in message.steps.all()] == ["received", "judged"]


def test_spam_is_held_and_leaves_for_nobody() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    (message,) = file_batch([filed([route_to(ada)], score=9.0)])
    (row,) = message.recipients.all()
    assert (row.state, row.category, row.score) == ("held", "spam", 9.0)
    assert not message.queued.exists()
    assert row.kept.filter(folder=Folder.QUARANTINE).exists()


def test_what_everybody_refuses_leaves_a_passport_and_no_bytes() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    (message,) = file_batch([filed([route_to(ada)], policy=Policy(incoming=False))])
    assert message.recipients.get().state == Recipient.State.REFUSED
    assert message.content is None and not Content.objects.exists() and not Kept.objects.exists()


def test_what_somebody_sent_to_many_is_kept_once_and_theirs() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    out = replace(route_to(ada), direction=Direction.OUTGOING, ends=Ways.EXTERNAL)
    routes = [replace(out, asked=f"{name}@there.example", address=f"{name}@there.example") for name in "abc"]
    (message,) = file_batch([filed(routes, policy=replace(POLICY, outgoing=True))])
    rows = message.recipients.all()
    assert {row.mailbox for row in rows} == {ada} and rows.count() == 3 and message.queued.count() == 3
    assert sorted(Kept.objects.values_list("folder", flat=True)) == ["Archive", "Retention"]


def test_each_recipient_gets_the_version_that_is_made_for_them() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    out = replace(route_to(ada), direction=Direction.OUTGOING, ends=Ways.EXTERNAL)
    routes = [replace(out, asked=f"{name}@there.example", address=f"{name}@there.example") for name in "abc"]
    message = filed(routes, policy=Policy(outgoing=True))
    signed = RAW + b"-- \r\nAda\r\n"
    note = ("problem", {"text": "seen"})
    versions = (
        Leaving((0, 1), InMemory(signed), ("X-Version: 1",), (note,)),
        Leaving((2,), message.incoming.body, notes=(note,)),
    )
    (there,) = file_batch([replace(message, leaving=versions)])
    left = [
        (item.address, b"".join(content.chunks_of(item.content)), item.headers)
        for item in there.queued.order_by("address")
    ]
    assert left == [
        ("a@there.example", signed, ["X-Version: 1"]),
        ("b@there.example", signed, ["X-Version: 1"]),
        ("c@there.example", RAW, []),
    ]
    assert Content.objects.count() == 2
    assert [step.data for step in there.steps.all() if step.kind == "problem"] == [{"text": "seen"}]


def test_texts_that_a_database_cant_hold_are_kept_as_far_as_they_can_be() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    raw = RAW.replace(b"The bridge", b"a\x00b\xff" + b"x" * 2000)
    message = filed([route_to(ada)], raw, client=Client("2001:db8::1", helo="\x00\udce9.example" + "y" * 500))
    broken = replace(message, inspection=replace(message.inspection, subject="a\x00b\ud800" + "x" * 2000))
    (there,) = file_batch([broken])
    there.refresh_from_db()
    assert there.subject.startswith("a\N{REPLACEMENT CHARACTER}b") and len(there.subject) == 500
    assert len(there.helo) == 255 and there.client_address == "2001:db8::1"


def test_numbers_that_json_has_no_word_for_are_none() -> None:
    found = storable_data({"scores": [1.5, float("inf"), -float("inf"), float("nan"), 10**400, True]})
    assert found == {"scores": [1.5, None, None, None, 10**400, True]}


def test_large_bodies_lie_in_parts_and_come_back_byte_for_byte() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    raw = RAW + bytes(range(256)) * 4096 * 3  # 3 MiB
    (message,) = file_batch([filed([route_to(ada)], raw)])
    row = message.content
    assert row is not None and row.data is None
    assert row.parts.count() == -(-len(raw) // content.INLINE_BYTES)
    body = content.body_of(row)
    assert body.read() == raw and body.sha256 == hashlib.sha256(raw).digest()
    body.close()
    row.parts.filter(number=1).update(data=b"\x00" * content.INLINE_BYTES)
    with pytest.raises(content.DamagedContent):
        content.body_of(row)


def test_bytes_go_when_nothing_needs_them_and_not_before() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    (message,) = file_batch([filed([route_to(ada)], RAW + b"x" * 400_000)])
    Content.objects.update(created_at=message.received_at - timedelta(hours=1))
    assert content.sweep() == 0
    QueueItem.objects.all().delete()
    assert content.sweep() == 0  # copies still wait to be put into a store
    Kept.objects.update(content=None)
    assert content.sweep() == 1
    message.refresh_from_db()
    assert message.content is None and not ContentPart.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_bad_message_takes_no_other_with_it() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    good = [filed([route_to(ada)]) for _each in range(20)]
    bad = replace(good[0], incoming=replace(incoming(), key="k" * 99))

    async def run() -> list[BaseException | None]:
        committer = Committer()
        try:
            answers = [committer.file(each) for each in (*good[:10], bad, *good[10:])]
            return await asyncio.gather(*answers, return_exceptions=True)
        finally:
            committer.stop()

    answers = asyncio.run(run())
    assert [type(each) is not type(None) for each in answers] == [False] * 10 + [True] + [False] * 10
    assert isinstance(answers[10], DatabaseError)
    assert set(Message.objects.values_list("key", flat=True)) == {each.incoming.key for each in good}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("raw", [RAW, RAW + b"x" * 400_000], ids=["one statement", "several statements"])
def test_of_a_batch_that_fails_nothing_is_there(raw: bytes) -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    nobody = replace(route_to(ada), mailbox_id=ada.pk + 1000)  # is found out when it is committed
    with pytest.raises(DatabaseError):
        file_batch([filed([route_to(ada)], raw), filed([nobody], raw)])
    assert not any(model.objects.exists() for model in (Message, Recipient, Content, ContentPart, Kept, QueueItem))


@pytest.mark.django_db(transaction=True)
def test_what_callers_do_in_their_transaction_and_what_is_filed_in_it_come_together_or_not_at_all() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        file_batch([filed([route_to(ada)])])
        raise ZeroDivisionError
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_delivery_hears_of_everything_in_the_end_but_not_of_each_message() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    heard: list[str] = []

    async def run() -> None:
        committer = Committer()
        try:
            for host in ("one", "two", "three", "three", "three"):
                await committer.file(filed([route_to(ada, transport=f"{host}.example:25")]))
            async with asyncio.timeout(5):
                while "three" not in "".join(heard):  # nothing comes after the last that would tell of it
                    await asyncio.sleep(0.01)
            await committer.file(filed([route_to(ada, transport="last.example:25")]))
        finally:
            committer.stop()

    with mock.patch.object(adding, "_publish", heard.append):
        asyncio.run(run())
    told = "\n".join(heard).split("\n")
    assert set(told) == {f"route:{host}.example:25" for host in ("one", "two", "three", "last")}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_dies_in_a_commit_ends_no_more_than_that() -> None:
    """Also where delivery was to be told of what then was not filed."""
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    dead = mock.patch.object(BaseDatabaseWrapper, "ensure_connection", side_effect=OperationalError("gone"))

    def broken(batch: Sequence[Filed], *, wake: Callable[[Sequence[QueueItem]], None]) -> list[Message]:
        wake([QueueItem(destination="route:one.example:25")])
        raise OperationalError("gone")

    async def run() -> None:
        committer = Committer()
        try:
            with mock.patch.object(committing, "file_batch", broken), dead:
                for _each in range(2):
                    with pytest.raises(OperationalError):
                        async with asyncio.timeout(10):
                            await committer.file(filed([route_to(ada)]))
                await asyncio.sleep(3 * committing.WAKING_S)
            async with asyncio.timeout(10):
                await committer.file(filed([route_to(ada)]))
        finally:
            committer.stop()

    with mock.patch.object(committing, "_found", return_value=None):
        asyncio.run(run())
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_numbers_that_a_crashed_database_gives_again_are_not_used_twice() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    (message,) = file_batch([filed([route_to(ada)])])
    connection.close()
    with connection.cursor() as cursor:  # as after a crash: what was fetched and never used is forgotten
        cursor.execute("SELECT setval(pg_get_serial_sequence('gateway_message', 'id'), %s)", [message.pk])
    make_queued()  # another process gets the number after it
    (again,) = file_batch([filed([route_to(ada)])])
    assert Message.objects.count() == 3 and again.pk > message.pk + 1


def test_a_null_sender_and_an_empty_body_are_messages_too() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    (message,) = file_batch([filed([route_to(ada)], b"", sender=Sending(""), body=InMemory(b""))])
    assert (message.sender, message.size_bytes) == ("", 0)


def test_filing_many_costs_as_many_statements_as_filing_one(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    with django_assert_max_num_queries(12):
        file_batch([filed([route_to(ada)])])
    with django_assert_max_num_queries(12):
        file_batch([filed([route_to(ada)]) for _each in range(40)])
