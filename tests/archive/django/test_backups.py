"""Backups of the house: what is written and told, every way back, and the drill with nothing but the recovery key."""

from __future__ import annotations

import ipaddress
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from archive import engines
from archive.backup.errors import DestinationBusy, DestinationRefused, KeyRefused
from archive.backup.manifest import list_sets
from archive.backup_commands import (
    CreateBackupArguments,
    DestinationArguments,
    RemoveBackupsArguments,
    RestoreArchiveArguments,
    RestoreMailboxArguments,
    RestoreStoreArguments,
    RunBackupArguments,
    VerifyBackupArguments,
)
from archive.errors import BackupUnknown, BadArguments
from archive.models import BackupDestination, BackupSet, Store, StoreState
from archive.services.backup import destinations, restoring, running, sets, whole
from archive.services.backup.destinations import create_destination, held, open_destination, update_destination
from config.kit import paths, sealing_keys, secrets
from domains.models import Mailbox
from jobs import approvals, services
from jobs.errors import BadArguments as BadCommandArguments
from jobs.errors import NeedsApproval
from jobs.models import Alert, Task
from jobs.reports import Content, blocks
from jobs.reports.periods import Timespan, period_of
from jobs.reports.sending import report_for
from jobs.services import run_here
from tests import factories
from tests.archive.django.factories import archive, make_mails, make_raw
from tests.s3 import S3, needs_s3

CONSOLE = Actor.console()
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def backup_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    monkeypatch.setenv("POSTKEEP_BACKUP_ROOTS", str(folder))
    return folder


def do(name: str, arguments: object, actor: Actor = CONSOLE) -> dict[str, Any]:
    task = run_here(actor, name, arguments)
    assert task.state == Task.State.COMPLETED, f"{name}: {task.state} {task.error}"
    assert isinstance(task.result, dict)
    return task.result


def mail_of(mailbox: Mailbox) -> set[tuple[str, str]]:
    """(folder, hash) of all a mailbox has, over all stores."""
    found = set()
    for store in Store.objects.exclude(state=StoreState.DISABLED):
        opened = engines.open_store(store)
        for folder in opened.folders(mailbox.pk):
            found |= {(folder.path, row.sha256) for row in opened.list_folder(folder.number, limit=500)}
    return found


# --- the drill ---------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A home of its own, with a recovery key of its own; the text of that is in it."""
    home = tmp_path / "first machine"
    home.mkdir()
    monkeypatch.setenv("POSTKEEP_HOME", str(home))
    (tmp_path / "recovery key").write_text(secrets.make_recovery_key())
    yield home
    engines.close_all()
    sealing_keys.forget()


@pytest.mark.django_db(transaction=True)
def test_with_the_recovery_key_everything_comes_back_on_a_machine_that_has_nothing(
    process_environment: dict[str, str], machine: Path, backup_folder: Path, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    person, other = factories.make_user("ada@example.org"), factories.make_user("bob@example.org")
    factories.make_administrator("root@example.org")
    archive(person, make_mails(30))
    archive(other, make_mails(10, word="secret"), folder="Sent/2004")
    wanted = {box.address: mail_of(box) for box in Mailbox.objects.all()}
    create_destination(
        CONSOLE, name="Elsewhere", kind="s3", endpoint="https://s3.example.org", bucket="mail", secret_key="open sesame"
    )
    made = do("CreateBackup", CreateBackupArguments(path=str(backup_folder)))
    assert (made["messages"], made["problems"], made["stores"]) == (40, [], 1)
    later = make_raw("Written after the backup")
    archive(person, [later])

    # The machine burns down.
    engines.close_all()
    sealing_keys.forget()
    shutil.rmtree(machine)
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()

    fresh = tmp_path / "second machine"
    monkeypatch.setenv("POSTKEEP_HOME", str(fresh))
    environment = process_environment | {"POSTKEEP_HOME": str(fresh)}

    def restore(*arguments: str, key: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "restore", "--from", str(backup_folder), "--json", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, input=key, capture_output=True, text=True, check=False
        )

    key = (tmp_path / "recovery key").read_text()
    wrong = restore(key=secrets.format_recovery_key(bytes(range(32))))
    assert wrong.returncode == 1 and "does not open the backup" in wrong.stdout
    done = restore(key=key)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["messages"], said["stores"], said["problems"]) == (40, ["Main"], [])

    assert {box.address: mail_of(box) for box in Mailbox.objects.all()} == wanted
    assert set(User.objects.values_list("email", flat=True)) == {
        "ada@example.org",
        "bob@example.org",
        "root@example.org",
    }
    assert BackupDestination.objects.get(name="Elsewhere").secret_key.reveal() == "open sesame"
    assert AuditEvent.objects.filter(action="backup.restore").exists()
    newcomer = factories.make_mailbox(factories.make_user("new@example.org"))
    known = engines.open_store(Store.objects.get()).catalogue.mailboxes()
    assert newcomer.pk not in known, "a new mailbox gets no number that somebody's mail hangs on"

    # And once more over what is there now, as it may be ordered from a page; what it replaces is kept.
    destination = BackupDestination.objects.get(kind="folder")
    assert sets.read_backups(CONSOLE, destination) == 1
    old = destination.sets.get()
    with pytest.raises(KeyRefused, match="its recovery key does"):
        sets.manifest_of(CONSOLE, old)  # it was made under the master key that is ashes
    backup = do("RunBackup", RunBackupArguments(destination.name))["set"]
    again = whole.open_set(open_destination(CONSOLE, destination), backup, master=secrets.master_key())
    assert "already" in whole.why_not(again, overwrite=False)
    archive(User.objects.get(email="ada@example.org"), [later])
    factories.make_user("late@example.org")
    do("RestoreArchive", RestoreArchiveArguments(destination.name, backup))
    assert (restoring.read_order() or {})["set"] == backup
    engines.close_all()
    connection.close()
    done_again = whole.restore_ordered()
    assert done_again is not None and done_again.problems == []
    assert restoring.read_order() is None
    emails = set(User.objects.values_list("email", flat=True))
    assert "new@example.org" in emails and "late@example.org" not in emails
    assert {box.address: mail_of(box) for box in Mailbox.objects.filter(address__in=wanted)} == wanted
    aside = Path(done_again.aside)
    assert (aside / "database.dump").stat().st_size > 1000 and list((aside / "stores").iterdir())


# --- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_backup_is_listed_checked_thinned_out_and_its_failures_are_told(
    user: User, administrator: User, backup_folder: Path
) -> None:
    actor = Actor.for_user(administrator)
    archive(user, make_mails(20))
    place = create_destination(actor, name="Nightly", kind="folder", path=str(backup_folder / "nightly"), keep_last=2)
    asked = running.preview_backup(actor, place)
    assert (asked.stores, asked.messages) == (1, 20) and asked.new_bytes == asked.bytes > 0
    first = do("RunBackup", RunBackupArguments("Nightly", exclude_search_indexes=False), actor)
    assert first["with_indexes"] and first["ok"] and first["written"] == first["bytes"]
    second = do("RunBackup", RunBackupArguments("Nightly"), actor)
    assert not second["with_indexes"] and second["written"] < first["written"]
    third = do("RunBackup", RunBackupArguments("Nightly"), actor)
    assert third["removed_sets"] == 1
    rows = list(place.sets.all())
    assert {row.set for row in rows} == {second["set"], third["set"]} and rows[0].state == "unchecked"
    assert [each.set for each in list_sets(open_destination(actor, place))] == [row.set for row in rows]
    assert do("VerifyBackup", VerifyBackupArguments("Nightly"), actor)["ok"]
    assert place.sets.get(set=third["set"]).state == "good"

    pack = next((backup_folder / "nightly").rglob("*.pack.*"))
    pack.write_bytes(b"x" * pack.stat().st_size)
    assert do("VerifyBackup", VerifyBackupArguments("Nightly", sizes_only=True), actor)["ok"]
    found = do("VerifyBackup", VerifyBackupArguments("Nightly"), actor)
    assert not found["ok"] and "not what was written" in found["problems"][0]
    assert place.sets.get(set=third["set"]).state == "damaged"
    listed = do("GetBackups", DestinationArguments("Nightly"), actor)["backups"]
    assert [each["set"] for each in listed] == [row.set for row in rows] and listed[0]["state"] == "damaged"

    task = approvals.ask(
        actor, "RemoveBackups", RemoveBackupsArguments("Nightly", [second["set"]]), reason="Not needed"
    ).task
    assert task is not None and services.run_waiting(task.pk) is not None
    assert [row.set for row in place.sets.all()] == [third["set"]]

    # A store that can't be opened is told, and the rest is written.
    store = Store.objects.get()
    engines.close_all()
    store.root.rename(store.root.with_name("gone"))
    incomplete = do("RunBackup", RunBackupArguments("Nightly"), actor)
    assert not incomplete["ok"] and "Main is not in this backup" in incomplete["problems"][0]
    assert Alert.objects.get(kind=running.INCOMPLETE).acknowledged_at is None
    store.root.with_name("gone").rename(store.root)
    opened = open_destination(actor, place)
    with held(place, opened):
        task = run_here(actor, "RunBackup", RunBackupArguments("Nightly"))
        assert task.state == Task.State.FAILED and "another backup works on" in task.error
        with pytest.raises(DestinationBusy), held(place, opened):
            pass
    assert Alert.objects.get(kind=running.FAILED).acknowledged_at is None
    do("RunBackup", RunBackupArguments("Nightly"), actor)
    assert not Alert.objects.filter(acknowledged_at=None).exists(), "all is well again"

    assert running.watch_backups() == 0
    place.sets.update(made_at=timezone.now() - timedelta(days=3))
    assert running.watch_backups() == 1 == running.watch_backups()
    assert Alert.objects.get(kind=running.OVERDUE).times == 1


@pytest.mark.django_db
def test_what_is_missing_comes_back_into_a_mailbox_and_nothing_is_taken_away(user: User, stranger: User) -> None:
    mails = make_mails(12)
    archive(user, mails[:8])
    archive(user, mails[6:12], folder="Projects")
    mailbox, theirs = Mailbox.objects.get(user=user), factories.make_mailbox(stranger)
    before = mail_of(mailbox)
    place = destinations.destination_for_folder(CONSOLE, str(destinations.backup_roots()[0]))
    backup = do("RunBackup", RunBackupArguments(place.name))["set"]
    opened = engines.open_store(Store.objects.get())
    opened.delete(list(opened.catalogue.numbers())[:5], reason="a test", by="me")
    archive(user, [make_raw("Newer than the backup")])
    newer = mail_of(mailbox) - before
    assert len(mail_of(mailbox)) < len(before)
    counted = do("RestoreMailbox", RestoreMailboxArguments(place.name, user.email, dry_run=True))
    assert (counted["found"], counted["restored"]) == (14, 0) and len(mail_of(mailbox)) < len(before)
    done = do("RestoreMailbox", RestoreMailboxArguments(place.name, user.email, backup))
    assert (done["found"], done["restored"], done["unreadable"]) == (14, 5, 0)
    assert mail_of(mailbox) == before | newer
    again = do("RestoreMailbox", RestoreMailboxArguments(place.name, user.email))
    assert again["restored"] == 0
    into = RestoreMailboxArguments(place.name, str(mailbox.pk), into=stranger.email, folder="From the backup")
    do("RestoreMailbox", into)
    assert {folder for folder, _hash in mail_of(theirs)} == {"From the backup/Inbox", "From the backup/Projects"}
    task = run_here(
        CONSOLE, "RestoreMailbox", RestoreMailboxArguments(place.name, "nobody@example.org", into=user.email)
    )
    assert task.state == Task.State.FAILED and "holds no message" in task.error
    with pytest.raises(BadCommandArguments):
        run_here(CONSOLE, "RestoreMailbox", RestoreMailboxArguments(place.name, user.email, "20260101T000000Z-000000"))


@pytest.mark.django_db
def test_a_store_comes_back_beside_or_in_place_of_the_one_that_is_there(user: User, administrator: User) -> None:
    archive(user, make_mails(9))
    mailbox, store = Mailbox.objects.get(user=user), Store.objects.get()
    place = destinations.destination_for_folder(CONSOLE, str(destinations.backup_roots()[0]))
    backup = do("RunBackup", RunBackupArguments(place.name, exclude_search_indexes=False))["set"]
    before = mail_of(mailbox)
    arguments = RestoreStoreArguments(place.name, backup, "Main")
    with pytest.raises(BadCommandArguments, match="in use"):
        approvals.ask(CONSOLE, "RestoreStore", arguments, reason="A test")
    archive(user, [make_raw("Newer than the backup")])
    Store.objects.update(state=StoreState.DISABLED)
    factories.make_administrator("second@example.org")
    with pytest.raises(NeedsApproval):
        run_here(Actor.for_user(administrator), "RestoreStore", arguments)
    asked = approvals.ask(Actor.for_user(administrator), "RestoreStore", arguments, reason="It is broken")
    assert asked.task is None and asked.numbers[0][0] == 9 and asked.numbers[1][0] == 10
    second = Actor.for_user(User.objects.get(email="second@example.org"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(User, "created_at", administrator.created_at, raising=False)
        decided = approvals.approve(second, asked)
    assert decided.task is not None
    services.run_waiting(decided.task.pk)
    decided.task.refresh_from_db()
    assert decided.task.result is not None and decided.task.result["ok"], decided.task.error
    assert Path(decided.task.result["kept_aside"]).is_dir()
    store.refresh_from_db()
    assert store.state == StoreState.NORMAL and mail_of(mailbox) == before
    assert engines.open_store(store).index.has(list(range(1, 10))) == 9

    # Detached and its folder lost: it is attached again.
    engines.close_all()
    shutil.rmtree(store.root)
    store.delete()
    done = do("RestoreStore", arguments)
    assert done["ok"] and done["kept_aside"] is None
    assert mail_of(mailbox) == before


# --- destinations ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_destination_lies_below_the_roots_and_keeps_its_secret(
    administrator: User, user: User, backup_folder: Path, tmp_path: Path
) -> None:
    actor = Actor.for_user(administrator)
    (backup_folder / "link").symlink_to(tmp_path)
    for path in (
        "/etc",
        str(backup_folder / ".." / "elsewhere"),
        str(backup_folder / "link" / "x"),
        "relative",
        "",
        "\0",
    ):
        with pytest.raises(BadArguments) as refused:
            create_destination(actor, name="Wrong", kind="folder", path=path)
        assert refused.value.field == "path"
    with pytest.raises(BadArguments, match="among what it is of"):
        create_destination(CONSOLE, name="Wrong", kind="folder", path=str(paths.stores_dir() / "x"))
    with pytest.raises(Forbidden):
        create_destination(Actor.for_user(user), name="No", kind="folder", path=str(backup_folder))
    with pytest.raises(BadCommandArguments):
        run_here(actor, "CreateBackup", CreateBackupArguments(path="/etc"))
    s3: dict[str, Any] = {"kind": "s3", "endpoint": "https://s3.example.org", "bucket": "mail"}
    for wrong in ({"endpoint": "ftp://x"}, {"bucket": "a"}, {"prefix": "a//b"}, {"keep_last": -1}, {"what": 1}):
        with pytest.raises(BadArguments) as refused:
            create_destination(actor, name="Wrong", **{**s3, **wrong})
        assert refused.value.field in wrong
    made = create_destination(actor, name="Far", **s3, access_key="AK", secret_key="open sesame")
    with pytest.raises(BadArguments):
        create_destination(actor, name="Far", **s3)
    assert made.secret_key.reveal() == "open sesame"
    assert "open sesame" not in json.dumps(list(AuditEvent.objects.values("details")), default=str)
    update_destination(actor, made, secret_key="", prefix="of/us")
    made.refresh_from_db()
    assert made.secret_key.reveal() == "open sesame" and made.place == "s3://mail/of/us"
    update_destination(actor, made, secret_key="open barley")
    assert made.secret_key.reveal() == "open barley"
    assert "barley" not in json.dumps(list(AuditEvent.objects.values("details", "changes")), default=str)
    with pytest.raises(BadArguments) as refused:
        update_destination(actor, made, endpoint="https://elsewhere.example.net")
    assert refused.value.field == "secret_key", "a secret isn't sent to another server"
    with pytest.raises(BackupUnknown):
        destinations.get_destination(actor, 999)
    destinations.delete_destination(actor, made)
    assert not BackupDestination.objects.exists()


@needs_s3
@pytest.mark.django_db
def test_a_bucket_is_reached_through_the_gate_tried_and_backed_up_to(
    administrator: User, user: User, s3_server: S3, settings: Any
) -> None:
    actor = Actor.for_user(administrator)
    archive(user, make_mails(5))
    made = create_destination(
        actor, name="Bucket", kind="s3", endpoint=s3_server.endpoint, bucket=s3_server.new_bucket(), prefix="p",
        access_key=s3_server.key, secret_key=s3_server.secret,
    )  # fmt: skip
    assert "aren't allowed" in destinations.try_destination(actor, made)
    with pytest.raises(DestinationRefused):
        open_destination(actor, made)
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset({s3_server.port})
    assert do("TestBackupDestination", DestinationArguments("Bucket"), actor) == {
        "destination": "Bucket", "ok": True, "problem": "",
    }  # fmt: skip
    done = do("RunBackup", RunBackupArguments("Bucket"), actor)
    assert done["messages"] == 5 and done["ok"]
    assert do("VerifyBackup", VerifyBackupArguments("Bucket", done["set"]), actor)["ok"]
    BackupSet.objects.all().delete()
    assert sets.read_backups(actor, made) == 1 and made.sets.get().messages == 5
    update_destination(actor, made, secret_key="wrong")
    said = do("TestBackupDestination", DestinationArguments("Bucket"), actor)
    assert not said["ok"] and "SignatureDoesNotMatch" in str(said["problem"])


@pytest.mark.django_db
def test_the_status_report_tells_of_each_destination(administrator: User, user: User, backup_folder: Path) -> None:
    actor = Actor.for_user(administrator)

    def section() -> Content | None:
        made = report_for(actor, period_of(Timespan.THIS_WEEK, "UTC", timezone.now()))
        return next((each.content for each in made.sections if each.name == "backups"), None)

    assert section() is None
    archive(user, make_mails(3))
    place = create_destination(actor, name="Nightly", kind="folder", path=str(backup_folder))
    do("RunBackup", RunBackupArguments("Nightly"))
    said = section()
    assert said is not None and not said.notices
    (table,) = (block for block in said.blocks if isinstance(block, blocks.Table))
    assert [cell.text for cell in table.rows[0]][:2] == ["Nightly", "Whole"] and table.rows[0][3].text == "1"
    place.sets.update(made_at=timezone.now() - timedelta(days=3))
    said = section()
    assert said is not None and "no backup for more than 2 days" in said.notices[0].text
