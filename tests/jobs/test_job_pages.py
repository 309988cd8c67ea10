"""The pages of jobs and alerts: planning, what stands there, what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Grant, User
from jobs import dispatching
from jobs.models import Alert, Job, JobRun
from tests import factories
from tests.jobs import test_jobs
from tests.stage import Cast

ClientFor = Callable[[User | None], Client]
WHEN = {"kind": "daily", "time": "02:30", "time_zone": "Europe/Berlin"}


def planned(owner: User, **fields: str) -> dict[str, str]:
    return {"name": "Count by night", "owner": owner.email, "missed": "skip", **WHEN, **fields}


def test_a_job_is_planned_from_a_commands_own_fields(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    assert b"TestCount" in client.get(reverse("jobs:job-new")).content
    url = reverse("jobs:job-create", args=["TestCount"])
    shown = client.get(url).content.decode()
    assert 'name="arg_to"' in shown and 'value="tick"' in shown
    answer = client.post(url, planned(administrator, arg_to="3", arg_word="tock"))
    job = Job.objects.get()
    assert answer.status_code == 303 and answer["Location"] == reverse("jobs:job-detail", args=[job.pk])
    assert (job.name, job.arguments, job.missed) == ("Count by night", {"to": 3, "word": "tock"}, "skip")
    assert job.schedule == {"timeZoneId": "Europe/Berlin", "time": "02:30"}
    page = client.get(answer["Location"]).content.decode()
    assert "Every day at 02:30" in page and page.count("<time") >= 5


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"arg_to": ""}, "arg_to"),
        ({"arg_to": "many"}, "arg_to"),
        ({"owner": "nobody@example.org"}, "owner"),
        ({"owner": "user@example.org"}, "owner"),
        ({"time": ""}, "time"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"kind": "once", "date": "2020-01-01T00:00"}, "date"),
        ({"kind": "interval", "interval": "7"}, "interval"),
        ({"name": " "}, "name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client_for: ClientFor, administrator: User, user: User, fields: dict[str, str], field: str
) -> None:
    url = reverse("jobs:job-create", args=["TestCount"])
    answer = client_for(administrator).post(url, planned(administrator, arg_to="3") | fields)
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "weekly", "day_of_week": "Friday", "time": "06:00"}, "Every Friday at 06:00"),
        ({"kind": "monthly", "day_of_month": "1", "narrowed_to": "Monday", "time": "06:00"}, "On the first Monday"),
        ({"kind": "monthly", "day_of_month": "24", "month": "December", "time": "06:00"}, "only in December"),
        ({"kind": "monthly", "day_of_month": "Last", "time": "06:00"}, "On the last day of a month"),
        ({"kind": "interval", "interval": "240"}, "Every 4 hours"),
        ({"kind": "weekly", "day_of_week": "Friday", "time": ""}, "A day needs a time of day"),
        ({"kind": "once", "date": "2020-01-01T00:00"}, "never run again"),
        ({"kind": "daily", "time": "99:99"}, "Fill in when it runs"),
    ],
)
def test_next_runs_are_shown_before_saving(
    client_for: ClientFor, administrator: User, fields: dict[str, str], words: str
) -> None:
    answer = client_for(administrator).get(reverse("jobs:next-runs"), {"time_zone": "Europe/Berlin", **fields})
    assert answer.status_code == 200 and words in answer.content.decode()


def test_a_secret_is_asked_and_never_shown_again(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    url = reverse("jobs:job-create", args=["TestSecret"])
    client.post(url, planned(administrator, arg_word="x", arg_password="open sesame"))
    job = Job.objects.get()
    pages = [client.get(reverse(f"jobs:job-{page}", args=[job.pk])) for page in ("detail", "edit")]
    assert all("sesame" not in page.content.decode() for page in pages)
    client.post(reverse("jobs:job-edit", args=[job.pk]), planned(administrator, arg_word="y", version="1"))
    job.refresh_from_db()
    assert job.arguments == {"word": "y"} and job.given()["password"] == "open sesame"


def test_a_job_is_edited_and_the_second_of_two_people_is_told(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    job = test_jobs.make_job(administrator)
    url = reverse("jobs:job-edit", args=[job.pk])
    assert 'value="02:30"' in client.get(url).content.decode()
    fields = planned(administrator, arg_to="5", version="1", kind="interval", interval="30")
    assert client.post(url, fields).status_code == 303
    job.refresh_from_db()
    assert (job.arguments["to"], job.schedule["interval"]) == (5, 30)
    assert client.post(url, fields | {"name": "Other"}).status_code == 422


def test_buttons_run_cancel_disable_enable_and_delete(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    job = test_jobs.make_job(administrator, "TestWait", arguments={"to": 60})

    def press(action: str, **fields: str) -> Job | None:
        assert client.post(reverse(f"jobs:job-{action}", args=[job.pk]), fields).status_code == 303
        return Job.objects.filter(pk=job.pk).first()

    press("run")
    live = client.get(reverse("jobs:job-detail", args=[job.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in live and "<html" not in live
    press("run")
    assert JobRun.objects.count() == 1
    press("cancel")
    test_jobs.run_tasks()
    run = JobRun.objects.get()
    assert run.state == "cancelled"
    assert client.get(reverse("jobs:run-detail", args=[run.pk])).status_code == 200
    assert f"#{run.pk}" in client.get(reverse("jobs:run-list")).content.decode()
    disabled = press("enable", enabled="no")
    assert disabled is not None and not disabled.is_enabled
    enabled = press("enable", enabled="yes")
    assert enabled is not None and enabled.is_enabled
    assert press("delete") is None


def test_what_comes_with_postkeep_offers_only_its_schedule(client_for: ClientFor, administrator: User) -> None:
    dispatching.make_built_in()
    job = Job.objects.get(built_in="purge-old-tasks")
    client = client_for(administrator)
    page = client.get(reverse("jobs:job-edit", args=[job.pk])).content.decode()
    assert 'name="owner"' not in page and 'name="arg_' not in page
    fields = {**WHEN, "missed": "skip", "version": "1"}
    assert client.post(reverse("jobs:job-edit", args=[job.pk]), fields).status_code == 303
    job.refresh_from_db()
    assert job.schedule["time"] == "02:30"
    assert "Delete job" not in client.get(reverse("jobs:job-detail", args=[job.pk])).content.decode()


def test_lists_ask_as_often_at_any_size(
    client_for: ClientFor, administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_for(administrator)
    for size in (2, 7):
        while Job.objects.count() < size:
            factories.make_job_run(test_jobs.make_job(administrator))
        for page in ("jobs:job-list", "jobs:run-list"):
            client.get(reverse(page))  # sessions and preferences
            with django_assert_num_queries(9):
                client.get(reverse(page))


def test_alerts_stand_above_every_page_until_acknowledged(client_for: ClientFor, cast: Cast) -> None:
    factories.make_alert(cast.domain, "The DNS of example.org is broken.")
    alert = Alert.objects.get()
    delegate, user = client_for(cast.domain_administrator), client_for(cast.user)
    page = reverse("accounts:account")
    assert "DNS of example.org" in delegate.get(page).content.decode()
    assert "DNS of example.org" not in user.get(page).content.decode()
    answer = delegate.post(reverse("jobs:alert-acknowledge", args=[alert.pk]), {"next": page})
    assert (answer.status_code, answer["Location"]) == (303, page)
    assert "DNS of example.org" not in delegate.get(page).content.decode().split("toast")[0]
    elsewhere = delegate.post(reverse("jobs:alert-acknowledge", args=[alert.pk]), {"next": "https://evil.example/"})
    assert elsewhere["Location"] == reverse("jobs:alert-list")


def test_an_alert_is_posted_where_one_watches_over(client_for: ClientFor, cast: Cast) -> None:
    client = client_for(cast.domain_administrator)
    url = reverse("jobs:alert-create")
    fields = {"text": "Webmail moves on Monday.", "severity": "info", "level": "domain", "audience": "everybody"}
    assert client.post(url, fields | {"place": "sibling.example.org"}).status_code == 422
    assert client.post(url, fields | {"level": "server"}).status_code == 422
    assert client.post(url, fields).status_code == 422
    assert client.post(url, fields | {"place": "example.org"}).status_code == 303
    assert "Webmail moves" in client_for(cast.user).get(reverse("jobs:alert-list")).content.decode()
    alert = Alert.objects.get()
    assert client.post(reverse("jobs:alert-delete", args=[alert.pk])).status_code == 303
    assert not Alert.objects.exists()


def test_a_delegate_with_a_grant_on_the_server_plans_jobs(client_for: ClientFor, user: User) -> None:
    client = client_for(user)
    assert client.get(reverse("jobs:job-list")).status_code == 403
    Grant.objects.create(user=user, level="server", rights=["manage_jobs"])
    assert client.get(reverse("jobs:job-list")).status_code == 200
    offered = client.get(reverse("jobs:job-new")).content.decode()
    assert "GetTimeZones" in offered and "PurgeOldTasks" not in offered
    assert client.get(reverse("jobs:job-create", args=["PurgeOldTasks"])).status_code == 403


def test_the_palette_finds_jobs_for_who_plans_them(client_for: ClientFor, administrator: User, user: User) -> None:
    job = factories.make_job(administrator, name="Tidy up by night")
    found = client_for(administrator).get(reverse("config:palette-objects"), {"q": "tidy"}).content.decode()
    assert reverse("jobs:job-detail", args=[job.pk]) in found
    assert "Tidy up" not in client_for(user).get(reverse("config:palette-objects"), {"q": "tidy"}).content.decode()
