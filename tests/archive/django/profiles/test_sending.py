"""Exporting: to IMAP with dates, flags and folders, to files and mbox, to SMTP."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from archive import engines
from archive.models import ArchiveAccess, Profile, Sent, Store
from archive.profiles.sending import with_crlf
from archive.remote.connecting import Login
from archive.remote.imap import Imap
from archive.services.profiles import keeping
from archive.services.profiles.arguments import ProfileArguments
from archive.sources import read
from config.kit import paths
from jobs.services import run_here
from tests.archive.django.factories import archive, make_mails
from tests.archive.django.profiles.conftest import open_gate
from tests.archive.django.profiles.ground import (
    all_of,
    imap_profile,
    make_mailbox,
    message,
    run,
    run_well,
    server_values,
)
from tests.archive.remote.conftest import imaps
from tests.dovecot_server import MASTER, MASTER_PASSWORD, PASSWORD, Dovecot, needs_dovecot
from tests.proxy import dropping_proxy
from tests.smtp_server import Behaviour, running_server

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


def export(kind: str, **values: object) -> Profile:
    return keeping.create_profile(SYSTEM, name="Out", kind=kind, values={"reason": "they move house", **values})


def at_server(dovecot: Dovecot, address: str, spool: Path) -> dict[str, list[tuple[bytes, int | None, set[str]]]]:
    """What an account holds: folder -> (bytes, date, flags)."""
    found = {}
    with Imap(imaps(dovecot), Login(address, PASSWORD), spool_dir=spool) as client:
        for folder in client.folders():
            client.open(folder)
            found[folder.path] = [
                (each.content or b"", each.received_at, set(each.flags) - {"\\Recent"})
                for each in client.fetch(client.search())
            ]
    return {path: messages for path, messages in found.items() if messages}


@needs_dovecot
def test_what_came_from_imap_goes_back_with_dates_flags_and_folders(
    dovecot: Dovecot, address: str, tmp_path: Path
) -> None:
    dovecot.deliver(address, message(1), flags="SF", received_at=1_100_000_000)
    dovecot.deliver(address, message(2), folder="Käse.Gouda", received_at=1_200_000_000)
    dovecot.deliver(address, message(3), folder="a/b", flags="R", received_at=1_300_000_000)
    run_well(imap_profile(dovecot, address))
    target = f"new-{address}"
    profile = export("exportImap", **server_values(dovecot, user_name=target, users=[address], folder=""))
    result = run_well(profile)
    assert (result.archived, result.known) == (3, 0)
    assert at_server(dovecot, target, tmp_path) == {
        "INBOX": [(message(1), 1_100_000_000, {"\\Seen", "\\Flagged"})],
        "Käse/Gouda": [(message(2), 1_200_000_000, set())],
        "a/b": [(message(3), 1_300_000_000, {"\\Answered"})],
    }
    again = run_well(profile)
    assert (again.archived, again.known) == (0, 3)
    assert len(dovecot.files(target)) == 1


@needs_dovecot
def test_many_mailboxes_go_to_their_own_through_a_master_user(dovecot: Dovecot, address: str, tmp_path: Path) -> None:
    people = [make_mailbox(f"{name}-{address}") for name in ("ann", "bob")]
    for number, each in enumerate(people):
        archive(each, [message(number)])
    values = server_values(dovecot, user_name=MASTER, password=MASTER_PASSWORD, login_format="{address}*{master}",
                           users=[each.address for each in people], folder="Restored")  # fmt: skip
    run_well(export("exportImap", **values))
    for number, each in enumerate(people):
        ((content, _date, flags),) = at_server(dovecot, each.address, tmp_path)["Restored/Inbox"]
        assert (content, flags) == (message(number), {"\\Seen"})


@needs_dovecot
def test_an_export_that_is_cut_off_goes_on_without_doubles(
    dovecot: Dovecot, address: str, settings: Settings, tmp_path: Path
) -> None:
    mailbox = make_mailbox(address)
    archive(mailbox, [*(message(number) for number in range(30)), b"no id at all\r\n"])
    target = f"new-{address}"
    with dropping_proxy(dovecot.imap, every=10_000, bytes_until=2_500) as proxy:
        open_gate(settings, dovecot, proxy.port)
        values = server_values(dovecot, port=proxy.port, security="none", user_name=target, users=[address])
        profile = export("exportImap", **values)
        run(profile)
    keeping.update_profile(SYSTEM, profile, values=server_values(dovecot))
    run_well(profile)
    assert sorted(content for content, *_ in at_server(dovecot, target, tmp_path)["INBOX"]) == all_of(address)


@pytest.fixture
def out() -> Path:
    folder = paths.home() / "exported"
    shutil.rmtree(folder, ignore_errors=True)
    return folder


@pytest.mark.parametrize("kind", ["exportFiles", "exportMbox"])
def test_files_hold_the_same_bytes_and_the_next_run_only_what_is_new(
    out: Path, address: str, kind: str, tmp_path: Path
) -> None:
    mailbox = make_mailbox(address)
    mails = make_mails(4)
    archive(mailbox, mails[:3], folder="Work")
    profile = export(kind, path=str(out / "moving"), users=[address], include_folders=["Work"])
    run_well(profile)
    (made,) = (out / "moving").iterdir()
    assert sorted(each.content or b"" for each in read([made], spool_dir=tmp_path)) == sorted(mails[:3])  # type: ignore[union-attr]
    archive(mailbox, mails[3:], folder="Work")
    result = run_well(profile)
    assert (result.archived, result.known) == (1, 3)
    assert run_well(profile).archived == 0
    assert len(list((out / "moving").iterdir())) == 2


def test_smtp_gets_each_message_once(address: str, settings: Settings) -> None:
    mailbox = make_mailbox(address)
    archive(mailbox, [message(1), message(2)])
    with running_server(Behaviour()) as server:
        settings.ALLOWED_RELAYS = (__import__("ipaddress").ip_network("127.0.0.0/8"),)
        settings.ALLOWED_PORTS = frozenset({server.port})
        profile = export("exportSmtp", host="127.0.0.1", port=server.port, security="none", users=[address])
        assert run_well(profile).archived == 2
        again = run_well(profile)
        assert (again.archived, again.known) == (0, 2)
    assert len(server.mails) == 2
    assert f"RCPT TO:<{address}>" in server.said


def test_a_message_that_was_being_handed_over_is_said_and_not_sent_again(address: str, settings: Settings) -> None:
    mailbox = make_mailbox(address)
    archive(mailbox, [message(1), message(2)])
    store = Store.objects.get()
    folder = next(each for each in engines.open_store(store).folders(mailbox.pk) if each.messages)
    with running_server(Behaviour()) as server:
        settings.ALLOWED_RELAYS = (__import__("ipaddress").ip_network("127.0.0.0/8"),)
        settings.ALLOWED_PORTS = frozenset({server.port})
        profile = export("exportSmtp", host="127.0.0.1", port=server.port, security="none", users=[address])
        Sent.objects.create(profile=profile, store=store, folder=folder.number, number=1, in_doubt=True)  # it died here
        result = run(profile)
        assert (result.archived, result.failed) == (1, 1)
        assert "may have it" in result.folders.get(path="Inbox").note
        again = run_well(profile)
        assert (again.archived, again.known, again.failed) == (0, 2, 0)
        assert len(server.mails) == 1
        Sent.objects.all().delete()
        server.behaviour.vanishes = True
        run(profile)
        assert Sent.objects.filter(in_doubt=True).count() == 1


def test_the_owner_sees_who_took_their_mail_out_and_why(out: Path, address: str, administrator: User) -> None:
    mailbox = make_mailbox(address)
    archive(mailbox, [message(1)])
    profile = export("exportFiles", path=str(out / "x"), users=[address])
    run_here(Actor.for_user(administrator), "RunProfile", ProfileArguments(id=profile.pk))
    access = ArchiveAccess.objects.get(mailbox=mailbox)
    assert (access.user, access.reason, access.exported_messages) == (administrator, "they move house", 1)
    assert AuditEvent.objects.filter(action="mail.export", object_id=str(mailbox.pk)).count() == 1


def test_line_ends_are_those_of_the_protocol() -> None:
    assert with_crlf(b"a\nb\r\nc\n\n") == b"a\r\nb\r\nc\r\n\r\n"
    same = b"a\r\nb\r\n"
    assert with_crlf(same) is same
