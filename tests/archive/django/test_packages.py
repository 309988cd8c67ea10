"""Evidence packages: who makes them of whose mail, what is in them, what their owners see; checked by the verifier."""

from __future__ import annotations

import json
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
from accounts.models import AuditEvent, User
from archive import engines, selectors
from archive.models import ArchiveAccess, EvidencePackage, Store, StoreCheckpoint
from archive.services.packages import PackageArguments, remove_expired_packages
from archive.services.sharing import set_folder_privileges
from archive.store.packs import pack_name
from domains.models import Mailbox
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.services import run_here, run_waiting, submit
from tests.archive.django.factories import archive, make_mails, make_raw
from tests.archive.evidence.making import load_verifier

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]
CONSOLE = Actor.console()
verifier = load_verifier()


@pytest.fixture
def mails(user: User) -> list[bytes]:
    mails = make_mails(6)
    archive(user, mails)
    archive(user, [make_raw("Private matters", number=99)], folder="Aside")
    return mails


def make(actor: Actor, **arguments: object) -> EvidencePackage:
    given = {"reason": "Case 4711 before the court", **arguments}
    task = run_here(actor, "ExportPackage", PackageArguments(**given))  # type: ignore[arg-type]
    assert task.state == Task.State.COMPLETED, task.error
    return EvidencePackage.objects.latest("created_at")


def manifest_of(package: EvidencePackage) -> dict[str, object]:
    with zipfile.ZipFile(package.path) as packed:
        found: dict[str, object] = json.loads(packed.read("manifest.json"))
        return found


def accepted(package: EvidencePackage) -> bool:
    return int(verifier.main([str(package.path)])) == 0


@pytest.mark.parametrize("format", ["eml", "mbox"])
def test_what_was_found_is_in_it_and_the_verifier_accepts_it(
    administrator: User, user: User, mails: list[bytes], format: str
) -> None:
    package = make(Actor.for_user(administrator), mailboxes=[user.email], query="budget", format=format)
    assert (package.messages, package.left_out) == (6, 0)
    assert accepted(package)
    manifest = manifest_of(package)
    assert [each["folders"] for each in manifest["messages"]] == [  # type: ignore[attr-defined]
        [{"mailbox": user.email, "folder": "Inbox"}]
    ] * 6
    assert manifest["reason"] == "Case 4711 before the court"
    assert StoreCheckpoint.objects.count() == 1


def test_a_changed_byte_of_a_message_is_refused(administrator: User, user: User, mails: list[bytes]) -> None:
    package = make(Actor.for_user(administrator), mailboxes=[user.email])
    content = bytearray(package.path.read_bytes())
    content[content.index(b"week 3")] ^= 1
    package.path.write_bytes(content)
    assert not accepted(package)


def test_chosen_messages_alone_go_in(administrator: User, user: User, mails: list[bytes]) -> None:
    store = Store.objects.get()
    package = make(Actor.for_user(administrator), mailboxes=[user.email], messages=[f"{store.pk}:2", f"{store.pk}:5"])
    assert [each["number"] for each in manifest_of(package)["messages"]] == [2, 5]  # type: ignore[attr-defined]
    assert accepted(package)


def test_messages_of_others_do_not_go_in_by_their_number(
    administrator: User, user: User, stranger: User, mails: list[bytes]
) -> None:
    (other,) = archive(stranger, [make_raw("Of somebody else", number=7)])
    package = make(Actor.for_user(administrator), mailboxes=[user.email], messages=[other])
    assert package.messages == 0


def test_the_owner_sees_it_with_reason_search_and_number(
    client_for: ClientFor, administrator: User, user: User, mails: list[bytes]
) -> None:
    make(Actor.for_user(administrator), mailboxes=[user.email], query="budget")
    (access,) = selectors.list_accesses_to(Actor.for_user(user))
    assert (access.reason, access.exported_messages, access.query) == ("Case 4711 before the court", 6, "budget")
    assert not access.stands
    page = client_for(user).get(reverse("archive:access-detail", args=[access.pk])).content.decode()
    assert "An evidence package was made" in page
    assert "budget" in page
    assert AuditEvent.objects.filter(action="archive.package", about_user_id=user.pk).exists()


def test_it_opens_nothing_to_read(administrator: User, user: User, mails: list[bytes]) -> None:
    actor = Actor.for_user(administrator)
    make(actor, mailboxes=[user.email])
    assert [archive for archive in selectors.readable_archives(actor) if archive.mailbox.user_id == user.pk] == []


def test_nobody_packs_the_mail_of_others_without_the_right(user: User, stranger: User, mails: list[bytes]) -> None:
    with pytest.raises(BadArguments):
        submit(Actor.for_user(stranger), "ExportPackage", PackageArguments(reason="curious me", mailboxes=[user.email]))
    with pytest.raises(BadArguments):
        submit(Actor.for_user(stranger), "ExportPackage", PackageArguments(reason="curious me"))
    assert not EvidencePackage.objects.exists()
    assert not ArchiveAccess.objects.exists()


def test_people_pack_their_own_mail_and_leave_no_line_about_it(user: User, mails: list[bytes]) -> None:
    package = make(Actor.for_user(user), mailboxes=[user.email])
    assert package.messages == 7
    assert accepted(package)
    assert not ArchiveAccess.objects.exists()


def test_a_folder_somebody_is_kept_out_of_stays_out(administrator: User, user: User, mails: list[bytes]) -> None:
    mailbox = Mailbox.objects.get(user=user)
    set_folder_privileges(Actor.system(), administrator, mailbox, "Aside", ["none"])
    package = make(Actor.for_user(administrator), mailboxes=[user.email])
    assert package.messages == 6


def test_a_reason_is_asked_for(administrator: User, user: User, mails: list[bytes]) -> None:
    with pytest.raises(BadArguments):
        submit(Actor.for_user(administrator), "ExportPackage", PackageArguments(reason=" ", mailboxes=[user.email]))


def test_a_damaged_message_is_left_out_and_named(administrator: User, user: User, mails: list[bytes]) -> None:
    opened = engines.open_store(Store.objects.get())
    row = opened.row(3)
    assert row is not None
    path = opened.root / pack_name(row.place.pack)
    content = bytearray(path.read_bytes())
    content[row.place.offset + row.place.length - 5] ^= 1
    path.write_bytes(content)
    package = make(Actor.for_user(administrator), mailboxes=[user.email])
    assert (package.messages, package.left_out) == (6, 1)
    assert [each["id"] for each in manifest_of(package)["left_out"]] == [f"{Store.objects.get().pk}:3"]  # type: ignore[attr-defined]
    assert accepted(package)


def test_messages_of_two_stores_are_each_linked_to_their_own(
    administrator: User, user: User, stranger: User, mails: list[bytes]
) -> None:
    first = Store.objects.get()
    Store.objects.filter(pk=first.pk).update(state="normal")
    engines.close_all()
    archive(stranger, make_mails(3, word="budget"))
    assert Store.objects.count() == 2
    package = make(Actor.for_user(administrator), mailboxes=[user.email, stranger.email], query="budget")
    assert package.messages == 9
    assert len(manifest_of(package)["stores"]) == 2  # type: ignore[arg-type]
    assert accepted(package)


def test_the_shell_packs_everything_into_a_file(user: User, mails: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    task = run_here(CONSOLE, "ExportPackage", PackageArguments(reason="for the auditor", destination=str(path)))
    assert task.state == Task.State.COMPLETED, task.error
    assert verifier.main([str(path)]) == 0
    with pytest.raises(BadArguments):
        run_here(CONSOLE, "ExportPackage", PackageArguments(reason="for the auditor", destination=str(path)))
    with pytest.raises(Forbidden):
        arguments = PackageArguments(reason="for the auditor", mailboxes=[user.email], destination=str(tmp_path / "x"))
        run_here(Actor.for_user(user), "ExportPackage", arguments)


def test_it_is_asked_for_and_fetched_by_the_page_until_it_expires(
    client_for: ClientFor, administrator: User, user: User, mails: list[bytes]
) -> None:
    client = client_for(administrator)
    form = {"mailboxes": user.email, "query": "budget", "reason": "Case 4711", "format": "eml", "messages": ""}
    bad = client.post(reverse("archive:package-add"), form | {"query": "from:"})
    assert bad.status_code == 422
    assert client.post(reverse("archive:package-add"), form).status_code == 303
    task = run_waiting(Task.objects.get(state="waiting").pk)
    assert task is not None
    assert task.state == Task.State.COMPLETED
    assert client.get(reverse("jobs:task-detail", args=[task.pk])).status_code == 200
    package = EvidencePackage.objects.get()
    assert package.sha256 in client.get(reverse("archive:package-list")).content.decode()
    answer = client.get(reverse("archive:package-download", args=[package.pk]))
    assert b"".join(answer.streaming_content) == package.path.read_bytes()  # type: ignore[attr-defined]
    assert AuditEvent.objects.filter(action="package.download").count() == 1
    EvidencePackage.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    assert client.get(reverse("archive:package-download", args=[package.pk])).status_code == 404
    assert remove_expired_packages() == 1
    assert not package.path.exists()
    assert client.get(reverse("archive:package-list")).status_code == 200


def test_who_has_lost_the_right_does_not_get_the_file_any_more(
    client_for: ClientFor, administrator: User, user: User, mails: list[bytes]
) -> None:
    package = make(Actor.for_user(administrator), mailboxes=[user.email])
    User.objects.filter(pk=administrator.pk).update(is_administrator=False)
    client = client_for(administrator)
    assert client.get(reverse("archive:package-download", args=[package.pk])).status_code == 404


def test_the_maker_takes_the_file_away_and_the_record_stays(
    client_for: ClientFor, administrator: User, user: User, mails: list[bytes]
) -> None:
    package = make(Actor.for_user(administrator), mailboxes=[user.email])
    client_for(administrator).post(reverse("archive:package-delete", args=[package.pk]))
    package.refresh_from_db()
    assert (package.path.exists(), package.removed_at is None) == (False, False)
