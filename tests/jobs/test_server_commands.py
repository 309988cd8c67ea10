"""The commands about the server and about jobs, by the names archive programs know; what there isn't is said."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.models import User
from jobs import dispatching, services
from jobs.commands import get_command
from jobs.models import Job, JobRun, Task
from tests.jobs import commands  # noqa: F401  registers them

CONSOLE = Actor.console()


def ask(called: str, actor: Actor = CONSOLE, /, **values: Any) -> Task:
    return services.run_here(actor, called, get_command(called).arguments_from_json(values))


def result(called: str, actor: Actor = CONSOLE, /, **values: Any) -> dict[str, Any]:
    task = ask(called, actor, **values)
    assert task.state == "completed", task.error
    assert task.result is not None
    found: dict[str, Any] = json.loads(json.dumps(task.result))
    return found


def test_the_server_tells_its_version_and_that_it_needs_no_licence(db: None) -> None:
    version = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    told = result("GetServerInfo")
    assert told["version"] == version and told["machineName"] and told["database"].startswith("PostgreSQL")
    licence = result("GetLicenseInformation")
    assert licence["productKey"] is None and "no licence" in licence["text"]
    assert result("GetServiceConfiguration")["certificate"] is None


@pytest.mark.parametrize("name", ["GetDirectoryServicesConfiguration"])
def test_what_is_not_set_up_says_so(db: None, name: str) -> None:
    assert result(name)["status"] == "not set up"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("SyncUsersWithDirectoryServices", {"dryRun": True}),
    ],
)
def test_what_cannot_be_done_yet_fails_and_says_why(db: None, name: str, values: dict[str, Any]) -> None:
    task = ask(name, **values)
    assert task.state == "failed" and "not set up" in task.error


def test_jobs_are_run_by_their_commands(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    made = result(
        "CreateJob",
        actor,
        name="Count",
        action="TestCount",
        arguments={"to": 2},
        timeZoneId="$Local",
        time="02:30",
        dayOfWeek="Monday",
        dayOfMonth="1",
    )
    job = Job.objects.get(pk=made["id"])
    assert made["dayOfMonth"] == "1" and made["owner"] == administrator.email
    assert [each["name"] for each in result("GetJobs")["jobs"]] == ["Count"]
    for _time in range(2):
        assert result("RenameJob", id=job.pk, name="Count by night")["name"] == "Count by night"
        assert result("SetJobEnabled", id=job.pk, enabled=False)["enabled"] is False
        assert result("SetJobEnabled", id=job.pk, enabled=True)["enabled"] is True
        assert result("SetJobSchedule", id=job.pk, timeZoneId="UTC", interval=15)["interval"] == 15
    started = result("RunJobAsync", id=job.pk)
    assert ask("RunJobAsync", id=job.pk).state == "failed"
    result("CancelJobAsync", id=job.pk)
    services.run_waiting(started["task"])
    dispatching.settle_runs()
    assert JobRun.objects.get().state == "cancelled"
    span: dict[str, Any] = {
        "fromIncluding": "2020-01-01T00:00:00",
        "toExcluding": "2100-01-01T00:00:00",
        "timeZoneId": "$Local",
    }
    told = result("GetJobResults", **span, jobId=job.pk)
    assert (told["total"], told["results"][0]["state"]) == (1, "cancelled")
    assert result("GetJobResults", **span | {"toExcluding": "2021-01-01T00:00:00"})["total"] == 0
    assert result("DeleteJob", id=job.pk)["name"] == "Count by night"
    assert ask("DeleteJob", id=job.pk).state == "failed"


def test_the_action_of_a_job_may_carry_its_arguments(administrator: User) -> None:
    actor, when = Actor.for_user(administrator), {"time": "02:30"}
    made = result("CreateJob", actor, action='SearchLog --text "disk full" --limit=7', **when)
    given = Job.objects.get().given()
    assert (made["action"], given["text"], given["limit"]) == ("SearchLog", "disk full", 7)
    for wrong in (
        {"action": "TestCount --to 2", "arguments": {"To": 3}},
        {"action": "UnlockStore --id 1 --passphrase open-sesame"},
        {"action": "TestCount --to two"},
        {"action": "TestCount 'to"},
    ):
        task = ask("CreateJob", actor, **wrong, **when)
        assert task.state == "failed" and "open-sesame" not in task.error
    assert Job.objects.count() == 1


def test_what_a_job_takes_is_not_shown_with_the_task_that_made_it(administrator: User) -> None:
    result("CreateJob", Actor.for_user(administrator), action="TestCount", arguments={"to": 2}, time="02:30")
    assert "arguments" not in Task.objects.get().arguments


@pytest.mark.parametrize(
    "values",
    [
        {"action": "NoSuchCommand", "time": "02:30"},
        {"action": "TestCount", "time": "02:30"},
        {"action": "TestCount", "arguments": {"to": 1}},
        {"action": "TestCount", "arguments": {"to": 1}, "time": "02:30", "owner": "nobody@example.org"},
        {"action": "TestCount", "arguments": {"to": 1}, "time": "02:30", "timeZoneId": "Mars"},
    ],
)
def test_a_job_that_cannot_be_is_refused_with_a_reason(administrator: User, values: dict[str, Any]) -> None:
    task = ask("CreateJob", Actor.for_user(administrator), **values)
    assert task.state == "failed" and task.error
    assert not Job.objects.exists()


def test_time_zones_are_listed(db: None) -> None:
    zones = {each["id"] for each in result("GetTimeZones")["timeZones"]}
    assert {"$Local", "Europe/Berlin", "W. Europe Standard Time"} <= zones
