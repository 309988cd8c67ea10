"""Archiving from POP3, journaling mailboxes, files, mbox and Outlook data files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server

import pytest
from pytest_django.fixtures import Settings

from accounts.actors import Actor
from archive import engines
from archive.errors import BadProfile
from archive.models import Gap, Profile, Store
from archive.profiles import completeness
from archive.services import store_changes
from archive.services.profiles import keeping
from archive.services.stores import NewStore, create_store, current_store
from config.kit import paths
from domains.services.aliases import add_alias
from domains.services.groups import create_group
from tests.archive.django.factories import make_mails, make_mbox
from tests.archive.django.profiles.conftest import open_gate
from tests.archive.django.profiles.ground import (
    all_of,
    archived,
    make_mailbox,
    message,
    run,
    run_well,
    server_values,
)
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.dovecot_server import Dovecot, needs_dovecot
from tests.proxy import dropping_proxy
from tests.pst_file import PstFolder, mail, write_pst

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


# --- POP3 --------------------------------------------------------------------------------------------------------


@needs_dovecot
def test_pop3_keeps_each_message_once_and_deletes_what_is_safe(dovecot: Dovecot, address: str) -> None:
    raws = [
        message(1).replace(b"From: Ann", b"Received: by x; Sat, 1 May 2010 10:00:00 +0000\r\nFrom: Ann"),
        b"Subject: dots\r\nDate: Sun, 2 May 2010 10:00:00 +0000\r\n\r\n..\r\n.\r\n\xff\r\n",
    ]
    make_mailbox(address)
    for raw in raws:
        dovecot.deliver(address, raw)
    values = server_values(dovecot, port=dovecot.pop3s, user_name=address, mailbox=address, folder="Post")
    profile = keeping.create_profile(SYSTEM, name="Pop", kind="pop3", values=values)
    assert run_well(profile).archived == 2
    assert archived(address) == {"Post/Inbox": sorted(raws)}
    assert [str(day.day) for day in profile.days.order_by("day")] == ["2010-05-01", "2010-05-02"]
    assert (run_well(profile).archived, run_well(profile).known) == (0, 2)
    keeping.update_profile(SYSTEM, profile, values={"delete_after_days": 0})
    assert run_well(profile).deleted == 2
    assert dovecot.files(address) == []
    assert all_of(address) == sorted(raws)


@needs_dovecot
def test_pop3_goes_on_after_a_broken_connection(dovecot: Dovecot, address: str, settings: Settings) -> None:
    make_mailbox(address)
    raws = [message(number) for number in range(40)]
    for raw in raws:
        dovecot.deliver(address, raw)
    with dropping_proxy(dovecot.pop3, every=1_000, bytes_until=6_000) as proxy:
        open_gate(settings, dovecot, proxy.port)
        values = server_values(dovecot, port=proxy.port, security="none", user_name=address, mailbox=address)
        profile = keeping.create_profile(SYSTEM, name="Pop", kind="pop3", values=values)
        run_well(profile)
        assert proxy.connections > 1
    assert all_of(address) == sorted(raws)


@contextmanager
def pop3_with(raws: dict[bytes, bytes]) -> Iterator[int]:
    """A server that names its messages by these, whatever RFC 1939 says about names, for three connections."""

    def said(words: list[bytes]) -> bytes:
        if words[0] == b"UIDL":
            lines = b"".join(b"%d %s\r\n" % (number, name) for number, name in enumerate(raws, 1))
            return b"+OK\r\n" + lines + b".\r\n"
        if words[0] == b"RETR":
            return b"+OK\r\n" + list(raws.values())[int(words[1]) - 1] + b".\r\n"
        return b"+OK\r\n"

    def serve() -> None:
        for _each in range(3):
            client, _ = listener.accept()
            with client, client.makefile("rb") as lines:
                client.settimeout(20)
                client.sendall(b"+OK hello\r\n")
                for line in lines:
                    client.sendall(said(line.split()))
                    if line.startswith(b"QUIT"):
                        break

    listener = create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
        thread.join(5)


@needs_dovecot
def test_pop3_names_that_no_column_holds_keep_no_message_out(
    dovecot: Dovecot, address: str, settings: Settings
) -> None:
    make_mailbox(address)
    raws = {b"short": message(1), b"x" * 400: message(2), b"with\0nul": message(3)}
    with pop3_with(raws) as port:
        open_gate(settings, dovecot, port)
        values = server_values(dovecot, port=port, security="none", user_name=address, mailbox=address)
        profile = keeping.create_profile(SYSTEM, name="Pop", kind="pop3", values=values)
        assert run_well(profile).archived == 3
        keeping.update_profile(SYSTEM, profile, values={"delete_after_days": 0})
        second = run_well(profile)
    assert (second.archived, second.known, second.deleted) == (0, 3, 3)
    assert all_of(address) == sorted(raws.values())


# --- journaling --------------------------------------------------------------------------------------------------


def a_report(raw: bytes, *lines: str, mark: str = "X-MS-Journal-Report:\r\n") -> bytes:
    """As Exchange wraps a message."""
    text = "".join(f"{line}\r\n" for line in lines)
    head = f"From: journal@exchange.example\r\nSubject: x\r\n{mark}MIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/mixed; boundary="_b_"\r\n\r\n--_b_\r\n'
    head += f"Content-Type: text/plain; charset=us-ascii\r\n\r\n{text}\r\n--_b_\r\nContent-Type: message/rfc822\r\n\r\n"
    return head.encode() + raw + b"\r\n--_b_--\r\n"


def journal_profile(dovecot: Dovecot, journal: str, **more: object) -> Profile:
    values = server_values(dovecot, user_name=journal, **more)
    return keeping.create_profile(SYSTEM, name="Journal", kind="journal", values=values)


@needs_dovecot
def test_reports_are_unpacked_and_filed_to_everybody_concerned(dovecot: Dovecot, address: str) -> None:
    ann, bob, eve = (make_mailbox(f"{name}-{address}") for name in ("ann", "bob", "eve"))
    add_alias(SYSTEM, bob, email=f"robert-{address}")
    create_group(SYSTEM, bob.domain, email=f"team-{address}", members=[eve.address])
    journal = f"journal-{address}"
    inner = message(1)
    report = a_report(
        inner, f"Sender: {ann.address}", "Subject: Number 1", "Message-Id: <1@example.net>",
        f"To: robert-{address}", f"Bcc: team-{address}", "Recipient: someone@elsewhere.example",
    )  # fmt: skip
    dovecot.deliver(journal, report)
    profile = journal_profile(dovecot, journal)
    result = run_well(profile)
    assert result.archived == 1
    assert archived(ann.address) == {"Sent": [inner]}
    assert archived(bob.address) == archived(eve.address) == {"Inbox": [inner]}
    assert engines.open_store(Store.objects.get()).facts().messages == 1


@needs_dovecot
def test_each_customers_mail_goes_into_their_own_store_and_all_copies_must_be_readable_before_the_source_goes(
    dovecot: Dovecot, address: str
) -> None:
    ann = make_mailbox(f"ann-{address}")
    customer = make_customer()
    bob = make_mailbox_in(make_domain(customer=customer))
    own = create_store(SYSTEM, name="Theirs", wanted=NewStore("Theirs", customer=customer, state="current"))
    main = current_store(SYSTEM)
    journal, inner = f"journal-{address}", message(1)
    lines = (f"Sender: {ann.address}", "Message-Id: <1@example.net>", f"To: {bob.address}")
    dovecot.deliver(journal, a_report(inner, *lines), received_at=1_100_000_000)
    profile = journal_profile(dovecot, journal)
    assert run_well(profile).archived == 1
    assert archived(ann.address) == {"Sent": [inner]} and archived(bob.address) == {"Inbox": [inner]}
    assert [engines.open_store(store).facts().messages for store in (main, own)] == [1, 1]

    values = server_values(dovecot, user_name=f"at-{address}", mailbox=bob.address)
    theirs = keeping.create_profile(SYSTEM, name="Bob", kind="imap", values=values)
    dovecot.deliver(f"at-{address}", message(2))
    assert run_well(theirs).archived == 1
    assert engines.open_store(own).facts().messages == 2

    store_changes.set_state(SYSTEM, own, "writeProtected")  # theirs waits at the source, and nothing goes elsewhere
    later = a_report(message(3), f"Sender: {ann.address}", "Message-Id: <3@example.net>", f"To: {bob.address}")
    dovecot.deliver(journal, later, received_at=1_100_000_000)
    dovecot.deliver(f"at-{address}", message(4))
    assert (run(profile).outcome, run(theirs).outcome) == ("incomplete", "failed")
    assert "their store “Theirs” is write-protected" in Gap.objects.get(folder__profile=profile).reason
    assert "their store “Theirs” is write-protected" in theirs.runs.latest("pk").error
    assert [engines.open_store(store).facts().messages for store in (main, own)] == [1, 2]
    store_changes.set_state(SYSTEM, own, "current")
    assert run_well(profile).archived == run_well(theirs).archived == 1
    assert engines.open_store(own).facts().messages == 4

    keeping.update_profile(SYSTEM, profile, values={"delete_after_days": 0})
    copy = next((own.root / "packs").iterdir())
    whole = copy.read_bytes()
    row = engines.open_store(own).row(1)
    assert row is not None
    spoilt = bytearray(whole)
    spoilt[row.place.offset + row.place.length // 2] ^= 1  # theirs can't be read back, ours can
    copy.write_bytes(spoilt)
    engines.close_all()
    assert run(profile).deleted == 1  # the later one, both copies of which can be read
    copy.write_bytes(whole)
    engines.close_all()
    assert run_well(profile).deleted == 1


@needs_dovecot
def test_copies_by_postfix_go_by_the_traces_of_their_envelope(dovecot: Dovecot, address: str) -> None:
    bob = make_mailbox(f"bob-{address}")
    journal = f"journal-{address}"
    raw = f"X-Original-To: {bob.address}\r\nDelivered-To: {journal}\r\n".encode() + message(2)
    dovecot.deliver(journal, raw)
    run_well(journal_profile(dovecot, journal))
    assert archived(bob.address) == {"Inbox": [raw]}


@needs_dovecot
def test_a_report_about_nobody_here_is_a_gap_until_there_is_somewhere_to_put_it(dovecot: Dovecot, address: str) -> None:
    journal = f"journal-{address}"
    dovecot.deliver(journal, a_report(message(3), "Sender: a@elsewhere.example", "Message-Id: <3@x>", mark=""))
    profile = journal_profile(dovecot, journal)
    result = run(profile)
    assert (result.outcome, result.failed) == ("incomplete", 1)
    gap = Gap.objects.get(folder__profile=profile)
    assert "a@elsewhere.example" in gap.reason
    assert completeness.totals(profile)["missing"] == 1
    rest = make_mailbox(f"rest-{address}")
    keeping.update_profile(SYSTEM, profile, values={"fallback_mailbox": rest.address})
    run_well(profile)
    assert all_of(rest.address) == [message(3)]
    assert completeness.totals(profile)["missing"] == 0


@needs_dovecot
def test_a_journal_is_emptied_of_what_is_filed(dovecot: Dovecot, address: str) -> None:
    bob = make_mailbox(f"bob-{address}")
    journal = f"journal-{address}"
    now = int(time.time())
    filed = a_report(message(4), "Sender: x@y.example", "Message-Id: <4@x>", f"To: {bob.address}")
    kept = a_report(message(5), "Sender: x@y.example", "Message-Id: <5@x>")
    for raw in (filed, kept):
        dovecot.deliver(journal, raw, received_at=now - 86_400)
    profile = journal_profile(dovecot, journal, delete_after_days=0)
    assert run(profile).deleted == 1
    assert dovecot.files(journal) == [kept]


# --- files -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ground() -> Path:
    folder = paths.home() / "import" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    return folder


def test_a_folder_of_files_is_read_once_and_again_only_what_changed(ground: Path, address: str) -> None:
    make_mailbox(address)
    (ground / "2020" / "May").mkdir(parents=True)
    (ground / "2020" / "May" / "one.eml").write_bytes(message(1))
    (ground / "two.eml").write_bytes(message(2))
    (ground / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    values = {"path": str(ground), "mailbox": address, "exclude_folders": ["Private"]}
    profile = keeping.create_profile(SYSTEM, name="Files", kind="files", values=values)
    first = run(profile)
    assert (first.archived, first.failed) == (2, 1)  # the picture is named
    assert archived(address) == {"2020/May": [message(1)], "Inbox": [message(2)]}
    (ground / "picture.png").unlink()
    (ground / "three.eml").write_bytes(message(3))
    (ground / "Private").mkdir()
    (ground / "Private" / "four.eml").write_bytes(message(4))
    second = run_well(profile)
    assert (second.archived, second.known, second.left_out) == (1, 2, 1)
    (ground / "two.eml").write_bytes(message(22))
    assert run_well(profile).archived == 1
    totals = completeness.check(profile)
    assert (totals["missing"], totals["archived"], totals["indexed"], totals["left_out"]) == (0, 3, 3, 1)


def test_a_growing_mbox_brings_what_is_new(ground: Path, address: str) -> None:
    make_mailbox(address)
    mails = make_mails(5)
    (ground / "all.mbox").write_bytes(make_mbox(mails[:3]))
    values = {"path": str(ground / "all.mbox"), "mailbox": address, "folder": "Old"}
    profile = keeping.create_profile(SYSTEM, name="Mbox", kind="mbox", values=values)
    assert run_well(profile).archived == 3
    (ground / "all.mbox").write_bytes(make_mbox(mails))
    again = run_well(profile)
    assert (again.archived, again.known) == (2, 3)
    assert len(archived(address)["Old/Inbox"]) == 5


def test_files_go_when_all_of_them_is_safe_and_old_enough(ground: Path, address: str) -> None:
    make_mailbox(address)
    old = time.time() - 40 * 86_400
    for name, number in (("old.eml", 1), ("new.eml", 2)):
        (ground / name).write_bytes(message(number))
    os.utime(ground / "old.eml", (old, old))
    values = {"path": str(ground), "mailbox": address, "delete_after_days": 30}
    profile = keeping.create_profile(SYSTEM, name="Files", kind="files", values=values)
    assert run_well(profile).deleted == 1
    assert sorted(path.name for path in ground.iterdir()) == ["new.eml"]
    assert len(all_of(address)) == 2


def test_paths_lie_below_the_configured_folders(ground: Path, address: str, tmp_path: Path) -> None:
    make_mailbox(address)
    (ground / "link").symlink_to(tmp_path)
    for path in ("/etc", str(ground / ".." / ".." / ".."), str(ground / "link"), "relative"):
        with pytest.raises(BadProfile):
            keeping.create_profile(SYSTEM, name="x", kind="files", values={"path": path, "mailbox": address})


def test_an_outlook_file_becomes_messages_the_same_ones_each_time(ground: Path, address: str) -> None:
    make_mailbox(address)
    header = "Received: by x\r\nFrom: Ann <ann@example.net>\r\nSubject: wire\r\nContent-Type: text/html\r\n"
    attached = mail("Plan", "see there", attachments=[("plan.pdf", "application/pdf", b"%PDF-1.4 " * 20)])
    folders = [
        PstFolder("Top of Outlook data file", (), [
            PstFolder("Inbox", [mail("One", "body"), mail("Two", "zwei äöü", header=header)],
                      [PstFolder("Projects", [attached])]),
        ])
    ]  # fmt: skip
    write_pst(ground / "old.pst", folders)
    profile = keeping.create_profile(
        SYSTEM, name="Outlook", kind="pst", values={"path": str(ground), "mailbox": address}
    )
    assert run_well(profile).archived == 3
    found = archived(address)
    assert set(found) == {"Inbox", "Inbox/Projects"}
    (projects,) = found["Inbox/Projects"]
    assert b'filename="plan.pdf"' in projects
    assert sum(b"Subject: wire" in raw for raw in found["Inbox"]) == 1
    os.utime(ground / "old.pst", (1, 1))
    again = run_well(profile)
    assert (again.archived, again.known) == (0, 3)


def test_a_damaged_outlook_file_is_named_and_nothing_hangs(ground: Path, address: str) -> None:
    make_mailbox(address)
    whole = write_pst(ground / "a.pst", [PstFolder("Inbox", [mail("One", "x")])]).read_bytes()
    (ground / "a.pst").write_bytes(whole[:9_000] + os.urandom(2_000) + whole[11_000:])
    (ground / "b.pst").write_bytes(b"!BDN" + os.urandom(3_000))
    values = {"path": str(ground), "mailbox": address}
    profile = keeping.create_profile(SYSTEM, name="Outlook", kind="pst", values=values)
    result = run(profile)
    assert result.outcome == "incomplete"
    assert result.failed >= 1
