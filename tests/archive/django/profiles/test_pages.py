"""The pages of profiles: made, tried, run and looked at by a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from archive import engines
from archive.models import Gap as GapRow
from archive.models import Profile, ProfileKind, ProfileRun, SourceFolder
from archive.services.profiles import keeping
from archive.services.stores import current_store
from archive.store import Ingest
from jobs.models import Task
from tests.archive.django.profiles.ground import make_mailbox, run_well
from tests.archive.django.profiles.test_commands import files_profile

pytestmark = pytest.mark.django_db
SECRET = "a-very-secret-password"


@pytest.fixture
def client(client_for: Callable[[User | None], Client], administrator: User) -> Client:
    return client_for(administrator)


def fields(address: str, **more: str) -> dict[str, str]:
    return {
        "name": "Mail of Ann", "host": "imap.example.org", "port": "993", "security": "tls", "verify_certificate": "on",
        "auth": "password", "user_name": "ann", "password": SECRET, "read_state": "any", "mailbox": address, **more,
    }  # fmt: skip


def test_a_profile_is_made_and_changed_and_its_password_is_on_no_page(client: Client, address: str) -> None:
    make_mailbox(address)
    url = reverse("archive:profile-create", args=["imap"])
    assert "folder_mapping" in client.get(url).content.decode()
    made = client.post(url, fields(address, folder_mapping="Sent Items = Sent\nOld = Archive/Old"))
    assert made.status_code == 303
    profile = Profile.objects.get()
    assert profile.settings["folder_mapping"] == [
        {"from": "Sent Items", "to": "Sent"}, {"from": "Old", "to": "Archive/Old"},
    ]  # fmt: skip
    edit = reverse("archive:profile-edit", args=[profile.pk])
    for page in (edit, reverse("archive:profile-detail", args=[profile.pk]), reverse("archive:profile-list")):
        shown = client.get(page).content.decode()
        assert SECRET not in shown
        assert "Mail of Ann" in shown
    changed = fields(address, password="", name="Renamed", version=str(profile.version))
    assert client.post(edit, changed).status_code == 303
    profile.refresh_from_db()
    assert (profile.name, SECRET in profile.secrets.reveal()) == ("Renamed", True)
    late = client.post(edit, fields(address, password="", name="Too late", version="1"))
    assert late.status_code == 422
    assert "meanwhile" in late.content.decode()


def test_what_is_wrong_stands_at_its_field(client: Client, address: str) -> None:
    url = reverse("archive:profile-create", args=["imap"])
    answer = client.post(url, fields("nobody@nowhere.example"))
    assert answer.status_code == 422
    assert "There is no mailbox" in answer.content.decode()
    assert not Profile.objects.exists()


@pytest.mark.parametrize("kind", ProfileKind.values)
def test_every_kind_has_a_form(client: Client, kind: str) -> None:
    assert client.get(reverse("archive:profile-create", args=[kind])).status_code == 200
    assert client.get(reverse("archive:profile-create", args=["nonsense"])).status_code == 404


def test_trying_shows_the_folders_and_keeps_nothing(client: Client, address: str) -> None:
    profile = files_profile(address)
    shown = client.post(reverse("archive:profile-try", args=[profile.pk]))
    assert "1 files below" in shown.content.decode()
    assert not ProfileRun.objects.exists()


def test_running_leads_to_the_task_and_leaves_a_result(client: Client, address: str) -> None:
    profile = files_profile(address)
    answer = client.post(reverse("archive:profile-run", args=[profile.pk]))
    task = Task.objects.get(type="RunProfile")
    assert answer["Location"] == reverse("jobs:task-detail", args=[task.pk])
    shown = client.get(reverse("archive:profile-detail", args=[profile.pk])).content.decode()
    assert "Settings" in shown
    run = run_well(profile)
    report = client.get(reverse("archive:result-detail", args=[run.pk])).content.decode()
    assert "Inbox" in report
    assert "Files" in client.get(reverse("archive:result-list")).content.decode()


def test_the_live_part_comes_alone_and_asks_again_while_it_runs(client: Client, address: str) -> None:
    profile = files_profile(address)
    task = Task.objects.create(type="RunProfile", actor_label="system", state=Task.State.IN_PROGRESS)
    run = ProfileRun.objects.create(profile=profile, profile_name="Files", kind="files", asked_by="x", task=task)
    for url in (reverse("archive:profile-detail", args=[profile.pk]), reverse("archive:result-detail", args=[run.pk])):
        part = client.get(url, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in part
        assert 'hx-trigger="every 2s"' in part


def test_a_run_whose_mail_is_kept_and_not_found_yet_says_so(client: Client, address: str) -> None:
    run = run_well(files_profile(address))
    url = reverse("archive:result-detail", args=[run.pk])
    shown = client.get(url).content.decode()
    assert "Kept after" in shown
    assert "may not be found yet" not in shown
    opened = engines.open_store(current_store(Actor.console()))
    with Ingest(opened, make_mailbox(address).pk, index="no") as ingest:
        ingest.put("Inbox", content=b"Subject: later\n\nlater\n")
    assert "may not be found yet" in client.get(url).content.decode()
    ProfileRun.objects.update(ended_at=timezone.now() - timedelta(hours=2))  # what waits now is nothing of this run's
    assert "may not be found yet" not in client.get(url).content.decode()


def test_automatic_execution_is_switched_on_the_page(client: Client, address: str) -> None:
    profile = files_profile(address)
    url = reverse("archive:profile-automatic", args=[profile.pk])
    wrong = client.post(url, {"automatic": "on", "pause_s": "60", "window": "late"})
    assert wrong.status_code == 422
    assert client.post(url, {"automatic": "on", "pause_s": "60", "window": "22:00-04:00"}).status_code == 303
    profile.refresh_from_db()
    assert (profile.automatic, profile.pause_s, profile.window) == (True, 60, "22:00-04:00")
    assert client.post(url, {}).status_code == 303
    profile.refresh_from_db()
    assert not profile.automatic


def test_completeness_names_gaps_and_counts_again(client: Client, address: str) -> None:
    profile = files_profile(address)
    run_well(profile)
    folder = SourceFolder.objects.get(profile=profile)
    GapRow.objects.create(
        folder=folder, key="77", message_id="<lost@example.org>", day="2020-01-01", reason="it would not come"
    )
    shown = client.get(reverse("archive:profile-completeness", args=[profile.pk])).content.decode()
    assert "it would not come" in shown
    assert "lost@example.org" in shown
    assert client.post(reverse("archive:profile-check", args=[profile.pk])).status_code == 303
    assert Task.objects.filter(type="CheckProfile").exists()


def test_deleting_forgets_the_profile_and_keeps_its_results(client: Client, address: str) -> None:
    profile = files_profile(address)
    run = run_well(profile)
    assert client.post(reverse("archive:profile-delete", args=[profile.pk])).status_code == 303
    run.refresh_from_db()
    assert (run.profile, run.profile_name) == (None, "Files")
    assert not SourceFolder.objects.exists()


@pytest.mark.parametrize("route", ["archive:profile-list", "archive:result-list"])
def test_lists_ask_the_same_number_of_questions_at_any_size(client: Client, address: str, route: str) -> None:
    files_profile(address)
    asked = []
    for count in (1, 30):
        for number in range(count):
            profile = keeping.create_profile(
                Actor.system(), name=f"More {count} {number}", kind="files",
                values={"path": Profile.objects.all()[0].settings["path"], "mailbox": address},
            )  # fmt: skip
            ProfileRun.objects.create(profile=profile, profile_name="x", kind="files", asked_by="system")
        client.get(reverse(route))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(route))
        asked.append(len(queries))
    assert asked[0] == asked[1]
