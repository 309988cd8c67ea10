"""Importing: what comes in is found and comes out byte for byte, once; what is no message is named."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import BadAddress, Forbidden
from accounts.models import AuditEvent, User
from archive import counting, selectors
from archive.errors import BadArguments, PathRefused
from archive.foldertree import tree_of
from archive.models import Rejection, Store, Upload, UploadState
from archive.services import imports
from archive.services.exports import ExportArguments
from archive.services.imports import ImportArguments, check_import, every_rejection_to
from archive.services.uploads import INCOMING, keep_upload
from config.kit import paths as kit_paths
from domains.models import Domain, Mailbox
from jobs.models import Task
from jobs.services import run_here
from tests.archive.django.factories import make_mails, make_mbox, make_raw, write
from tests.domains.factories import make_domain

pytestmark = pytest.mark.django_db
CONSOLE = Actor.console()


def run_import(*paths: Path, actor: Actor = CONSOLE, user: str = "bob@example.org", **more: Any) -> Task:
    arguments = ImportArguments(user=user, paths=[str(path) for path in paths], **more)
    return run_here(actor, "ImportMail", arguments)


def result_of(task: Task) -> dict[str, Any]:
    assert task.state == Task.State.COMPLETED, task.error
    assert isinstance(task.result, dict)
    return task.result


def hashes_below(folder: Path) -> list[str]:
    return sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file())


def hashes_of(messages: list[bytes]) -> list[str]:
    return sorted(hashlib.sha256(raw).hexdigest() for raw in messages)


def test_a_folder_of_messages_is_found_and_comes_out_as_it_went_in(tmp_path: Path) -> None:
    mails = [*make_mails(20), b"no header ends here", b"\x00\xff broken: \x80\r\n\r\n\x00", b"Subject: bare\n\n"]
    for number, raw in enumerate(mails):
        write(tmp_path / "in" / f"{number}.eml", raw)
    result = result_of(run_import(tmp_path / "in"))
    assert (result["source"], result["archived"], result["duplicates"], result["rejected"]) == (23, 23, 0, 0)
    assert result["indexed"] == 23
    assert result["bytes"] == sum(map(len, mails))
    found = selectors.search(selectors.console_scope(CONSOLE, "bob@example.org"), "budget")
    assert found.total == 20
    for format in ("eml", "maildir"):
        out = tmp_path / format
        arguments = ExportArguments(user="bob@example.org", format=format, destination=str(out))
        exported = result_of(run_here(CONSOLE, "ExportMail", arguments))
        assert exported["messages"] == 23
        assert hashes_below(out) == hashes_of(mails)


def test_a_second_run_doubles_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "mail.mbox", make_mbox(make_mails(12)))
    first, second = result_of(run_import(source)), result_of(run_import(source))
    assert (first["archived"], first["duplicates"]) == (12, 0)
    assert (second["archived"], second["duplicates"], second["source"], second["indexed"]) == (0, 12, 12, 0)


def test_another_folder_is_a_placement_and_counts_as_archived(tmp_path: Path) -> None:
    source = write(tmp_path / "mail.mbox", make_mbox(make_mails(5)))
    run_import(source, folder="One")
    again = result_of(run_import(source, folder="Two/Deep"))
    assert (again["archived"], again["indexed"], again["duplicates"]) == (5, 5, 0)
    scope = selectors.console_scope(CONSOLE, "bob@example.org")
    assert selectors.search(scope, "").total == 5
    assert selectors.search(scope, "in:Two").total == 5
    out = tmp_path / "out"
    arguments = ExportArguments(user="bob@example.org", format="eml", destination=str(out))
    assert result_of(run_here(CONSOLE, "ExportMail", arguments))["messages"] == 10


def test_folders_of_the_source_are_kept_unless_one_is_named(tmp_path: Path) -> None:
    write(tmp_path / "in" / "Work" / "Old" / "1.eml", make_raw("one"))
    write(tmp_path / "in" / "2.eml", make_raw("two"))
    run_import(tmp_path / "in")
    mailbox = Mailbox.objects.get(address="bob@example.org")
    paths = {node.path: node.messages for node in tree_of(selectors.Archive(mailbox)).walk()}
    assert paths["Inbox"] == 1
    assert paths["Work/Old"] == 1


def test_rejections_are_named_in_the_database_and_to_the_shell(tmp_path: Path) -> None:
    write(tmp_path / "in" / "ok.eml", make_raw())
    write(tmp_path / "in" / "picture.png", b"\x89PNG\r\n\x1a\n" + bytes(100))
    told: list[dict[str, object]] = []
    with every_rejection_to(told.append):
        task = run_import(tmp_path / "in")
    result = result_of(task)
    assert (result["source"], result["archived"], result["rejected"]) == (2, 1, 1)
    rejection = Rejection.objects.get(task=task)
    assert rejection.path.endswith("picture.png")
    assert "PNG" in rejection.reason
    assert told == [{"path": rejection.path, "offset": rejection.offset, "reason": rejection.reason}]


def test_the_database_keeps_a_bounded_number_of_rejections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "KEPT_REJECTIONS", 3)
    for number in range(7):
        write(tmp_path / "in" / f"{number}.png", b"\x89PNG\r\n\x1a\n")
    told: list[dict[str, object]] = []
    with every_rejection_to(told.append):
        task = run_import(tmp_path / "in")
    assert result_of(task)["rejected"] == 7
    assert (len(told), Rejection.objects.filter(task=task).count()) == (7, 3)


def test_an_unknown_address_gets_a_mailbox_that_cannot_sign_in(tmp_path: Path) -> None:
    result = result_of(run_import(write(tmp_path / "1.eml", make_raw()), user="New.One@Example.ORG"))
    assert result["mailbox_created"] is True
    person = User.objects.get(email="new.one@example.org")
    assert not person.has_usable_password()
    assert AuditEvent.objects.filter(action="mail.import").exists()


def test_a_store_is_made_by_name_and_the_first_is_called_main(tmp_path: Path) -> None:
    source = write(tmp_path / "1.eml", make_raw())
    run_import(source)
    run_import(source, store="Second place")
    stores = {store.name: store for store in Store.objects.all()}
    assert set(stores) == {"Main", "Second place"}
    assert stores["Main"].state == "current"
    assert stores["Second place"].root.is_dir()
    assert selectors.search(selectors.console_scope(CONSOLE, None), "").total == 2


def test_a_count_that_does_not_add_up_fails_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting.Counter, "result", lambda self, stopping: 5)
    task = run_import(write(tmp_path / "1.eml", make_raw()))
    assert task.state == Task.State.FAILED
    assert "5 messages by an independent count, but 1 were seen" in task.error
    assert task.result is not None and task.result["archived"] == 1


# --- who may ------------------------------------------------------------------------------------------------------


def test_a_user_imports_only_uploads_and_only_into_their_own_mailbox(user: User, tmp_path: Path) -> None:
    make_domain(user.email.rpartition("@")[2])
    actor, path = Actor.for_user(user), write(tmp_path / "1.eml", make_raw())
    with pytest.raises(Forbidden):
        check_import(actor, ImportArguments(user=user.email, paths=[str(path)]))
    upload = keep_upload(actor, [SimpleUploadedFile("a.eml", make_raw())])
    with pytest.raises(Forbidden):
        check_import(actor, ImportArguments(user="other@example.org", upload=str(upload.pk)))
    with pytest.raises(Forbidden):
        check_import(actor, ImportArguments(user=user.email, upload=str(upload.pk), store="Mine"))
    assert len(check_import(actor, ImportArguments(user=user.email, upload=str(upload.pk)))) == 1


def test_nobody_imports_the_upload_of_another(user: User, stranger: User) -> None:
    make_domain(user.email.rpartition("@")[2])
    upload = keep_upload(Actor.for_user(stranger), [SimpleUploadedFile("a.eml", make_raw())])
    with pytest.raises(Forbidden):
        check_import(Actor.for_user(user), ImportArguments(user=user.email, upload=str(upload.pk)))


def test_an_administrators_path_lies_under_the_roots_after_resolving_links(
    administrator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, root = Actor.for_user(administrator), tmp_path / "root"
    inside, outside = write(root / "in.eml", make_raw()), write(tmp_path / "out.eml", make_raw())
    (root / "link.eml").symlink_to(outside)
    monkeypatch.setenv("POSTKEEP_IMPORT_ROOTS", str(root))
    assert check_import(actor, ImportArguments(user="x@example.org", paths=[str(inside)])) == [inside]
    for bad in (outside, root / "link.eml", root / ".." / "out.eml", Path("/etc/passwd"), root / "missing.eml"):
        with pytest.raises(PathRefused):
            check_import(actor, ImportArguments(user="x@example.org", paths=[str(bad)]))


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"user": "no address"}, BadAddress),
        ({"mbox": "xy"}, BadArguments),
        ({"folder": " / "}, BadArguments),
        ({"paths": []}, BadArguments),
        ({"upload": "not-a-uuid"}, BadArguments),
        ({"paths": ["/nonexistent/mail"]}, PathRefused),
    ],
)
def test_nonsense_is_refused_before_anything_begins(more: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        check_import(CONSOLE, ImportArguments(**{"user": "bob@example.org", "paths": ["/tmp"], **more}))


# --- by the page --------------------------------------------------------------------------------------------------


def run_waiting() -> Task:
    from jobs.services import run_waiting

    task = Task.objects.get(state=Task.State.WAITING)
    ended = run_waiting(task.pk)
    assert ended is not None
    return ended


def test_nobody_imports_into_a_domain_that_is_not_served(client_for: Callable[..., Client], user: User) -> None:
    answer = client_for(user).post(reverse("archive:import"), {"files": [SimpleUploadedFile("a.eml", make_raw("a"))]})
    assert answer.status_code == 422
    assert "example.org is not a domain of this server" in answer.content.decode()
    assert not Domain.objects.exists() and not Task.objects.exists()


def test_uploaded_files_are_imported_and_then_removed(client_for: Callable[..., Client], user: User) -> None:
    make_domain(user.email.rpartition("@")[2])
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w") as packed:
        for number, raw in enumerate(make_mails(4)):
            packed.writestr(f"Old/{number}.eml", raw)
    files = [
        SimpleUploadedFile("mails.zip", archived.getvalue()),
        SimpleUploadedFile("../../evil\r\n.eml", make_raw("evil")),
        SimpleUploadedFile("junk.png", b"\x89PNG\r\n\x1a\n"),
    ]
    answer = client_for(user).post(reverse("archive:import"), {"files": files})
    assert answer.status_code == 303
    upload = Upload.objects.get()
    assert all(file.resolve().is_relative_to(upload.root) for file in upload.root.rglob("*"))
    task = run_waiting()
    assert answer["Location"] == reverse("jobs:task-detail", args=[task.pk])
    assert (result_of(task)["archived"], result_of(task)["rejected"]) == (5, 1)
    upload.refresh_from_db()
    assert upload.state == UploadState.REMOVED
    assert not upload.root.exists()
    page = client_for(user).get(reverse("archive:import-items", args=[task.pk]))
    assert b"junk.png" in page.content
    assert str(upload.root).encode() not in page.content
    assert client_for(user).get(reverse("jobs:task-detail", args=[task.pk])).status_code == 200


@pytest.mark.parametrize("more", [{"path": "/tmp"}, {"mbox": "nonsense"}, {"folder": "a/\0"}])
def test_a_refused_form_leaves_nothing_of_what_was_sent_with_it(
    client_for: Callable[..., Client], administrator: User, more: dict[str, str]
) -> None:
    answer = client_for(administrator).post(
        reverse("archive:import"), {"files": SimpleUploadedFile("a.eml", make_raw()), **more}
    )
    assert answer.status_code == 422
    assert incoming_files() == []


def test_a_post_without_the_token_leaves_nothing_of_what_was_sent(administrator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    answer = client.post(reverse("archive:import"), {"files": SimpleUploadedFile("a.eml", make_raw())})
    assert answer.status_code == 403
    assert incoming_files() == []


def incoming_files() -> list[Path]:
    return [file for file in (kit_paths.uploads_dir() / INCOMING).rglob("*") if file.is_file()]


def test_a_refused_upload_leaves_no_file_behind(client_for: Callable[..., Client], administrator: User) -> None:
    answer = client_for(administrator).post(
        reverse("archive:import"), {"files": SimpleUploadedFile("a.eml", make_raw()), "user": "nonsense"}
    )
    assert answer.status_code == 422
    assert Task.objects.count() == 0
    assert not Upload.objects.exists() or not any(upload.root.exists() for upload in Upload.objects.all())


def test_an_administrator_imports_a_path_for_somebody(
    client_for: Callable[..., Client], administrator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTKEEP_IMPORT_ROOTS", str(tmp_path))
    write(tmp_path / "mail.mbox", make_mbox(make_mails(3)))
    form = {"path": str(tmp_path / "mail.mbox"), "user": "carol@example.org", "folder": "Old mail"}
    assert client_for(administrator).post(reverse("archive:import"), form).status_code == 303
    assert result_of(run_waiting())["mailbox"] == "carol@example.org"
    answer = client_for(administrator).post(reverse("archive:import"), {"path": "/etc/passwd", "user": "a@example.org"})
    assert answer.status_code == 422
    assert b"outside the folders for imports" in answer.content
