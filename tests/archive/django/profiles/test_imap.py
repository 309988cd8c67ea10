"""Archiving from IMAP: what is there is kept once, byte for byte, whatever happens on the way."""

from __future__ import annotations

import imaplib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from socket import create_server
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.actors import Actor
from archive import engines
from archive.models import Completeness, Gap, Profile, ProfileRun, RunFolder, SourceFolder, SourceMessage, Store
from archive.profiles import completeness
from archive.profiles.context import Context
from archive.services.profiles import keeping
from archive.services.profiles.running import _Run
from archive.store import Ingest, ingest
from domains.models import Mailbox
from tests.archive.django.profiles.conftest import open_gate
from tests.archive.django.profiles.ground import (
    all_of,
    archived,
    imap_profile,
    make_mailbox,
    message,
    run,
    run_well,
    server_values,
)
from tests.dovecot_server import MASTER, MASTER_PASSWORD, PASSWORD, Dovecot, needs_dovecot
from tests.proxy import dropping_proxy

pytestmark = [needs_dovecot, pytest.mark.django_db]


def test_every_folder_is_kept_under_its_name_and_a_second_run_brings_nothing(dovecot: Dovecot, address: str) -> None:
    raws = [message(number) for number in range(7)]
    for raw, folder in zip(raws, ("INBOX", "INBOX", "Käse & Wein", "日本.下", "a/b", "Sent", "Trash"), strict=True):
        dovecot.deliver(address, raw, folder=folder, received_at=1_100_000_000)
    profile = imap_profile(dovecot, address)
    first = run_well(profile)
    assert (first.archived, first.known, first.failed) == (6, 0, 0)
    assert archived(address) == {
        "Inbox": sorted(raws[:2]), "Käse & Wein": [raws[2]], "日本/下": [raws[3]], "a∕b": [raws[4]], "Sent": [raws[5]],
    }  # fmt: skip
    lines = {line.path: (line.target, line.found, line.archived) for line in RunFolder.objects.filter(run=first)}
    assert lines["INBOX"] == ("Inbox", 2, 2)
    assert "Trash" not in lines
    second = run_well(profile)
    assert (second.archived, second.known) == (0, 6)
    dovecot.deliver(address, message(99), folder="Sent")
    assert (run_well(profile).archived, len(all_of(address))) == (1, 7)


def test_completeness_counts_from_both_ends_per_day(dovecot: Dovecot, address: str) -> None:
    days = [
        datetime(2020, 5, 1, 12, tzinfo=UTC),
        datetime(2020, 5, 1, 23, tzinfo=UTC),
        datetime(2020, 5, 2, tzinfo=UTC),
    ]
    for number, day in enumerate(days):
        dovecot.deliver(address, message(number), received_at=int(day.timestamp()))
    profile = imap_profile(dovecot, address)
    run_well(profile)
    found = Completeness.objects.filter(profile=profile).order_by("day")
    assert [(str(each.day), each.source, each.archived, each.indexed, each.missing) for each in found] == [
        ("2020-05-01", 2, 2, 2, 0), ("2020-05-02", 1, 1, 1, 0),
    ]  # fmt: skip
    assert all(each.is_complete for each in found)
    assert completeness.check(profile)["indexed"] == 3


def test_a_run_says_when_all_was_kept_and_counts_what_the_index_has_not_yet_as_just_that(
    dovecot: Dovecot, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        dovecot.deliver(address, message(number), received_at=1_100_000_000)
    profile = imap_profile(dovecot, address)
    counts: list[tuple[int, int, int, int, int]] = []
    check = completeness.check

    def noting(profile: Profile, **given: Any) -> dict[str, int]:
        found = check(profile, **given)
        if given["days"]:
            gaps = Gap.objects.filter(folder__profile=profile).count()
            counts.append((found["source"], found["archived"], found["indexed"], found["missing"], gaps))
        return found

    monkeypatch.setattr(completeness, "check", noting)
    monkeypatch.setattr(ingest, "CHUNK_MESSAGES", 5)
    for name in ("CHUNK_SECONDS", "CALM_SECONDS", "FOLLOW_SECONDS"):  # it is a rush, whatever a clock says
        monkeypatch.setattr(ingest, name, 3_600.0)
    held = threading.Event()

    def hold(self: Ingest, seconds: float) -> int:
        held.set()  # only now the index may go on
        return 0

    supplies = Ingest._supplies

    def waiting_supplies(self: Ingest) -> Iterator[Any]:
        assert held.wait(60)
        yield from supplies(self)

    monkeypatch.setattr(Ingest, "waiting", hold)
    monkeypatch.setattr(Ingest, "_supplies", waiting_supplies)
    found = run_well(profile)
    assert found.kept_at is not None
    assert found.ended_at is not None
    assert found.started_at < found.kept_at < found.ended_at
    assert counts == [(5, 5, 0, 0, 0), (5, 5, 5, 0, 0)]
    assert found.task is not None
    assert found.task.result is not None
    assert 0 < found.task.result["kept_seconds"] <= found.task.result["seconds"]


def test_a_run_counts_again_what_the_index_had_not_when_the_last_one_ended(dovecot: Dovecot, address: str) -> None:
    dovecot.deliver(address, message(1), received_at=1_100_000_000)
    profile = imap_profile(dovecot, address)
    run_well(profile)
    Completeness.objects.filter(profile=profile).update(indexed=0)  # as one leaves it that is killed when all is kept
    run_well(profile)
    assert Completeness.objects.get(profile=profile).is_complete


def test_what_an_earlier_run_left_unindexed_is_indexed_before_its_source_is_asked_to_delete_it(
    dovecot: Dovecot, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(address, message(1), received_at=1_100_000_000)
    profile = imap_profile(dovecot, address)
    with monkeypatch.context() as ended:  # a run that is killed once all is kept and written down
        ended.setattr(Context, "intake", lambda self, mailbox: _unindexed(self, mailbox))
        ended.setattr(_Run, "_catch_up", lambda self, context: None)
        run_well(profile)
    assert engines.open_store(Store.objects.get()).lag() > 0
    profile.settings |= {"delete_after_days": 1}
    profile.save()
    assert run_well(profile).deleted == 1
    assert dovecot.files(address) == []
    assert Completeness.objects.get(profile=profile).is_complete


def _unindexed(context: Context, mailbox: Mailbox) -> Ingest:
    outlet = context.outlet(mailbox)
    if outlet.ingest is None:
        outlet.opened.mailbox(mailbox.pk, mailbox.address)
        outlet.ingest = Ingest(outlet.opened, 0, index="no")
        outlet.ingest.__enter__()
    return outlet.ingest


def test_what_the_index_does_not_find_is_named_and_what_was_removed_is_no_gap(dovecot: Dovecot, address: str) -> None:
    for number in range(3):
        dovecot.deliver(address, message(number), received_at=1_100_000_000)
    profile = imap_profile(dovecot, address)
    run_well(profile)
    opened = engines.open_store(Store.objects.get())
    first, second = SourceMessage.objects.filter(folder__profile=profile).order_by("key")[:2]
    assert first.number is not None
    assert second.number is not None
    writer = opened.index.writer()
    writer.remove(first.number)
    writer.commit(opened.index.position())
    writer.close()
    counted = completeness.check(profile)
    assert (counted["archived"], counted["indexed"], counted["removed"]) == (3, 2, 0)
    assert [gap.key for gap in Gap.objects.filter(folder__profile=profile)] == [first.key]
    opened.delete([second.number], reason="retention", by="a test")
    counted = completeness.check(profile)
    assert (counted["archived"], counted["removed"]) == (2, 1)
    Store.objects.update(state="disabled")  # what lies in a store that is switched off was not removed
    counted = completeness.check(profile)
    assert (counted["archived"], counted["indexed"], counted["removed"]) == (2, 0, 1)
    Store.objects.update(state="write_protected", detached_at=timezone.now())  # nor what lies in one that was let go
    counted = completeness.check(profile)
    assert (counted["indexed"], counted["removed"]) == (0, 0)


def test_filters_leave_out_and_count_what_they_left(dovecot: Dovecot, address: str) -> None:
    now = int(time.time())
    dovecot.deliver(address, message(1), flags="S", received_at=now - 100 * 86_400)
    dovecot.deliver(address, message(2), received_at=now - 100 * 86_400)
    dovecot.deliver(address, message(3), flags="S", received_at=now)
    dovecot.deliver(address, message(4), folder="Sent", flags="S", received_at=now - 100 * 86_400)
    dovecot.deliver(address, message(5), folder="Sent.Private", flags="S", received_at=now - 100 * 86_400)
    profile = imap_profile(
        dovecot, address, older_than_days=30, read_state="read", exclude_folders=["Sent/Priv*"], folder="From server",
        folder_mapping=[{"from": "Sent", "to": "Written"}],
    )  # fmt: skip
    result = run_well(profile)
    assert archived(address) == {"From server/Inbox": [message(1)], "From server/Written": [message(4)]}
    assert (result.archived, result.left_out) == (2, 2)
    totals = completeness.totals(profile)
    assert (totals["source"], totals["archived"], totals["left_out"], totals["missing"]) == (4, 2, 2, 0)


def test_a_message_that_is_read_later_is_archived_later(dovecot: Dovecot, address: str) -> None:
    dovecot.deliver(address, message(1))
    profile = imap_profile(dovecot, address, read_state="read")
    assert run_well(profile).archived == 0
    client = imaplib.IMAP4("127.0.0.1", dovecot.imap)
    client.login(address, PASSWORD)
    client.select()
    client.store("1", "+FLAGS", "\\Seen")
    client.logout()
    assert run_well(profile).archived == 1


def test_other_uids_mean_another_look_and_nothing_twice(dovecot: Dovecot, address: str) -> None:
    for number in range(5):
        dovecot.deliver(address, message(number))
    profile = imap_profile(dovecot, address)
    run_well(profile)
    before = SourceFolder.objects.get(profile=profile).validity
    dovecot.forget_uids(address)
    dovecot.deliver(address, message(5))
    second = run_well(profile)
    assert SourceFolder.objects.get(profile=profile).validity != before
    assert (second.archived, second.known) == (1, 5)
    assert all_of(address) == sorted(message(number) for number in range(6))
    assert completeness.totals(profile)["missing"] == 0


def test_a_connection_that_drops_every_500_messages_loses_nothing(
    dovecot: Dovecot, address: str, settings: Settings
) -> None:
    raws = [message(number) for number in range(1_700)]
    for raw in raws:
        dovecot.deliver(address, raw)
    with dropping_proxy(dovecot.imap, every=500) as proxy:
        open_gate(settings, dovecot, proxy.port)
        profile = imap_profile(dovecot, address, port=proxy.port, security="none")
        result = run_well(profile)
        assert proxy.connections >= 3
    assert (result.archived, result.known) == (1_700, 0)
    assert all_of(address) == sorted(raws)


def test_garbage_is_kept_as_it_is(dovecot: Dovecot, address: str) -> None:
    raws = [
        b"\xff\xfe\xfd\r\n", b"Subject: =?utf-8?q?broken\r\n\r\n\x80\x81\x82\r\n", b"\r\n\r\n", b"no header at all\r\n",
        b"From: a\r\nDate: never\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--y\r\n",
    ]  # fmt: skip
    for raw in raws:
        dovecot.deliver(address, raw)
    run_well(imap_profile(dovecot, address))
    assert all_of(address) == sorted(raws)


def test_the_same_message_in_two_folders_is_kept_once_and_placed_twice(dovecot: Dovecot, address: str) -> None:
    for folder in ("INBOX", "Copies"):
        dovecot.deliver(address, message(1), folder=folder)
    run_well(imap_profile(dovecot, address))
    assert archived(address) == {"Inbox": [message(1)], "Copies": [message(1)]}
    assert engines.open_store(Store.objects.get()).facts().messages == 1


@contextmanager
def withholding() -> Iterator[int]:
    """A server with four messages: each command for the second one's bytes is refused, the fourth is never told of."""

    def said(words: bytes) -> bytes:
        if words.startswith(b"LIST"):
            return b'* LIST () "/" INBOX\r\n'
        if words.startswith(b"EXAMINE"):
            return b"* 4 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 5] x\r\n"
        if words.startswith(b"UID SEARCH"):
            return b"* SEARCH 1 2 3 4\r\n"
        found = re.match(rb"UID FETCH (\d)(?::(\d))? ", words)
        if found is None:
            return b""
        asked = set(range(int(found[1]), int(found[2] or found[1]) + 1)) - {4}
        if b"BODY.PEEK[]" not in words:
            return b"".join(b"* %d FETCH (UID %d RFC822.SIZE 9)\r\n" % (uid, uid) for uid in sorted(asked))
        if 2 in asked:
            return b"NO [SERVERBUG] its bytes are lost\r\n"
        raws = {uid: message(uid) for uid in asked}
        return b"".join(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (u, u, len(r), r) for u, r in raws.items())

    def serve() -> None:
        client, _ = listener.accept()
        with client, client.makefile("rb") as lines:
            client.settimeout(20)
            client.sendall(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
            for line in lines:
                tag, _, words = line.partition(b" ")
                answer = said(words)
                client.sendall(tag + b" " + answer if answer[:2] == b"NO" else answer + tag + b" OK done\r\n")

    listener = create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
        thread.join(5)


def test_what_a_server_does_not_hand_out_is_named_and_keeps_no_other_message_out(
    dovecot: Dovecot, address: str, settings: Settings
) -> None:
    with withholding() as port:
        open_gate(settings, dovecot, port)
        result = run(imap_profile(dovecot, address, port=port, security="none"))
    assert (result.outcome, result.archived, result.failed) == ("incomplete", 2, 2), result.error
    assert all_of(address) == [message(1), message(3)]
    assert dict(Gap.objects.values_list("key", "reason")) == {
        "2": "UID FETCH: [SERVERBUG] its bytes are lost",
        "4": "the server lists the message and says nothing of it",
    }


def test_many_mailboxes_through_a_master_user(dovecot: Dovecot, address: str) -> None:
    others = [address, f"second-{address}", f"third-{address}"]
    for number, each in enumerate(others):
        make_mailbox(each)
        dovecot.deliver(each, message(number))
    for form in ("", "{address}*{master}"):
        values = server_values(
            dovecot, user_name=MASTER, password=MASTER_PASSWORD, login_format=form, users=others[:2] if form else others
        )
        profile = keeping.create_profile(Actor.system(), name="All", kind="imapUsers", values=values)
        result = run_well(profile)
        assert (result.archived, result.known) == ((0, 2) if form else (3, 0))
    for number, each in enumerate(others):
        assert all_of(each) == [message(number)]


def test_one_mailbox_that_refuses_us_keeps_nobody_else_from_being_archived(dovecot: Dovecot, address: str) -> None:
    mine, other = address, f"other-{address}"
    for each in (mine, other):
        make_mailbox(each)
        dovecot.deliver(each, message(1))
    values = server_values(dovecot, user_name="x", password=PASSWORD, login_format="{local}@profiles.example",
                           users=[mine, other])  # fmt: skip
    profile = keeping.create_profile(Actor.system(), name="All", kind="imapUsers", values=values)
    dovecot.maildir(mine).rename(dovecot.maildir(mine).with_name("gone"))
    dovecot.maildir(mine).write_text("no folder any more")
    result = run(profile)
    assert result.outcome == "incomplete"
    assert mine in result.error
    assert all_of(other) == [message(1)]


def test_oauth(dovecot: Dovecot, address: str) -> None:
    dovecot.deliver(address, message(1))
    dovecot.tokens.known["good token"] = address
    profile = imap_profile(dovecot, address, auth="oauth2", password=None, access_token="good token")
    assert run_well(profile).archived == 1


def test_a_wrong_password_fails_the_run_and_stands_nowhere(dovecot: Dovecot, address: str) -> None:
    profile = imap_profile(dovecot, address, password="mistyped-secret")
    result = run(profile)
    assert result.outcome == "failed"
    assert result.task is not None
    assert result.task.state == "failed"
    assert "Authentication failed" in result.error
    assert "mistyped-secret" not in f"{result.error}{result.task.error}{result.task.arguments}{result.task.result}"


def test_deletion_waits_for_its_days_and_takes_only_what_was_compared(dovecot: Dovecot, address: str) -> None:
    now = int(time.time())
    for number, age in ((1, 40), (2, 40), (3, 5)):
        dovecot.deliver(address, message(number), received_at=now - age * 86_400)
    profile = imap_profile(dovecot, address, delete_after_days=30)
    result = run_well(profile)
    assert (result.archived, result.deleted) == (3, 2)
    assert dovecot.files(address) == [message(3)]
    assert len(all_of(address)) == 3
    assert run_well(profile).deleted == 0
    totals = completeness.check(profile)
    assert (totals["source"], totals["gone"], totals["archived"], totals["missing"]) == (1, 2, 3, 0)


def test_what_the_archive_cannot_give_back_stays_at_the_source(dovecot: Dovecot, address: str) -> None:
    now = int(time.time())
    for number in (1, 2):
        dovecot.deliver(address, message(number), received_at=now - 40 * 86_400)
    profile = imap_profile(dovecot, address)
    run_well(profile)
    opened = engines.open_store(Store.objects.get())
    first = SourceMessage.objects.filter(folder__profile=profile).order_by("key").first()
    assert first is not None
    assert first.number is not None
    opened.delete([first.number], reason="by mistake", by="a test")
    keeping.update_profile(Actor.system(), profile, values={"delete_after_days": 0})
    result = run(profile)
    assert result.outcome == "incomplete"
    assert "not in the archive any more" in result.error
    assert dovecot.files(address) == [message(1)]


def test_somebody_elses_copy_is_no_reason_to_delete_at_the_source(dovecot: Dovecot, address: str) -> None:
    now = int(time.time())
    for owner in (address, f"other-{address}"):
        dovecot.deliver(owner, message(1), received_at=now - 40 * 86_400)
        run_well(imap_profile(dovecot, owner))
    opened = engines.open_store(Store.objects.get())
    row = SourceMessage.objects.get(folder__mailbox__address=address)
    assert row.number is not None
    mine = next(each for each in opened.folders(row.folder.mailbox_id) if each.messages)
    opened.delete([row.number], folder=mine.number, reason="by mistake", by="a test")
    profile = row.folder.profile
    keeping.update_profile(Actor.system(), profile, values={"delete_after_days": 0})
    result = run(profile)
    assert (result.outcome, result.deleted) == ("incomplete", 0)
    assert "of its mailbox any more" in result.error
    assert dovecot.files(address) == [message(1)]


def test_a_folder_that_is_as_it_was_is_not_even_listed(dovecot: Dovecot, address: str, settings: Settings) -> None:
    for number in range(20):
        dovecot.deliver(address, message(number))
    profile = imap_profile(dovecot, address)
    run_well(profile)
    with dropping_proxy(dovecot.imap, every=10_000) as proxy:
        open_gate(settings, dovecot, proxy.port)
        keeping.update_profile(
            Actor.system(), profile, values={"port": proxy.port, "security": "none", "password": PASSWORD}
        )
        run_well(profile)
        first = proxy.bytes_from_server
        run_well(profile)
        assert proxy.bytes_from_server - first < first
        assert b"UID SEARCH" not in proxy.heard[-20_000:].split(b"EXAMINE")[-1]
    assert ProfileRun.objects.filter(profile=profile).count() == 3
