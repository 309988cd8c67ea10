"""Programs of scripts, which are this server's commands: what comes of a run, and the jobs that are planned."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from accounts.models import User
from api.communigate.commands import programs
from jobs.models import Job, Task
from tests.api.communigate.asking import ask
from tests.api.communigate.test_commands import root, stores
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

__all__ = ["root", "stores"]
pytestmark = pytest.mark.django_db


def test_the_result_of_a_run_is_answered_when_it_is_there(root: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {"state": Task.State.COMPLETED, "result": {"name": "x y", "count": 5, "list": [True, None]}}
    monkeypatch.setattr(time, "sleep", lambda _s: Task.objects.update(**ends))
    monkeypatch.setattr(programs, "PATIENCE_S", 5.0)
    assert ask(root, "RUNSCRIPT * PROGRAM GetServerInfo") == '201 {list=(YES,#NULL#);name="x y";count=#5;}'
    ends = {"state": Task.State.FAILED, "error": "the disk\nis full"}
    assert ask(root, "RUNSCRIPT * PROGRAM GetServerInfo") == "501 the disk is full"
    assert [(task.actor, task.type) for task in Task.objects.all()] == [(root, "GetServerInfo")] * 2


@pytest.mark.parametrize(
    "period, wanted",
    [
        ("", {"timeZoneId": "UTC", "date": "2036-12-24T04:00:00"}),
        ("period=day;", {"timeZoneId": "UTC", "time": "04:00"}),
        ("period=week;", {"timeZoneId": "UTC", "time": "04:00", "dayOfWeek": "Wednesday"}),
        ("period=month;", {"timeZoneId": "UTC", "time": "04:00", "dayOfMonth": "24"}),
        ("period=year;", {"timeZoneId": "UTC", "time": "04:00", "dayOfMonth": "24", "month": "December"}),
        ("period=#3600;", {"timeZoneId": "UTC", "interval": 60}),
    ],
)
def test_a_scheduled_task_is_a_job_of_the_person(root: User, period: str, wanted: dict[str, object]) -> None:
    line = f"UPDATESCHEDULEDTASK * {{id=x;program=GetServerInfo;when=#T24-12-2036_04:00:00;{period}}}"
    assert ask(root, line) == "200 OK"
    job = Job.objects.get(name="x")
    assert (job.owner, job.command, job.schedule) == (root, "GetServerInfo", wanted)
    assert job.next_run_at == datetime(2036, 12, 24, 4, tzinfo=UTC)  # not before, however often it runs from then on
    assert ask(root, line) == "200 OK"  # the same one, changed
    assert ask(root, "UPDATESCHEDULEDTASK * {id=x;script=GetUsers;when=#T24-12-2036_04:00:00;}") == "200 OK"
    assert [each.command for each in Job.objects.filter(name="x")] == ["GetUsers"]
    assert ask(root, "UPDATESCHEDULEDTASK * {id=x;}") == "200 OK"
    assert not Job.objects.filter(name="x").exists()


def test_nobody_runs_or_plans_what_they_may_not(root: User) -> None:
    ada = make_mailbox_in(make_domain("mine.example"), "ada").user
    assert ada is not None
    for who in (ada, make_delegate(make_domain("helped.example"))):
        for line in (
            "RUNSCRIPT * PROGRAM VerifyStore PARAM {id=1;}",
            "UPDATESCHEDULEDTASK * {id=x;program=VerifyStore;when=now;}",
            "UPDATESCHEDULEDTASK * {id=x;program=VerifyStore;when=#T24-12-2036_04:00:00;}",
            "CREATENAMEDTASK x@main.example FOR ada",
            "GETNAMEDTASK x@main.example",
        ):
            assert ask(who, line)[:3] in ("510", "512"), line
    assert not Task.objects.exists() and not Job.objects.filter(name="x").exists()
