"""The pages of backups: a destination from its making to a restored mailbox, as an administrator goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from archive import engines
from archive.models import BackupDestination, BackupSet, Store
from jobs.models import Task
from jobs.services import run_waiting
from tests.archive.django.factories import archive, make_mails

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]


def run_last() -> Task:
    task = Task.objects.latest("pk")
    run_waiting(task.pk)
    task.refresh_from_db()
    assert task.state == Task.State.COMPLETED, task.error
    return task


def test_an_administrator_adds_a_destination_backs_up_and_brings_a_mailbox_back(
    client_for: ClientFor, administrator: User, user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POSTKEEP_BACKUP_ROOTS", str(tmp_path))
    client = client_for(administrator)
    archive(user, make_mails(7))
    assert b"No backups yet" in client.get(reverse("archive:backup-list")).content
    assert str(tmp_path).encode() in client.get(reverse("archive:backup-kinds")).content
    new = reverse("archive:backup-create", args=["folder"])
    values = {"name": "Every night", "path": str(tmp_path / "n"), "keep_last": 3, "keep_days": 0, "warn_days": 2}
    refused = client.post(new, values | {"path": "/etc"})
    assert refused.status_code == 422 and b"outside the folders for backups" in refused.content
    client.post(new, values)
    place = BackupDestination.objects.get()
    page = reverse("archive:backup-detail", args=[place.pk])
    assert "It works" in client.post(reverse("archive:backup-test", args=[place.pk]), follow=True).content.decode()
    run = reverse("archive:backup-run", args=[place.pk])
    assert b"7</b> messages" in client.get(run).content
    client.post(run, {"indexes": "on"})
    assert run_last().result["with_indexes"] is True  # type: ignore[index]
    made = BackupSet.objects.get()
    assert made.set.encode() in client.get(page).content
    here = reverse("archive:backup-set", args=[made.pk])
    assert b"Main" in client.get(here).content
    client.post(reverse("archive:backup-verify", args=[made.pk]))
    assert run_last().result["ok"] is True  # type: ignore[index]
    opened = engines.open_store(Store.objects.get())
    opened.delete(list(opened.catalogue.numbers()), reason="a test", by="me")

    mailbox = reverse("archive:restore-mailbox", args=[made.pk])
    unknown = client.post(mailbox, {"mailbox": "nobody@example.org", "into": user.email, "preview": "1"})
    assert unknown.status_code == 422 and b"holds no message" in unknown.content
    shown = client.post(mailbox, {"mailbox": user.email, "preview": "1"}).content.decode()
    assert "in Inbox" in shown and "Restore the mailbox" in shown
    client.post(mailbox, {"mailbox": user.email, "save": "1"})
    assert run_last().result["restored"] == 7  # type: ignore[index]

    store = reverse("archive:restore-store", args=[made.pk])
    in_use = client.post(store, {"store": "Main", "preview": "1"})
    assert in_use.status_code == 422 and "Switch it off first" in in_use.content.decode()
    everything = client.get(reverse("archive:restore-archive", args=[made.pk])).content.decode()
    assert "Restore at the next start" in everything and "7</b> messages come back" in everything
    client.post(reverse("archive:restore-archive", args=[made.pk]), {"reason": "A drill"})
    assert run_last().type == "RestoreArchive"
    assert b"Everything is restored at the next start" in client.get(reverse("archive:backup-list")).content
    client.post(reverse("archive:restore-withdraw"))
    assert b"Everything is restored" not in client.get(reverse("archive:backup-list")).content
    edit = reverse("archive:backup-edit", args=[place.pk])
    client.post(edit, values | {"name": "Each night", "version": place.version})
    assert b"Each night" in client.get(page).content
    client.post(here, {"reason": "Not needed"})
    run_last()
    assert not BackupSet.objects.exists()
    client.post(reverse("archive:backup-delete", args=[place.pk]))
    assert not BackupDestination.objects.exists()
