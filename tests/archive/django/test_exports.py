"""Taking mail out: by whom, which of it, the download, and its end."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from archive import engines
from archive.errors import ArchiveClosed, PathRefused
from archive.models import Export, Store
from archive.packing import zip_stream
from archive.services.access import open_archive
from archive.services.exports import ExportArguments, check_destination, check_export, remove_expired_exports
from jobs.models import Task
from jobs.services import run_here, run_waiting
from tests.archive.django.factories import archive, make_mails, make_mbox, make_raw, write

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]
CONSOLE = Actor.console()


def export_by_page(client: Client, **form: str) -> Export:
    answer = client.post(reverse("archive:export"), form)
    assert answer.status_code == 303, answer.content
    task = run_waiting(Task.objects.get(state="waiting").pk)
    assert task is not None and task.state == "completed", task and task.error
    assert client.get(reverse("jobs:task-detail", args=[task.pk])).status_code == 200
    return Export.objects.latest("created_at")


def unpacked(client: Client, export: Export) -> dict[str, bytes]:
    answer = client.get(reverse("archive:export-download", args=[export.pk]))
    assert answer["Content-Disposition"].startswith("attachment;")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as packed:  # type: ignore[attr-defined]
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist() if not name.endswith("/")}


def test_a_person_downloads_their_own_mail(client_for: ClientFor, user: User) -> None:
    mails = make_mails(5)
    archive(user, mails, folder="Inbox")
    archive(user, [make_raw("Kept aside")], folder="Aside/Deep")
    client = client_for(user)
    files = unpacked(client, export_by_page(client, user=user.email, format="eml"))
    assert {hashlib.sha256(data).digest() for data in files.values()} >= {hashlib.sha256(raw).digest() for raw in mails}
    assert len(files) == 6
    aside = unpacked(client, export_by_page(client, user=user.email, format="maildir", folder="Aside"))
    assert len(aside) == 1
    some = export_by_page(client, user=user.email, format="mbox", query='subject:"Report 3" OR subject:"Report 4"')
    assert some.messages == 2
    assert list(unpacked(client, some)) == ["Inbox.mbox"]


def test_a_query_that_cant_be_read_is_said_in_the_form(client_for: ClientFor, user: User) -> None:
    archive(user, [make_raw()])
    answer = client_for(user).post(reverse("archive:export"), {"user": user.email, "format": "eml", "query": "a (b"})
    assert answer.status_code == 422
    assert b"at character 3" in answer.content
    assert Export.objects.count() == 0


def test_others_mail_is_exported_only_while_it_is_open(user: User, administrator: User) -> None:
    archive(user, [make_raw()])
    actor = Actor.for_user(administrator)
    with pytest.raises(ArchiveClosed):
        check_export(actor, ExportArguments(user=user.email, format="eml"))
    access = open_archive(actor, address=user.email, reason="They asked for it")
    check_export(actor, ExportArguments(user=user.email, format="eml"))
    access.expires_at = timezone.now() - timedelta(seconds=1)
    access.save()
    with pytest.raises(ArchiveClosed):
        check_export(actor, ExportArguments(user=user.email, format="eml"))


@pytest.mark.parametrize("ending", ["closed_at", "expires_at"])
def test_what_was_prepared_from_an_open_archive_stays_when_that_has_ended(
    client_for: ClientFor, user: User, administrator: User, ending: str
) -> None:
    archive(user, make_mails(2))
    access = open_archive(Actor.for_user(administrator), address=user.email, reason="They asked for it")
    client = client_for(administrator)
    export = export_by_page(client, user=user.email, format="eml")
    assert len(unpacked(client, export)) == 2
    setattr(access, ending, timezone.now() - timedelta(seconds=1))
    access.save()
    assert client.get(reverse("archive:export-download", args=[export.pk])).status_code == 404
    assert client.post(reverse("archive:export-delete", args=[export.pk])).status_code == 303


def test_the_owner_sees_how_much_was_exported(client_for: ClientFor, user: User, administrator: User) -> None:
    archive(user, make_mails(3))
    access = open_archive(Actor.for_user(administrator), address=user.email, reason="They asked for it")
    client = client_for(administrator)
    export = export_by_page(client, user=user.email, format="mbox")
    access.refresh_from_db()
    assert (export.messages, access.exported_messages) == (3, 3)
    page = client_for(user).get(reverse("archive:access-detail", args=[access.pk]))
    assert b"3 messages" in page.content


def test_only_the_shell_names_a_destination(administrator: User, tmp_path: Path) -> None:
    arguments = ExportArguments(user="x@example.org", format="eml", destination=str(tmp_path / "out"))
    with pytest.raises(Forbidden):
        check_destination(Actor.for_user(administrator), arguments)
    write(tmp_path / "full" / "file", b"x")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for bad in ("full", "full/file", "link"):
        with pytest.raises(PathRefused):
            check_destination(CONSOLE, ExportArguments("x@example.org", "eml", destination=str(tmp_path / bad)))


def test_an_expired_download_is_gone_with_its_files(client_for: ClientFor, user: User) -> None:
    archive(user, [make_raw()])
    client = client_for(user)
    export = export_by_page(client, user=user.email, format="eml")
    assert export.root.is_dir()
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(reverse("archive:export-download", args=[export.pk])).status_code == 404
    assert remove_expired_exports() == 1
    assert not export.root.exists()
    assert remove_expired_exports() == 0


def test_mbox_names_what_had_no_final_newline_and_comes_back_whole(user: User, tmp_path: Path) -> None:
    mails = [b"Subject: a\n\nFrom here\n>From there\nend", b"Subject: b\n\nwhole\n"]
    ids = archive(user, mails)
    arguments = ExportArguments(user=user.email, format="mbox", destination=str(tmp_path / "out"))
    task = run_here(CONSOLE, "ExportMail", arguments)
    assert task.result is not None
    assert [item["id"] for item in task.result["altered"]] == [ids[0]]
    text = (tmp_path / "out" / "Inbox.mbox").read_bytes()
    assert b"\n>From here\n>>From there\nend\n" in text


def test_a_damaged_message_is_left_out_and_named(user: User, tmp_path: Path) -> None:
    ids = archive(user, make_mails(3))
    store = Store.objects.get()
    row = engines.open_store(store).row(2)
    assert row is not None
    (pack,) = (store.root / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[row.place.offset + row.place.length - 20] ^= 1
    pack.write_bytes(data)
    engines.close_all()
    arguments = ExportArguments(user=user.email, format="eml", destination=str(tmp_path / "out"))
    task = run_here(CONSOLE, "ExportMail", arguments)
    assert task.result is not None
    assert (task.result["messages"], [item["id"] for item in task.result["failed"]]) == (2, [ids[1]])
    assert len([file for file in (tmp_path / "out").rglob("*") if file.is_file()]) == 2


def test_a_zip_is_made_while_it_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a" / "big.mbox", make_mbox(make_mails(50)) * 20)
    (tmp_path / "new").mkdir()
    pieces = list(zip_stream(tmp_path))
    assert max(map(len, pieces)) < 1 << 20
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as packed:
        assert packed.testzip() is None
        assert sorted(packed.namelist()) == ["a/big.mbox", "new/"]
