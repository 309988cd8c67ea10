"""Jobs and alerts over the API, and waiting for a task."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from jobs import dispatching, services
from jobs.models import Alert, Job, JobRun, Task
from tests.api import world
from tests.api.callers import Caller, caller_for, is_problem
from tests.factories import make_administrator, make_alert, make_task
from tests.jobs.commands import CountArguments

NIGHTLY: dict[str, Any] = {
    "command": "PurgeOldTasks",
    "params": {"olderThanDays": 30},
    "schedule": {"timeZoneId": "Romance Standard Time", "time": "02:30", "dayOfMonth": "1", "dayOfWeek": "Monday"},
    "name": "Tidy up",
    "missed": "SKIP",
}


@pytest.fixture
def cast(db: None) -> world.World:
    return world.build()


def test_a_job_is_planned_read_changed_run_and_deleted(cast: world.World) -> None:
    admin = cast.administrator
    made = admin.post("/jobs", NIGHTLY)
    assert made.status_code == 201, made.content
    told = admin.get(made["Location"]).json()
    assert told["params"] == {"olderThanDays": 30, "resultsOlderThanDays": 400}
    assert told["schedule"]["timeZoneId"] == "Romance Standard Time" and told["schedule"]["interval"] is None
    assert (told["state"], told["missed"], told["owner"]) == ("ENABLED", "SKIP", "root@server.example")
    changes = {"name": "Other", "schedule": {"interval": 240}, "enabled": False}
    assert admin.patch(made["Location"], changes).status_code == 204
    told = admin.get(made["Location"]).json()
    assert (told["name"], told["schedule"]["interval"], told["state"]) == ("Other", 240, "DISABLED")
    ran = admin.post(f"{made['Location']}/run")
    assert ran.status_code == 202 and ran.json()["startedBy"] == "root@server.example"
    is_problem(admin.post(f"{made['Location']}/run"), 409)
    services.run_waiting(ran.json()["task"])
    dispatching.settle_runs()
    result = admin.get(ran["Location"]).json()
    assert (result["state"], result["result"]) == ("COMPLETED", {"purged": 0, "results": 0})
    assert admin.get(f"/tasks/{result['task']}").json()["jobRun"] == result["id"]
    assert len(admin.get(f"/job-results?job={told['id']}&state=COMPLETED").json()) == 1
    assert admin.delete(made["Location"]).status_code == 204
    assert not Job.objects.exists() and not JobRun.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schedule": {"time": "25:00"}}, "schedule.time"),
        ({"schedule": {"timeZoneId": "Mars", "interval": 5}}, "schedule.timeZoneId"),
        ({"schedule": {"dayOfWeek": "Monday"}}, "schedule.time"),
        ({"schedule": {"date": "2020-01-01T00:00:00"}}, "schedule.date"),
        ({"owner": "nobody@own.example"}, "owner"),
        ({"owner": "ada@own.example"}, "owner"),
        ({"params": {"olderThanDays": 0}}, "params.olderThanDays"),
        ({"params": {"colour": "red"}}, "params.colour"),
        ({"command": "ChangeManyRows"}, "command"),
        ({"command": "Nonsense"}, "command"),
    ],
)
def test_what_is_wrong_names_its_field(cast: world.World, changes: dict[str, Any], field: str) -> None:
    problem = is_problem(cast.administrator.post("/jobs", NIGHTLY | changes), 422)
    assert problem["errors"][0]["field"] == field
    assert not Job.objects.exists()


def test_next_runs_are_told_without_making_anything(cast: world.World) -> None:
    asked = {"interval": 720, "timeZoneId": "UTC"}
    answer = cast.administrator.post("/jobs/next-runs", asked)
    assert answer.status_code == 200
    assert {each[11:] for each in answer.json()["nextRuns"]} == {"00:00:00Z", "12:00:00Z"}


def test_time_zones_are_listed_by_all_their_names(cast: world.World) -> None:
    zones = {each["id"]: each for each in cast.user.get("/time-zones").json()}
    assert zones["Tokyo Standard Time"] == {"id": "Tokyo Standard Time", "means": "Asia/Tokyo", "utcOffset": 540}
    assert "$Local" in zones


def test_a_task_tells_what_james_tells(cast: world.World) -> None:
    task = make_task(
        state="completed",
        arguments={"older_than_days": 3},
        progress={"counters": {"purged_tasks": 5}},
        result={"purged": 5},
        ended_at=timezone.now(),
    )
    told = cast.administrator.get(f"/tasks/{task.pk}").json()
    assert told["additionalInformation"] == {"olderThanDays": 3, "purgedTasks": 5, "purged": 5}
    assert told["completedAt"] == told["endedAt"] and told["failedAt"] is None
    soon = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert cast.administrator.get(f"/tasks?endedSince={soon}").json() == []
    assert len(cast.administrator.get(f"/tasks?endedBefore={soon}&state=COMPLETED").json()) == 1


def test_waiting_ends_with_the_time_out(cast: world.World) -> None:
    task = services.submit(Actor.system(), "TestCount", CountArguments(1))
    before = time.monotonic()
    assert cast.administrator.get(f"/tasks/{task.pk}/await?timeout=1s").json()["state"] == "WAITING"
    assert 0.9 < time.monotonic() - before < 5
    problem = is_problem(cast.administrator.get(f"/tasks/{task.pk}/await?timeout=3m"), 422)
    assert problem["errors"][0]["field"] == "timeout"


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_with_the_task() -> None:
    admin: Caller = caller_for(make_administrator())
    task = services.submit(Actor.system(), "TestCount", CountArguments(1))

    def run() -> None:
        time.sleep(0.5)
        services.run_waiting(task.pk)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    before = time.monotonic()
    told = admin.get(f"/tasks/{task.pk}/await?timeout=1m").json()
    thread.join()
    assert told["state"] == "COMPLETED" and time.monotonic() - before < 20


def test_alerts_are_posted_replaced_acknowledged_and_removed(cast: world.World) -> None:
    delegate, domain = cast.delegate, cast.own.domain.pk
    made = delegate.post(f"/domains/{domain}/alerts", {"text": "Webmail moves.", "severity": "WARNING"})
    assert made.status_code == 201, made.content
    assert cast.user.get(made["Location"]).json()["scopeName"] == "own.example"
    make_alert(cast.own.domain, "The DNS is broken.", kind="job.failed", params={"name": "n", "why": "w"})
    replaced = delegate.put(f"/domains/{domain}/alerts", [{"text": "One."}, {"text": "Two.", "audience": "EVERYBODY"}])
    assert [each["text"] for each in replaced.json()] == ["One.", "Two."]
    assert len(delegate.get(f"/domains/{domain}/alerts").json()) == 3
    assert [each["text"] for each in cast.user.get("/alerts?open=true").json()] == ["Two.", "One."]
    one = replaced.json()[0]["id"]
    assert cast.user.post(f"/alerts/{one}/acknowledge").status_code == 204
    assert delegate.get(f"/alerts/{one}").json()["acknowledgedAt"] is None
    assert delegate.post(f"/alerts/{one}/acknowledge").status_code == 204
    assert delegate.get(f"/alerts/{one}").json()["acknowledgedAt"] is not None
    is_problem(cast.user.delete(f"/alerts/{one}"), 403)
    assert delegate.delete(f"/alerts/{one}").status_code == 204
    assert not Alert.objects.filter(pk=one).exists()


def test_a_person_and_the_server_have_alerts_of_their_own(cast: world.World) -> None:
    person = cast.own.person.pk
    assert cast.delegate.post(f"/users/{person}/alerts", {"text": "Your archive is full."}).status_code == 201
    assert cast.administrator.post("/server/alerts", {"text": "Maintenance tonight."}).status_code == 201
    texts = {each["text"] for each in cast.user.get("/alerts").json()}
    assert texts == {"Your archive is full.", "Maintenance tonight."}
    is_problem(cast.delegate.post(f"/users/{cast.foreign.person.pk}/alerts", {"text": "x"}), 404)
    is_problem(cast.delegate.post("/server/alerts", {"text": "x"}), 403)
    is_problem(cast.delegate.post(f"/users/{person}/alerts", {"text": "   "}), 422)
    assert Task.objects.count() == 0
