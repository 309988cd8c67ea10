"""Jobs: who may make them for whom, what they are judged by, how they stop."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden, ProofNeeded
from accounts.models import AuditEvent, Grant, User
from accounts.permissions import Right
from jobs import alerts, dispatching, job_selectors, planning, services
from jobs.commands import Secret, command, get_command
from jobs.errors import BadArguments, NotRunnable
from jobs.models import Alert, Job, JobRun, Task
from jobs.running import TaskRun
from jobs.schedules import Schedule, read_schedule
from tests import factories
from tests.jobs import commands  # noqa: F401  registers them

DAILY = read_schedule({"time": "02:30", "timeZoneId": "Europe/Berlin"})


@dataclasses.dataclass(frozen=True)
class SecretArguments:
    word: str
    password: Secret = ""


@command("TestSecret", needs=None, arguments=SecretArguments)
def secret(actor: Actor, run: TaskRun, arguments: SecretArguments) -> dict[str, object]:
    """Tells how long the password is."""
    return {"length": len(arguments.password)}


def make_job(maker: User, name: str = "TestCount", schedule: Schedule = DAILY, **values: Any) -> Job:
    arguments = values.pop("arguments", {"to": 3} if name != "TestSecret" else {"word": "x"})
    return planning.create_job(Actor.for_user(maker), command=name, arguments=arguments, schedule=schedule, **values)


def make_due(job: Job, ago: timedelta = timedelta(seconds=1)) -> datetime:
    due = timezone.now() - ago
    Job.objects.filter(pk=job.pk).update(next_run_at=due)
    return due


def grant(user: User, *rights: Right) -> None:
    Grant.objects.update_or_create(user=user, level="server", object_id=0, defaults={"rights": sorted(rights)})


def run_tasks() -> None:
    for task in Task.objects.filter(state="waiting"):
        services.run_waiting(task.pk)
    dispatching.settle_runs()


def test_a_job_is_made_with_its_next_time_and_an_event(administrator: User) -> None:
    job = make_job(administrator, arguments={"to": 3, "word": "tock"})
    assert job.next_run_at == DAILY.next_after(timezone.now())
    assert (job.owner, job.arguments, job.state) == (administrator, {"to": 3, "word": "tock"}, "enabled")
    assert job.name == "TestCount"
    event = AuditEvent.objects.get(action="job.create")
    assert event.details["schedule"] == {"time": "02:30", "timeZoneId": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"arguments": {}}, "to"),
        ({"arguments": {"to": "three"}}, "to"),
        ({"name": "ChangeManyRows", "arguments": {}}, "command"),
        ({"schedule": read_schedule({"date": "2020-01-01T00:00:00"})}, "date"),
        ({"missed": "perhaps"}, "missed"),
    ],
)
def test_what_cannot_run_is_no_job(administrator: User, values: dict[str, Any], field: str) -> None:
    with pytest.raises(BadArguments) as caught:
        make_job(administrator, **values)
    assert caught.value.field == field
    assert not Job.objects.exists()


def test_who_may_not_plan_or_lacks_the_commands_right_makes_none(user: User) -> None:
    with pytest.raises(Forbidden):
        make_job(user)
    grant(user, Right.MANAGE_JOBS)
    with pytest.raises(Forbidden):  # TestCount needs IMPORT_MAIL
        make_job(user)
    grant(user, Right.MANAGE_JOBS, Right.IMPORT_MAIL)
    assert make_job(user).owner == user


def test_nobody_makes_a_job_for_who_holds_more(user: User, administrator: User, stranger: User) -> None:
    grant(user, Right.MANAGE_JOBS, Right.IMPORT_MAIL)
    with pytest.raises(Forbidden):
        make_job(user, owner=administrator)
    job = make_job(administrator)
    for attempt in (planning.run_job, planning.delete_job):
        with pytest.raises(Forbidden):
            attempt(Actor.for_user(user), job)
    with pytest.raises(BadArguments) as caught:  # no administrator at all
        make_job(administrator, owner=stranger)
    assert caught.value.field == "owner"


def test_what_opens_doors_is_planned_only_with_a_fresh_proof(administrator: User, user: User) -> None:
    left_open = dataclasses.replace(Actor.for_user(administrator, via="page"), proved_at=None)
    given: dict[str, Any] = {"arguments": {"user_name": user.email}, "schedule": DAILY}
    with pytest.raises(ProofNeeded):
        planning.create_job(left_open, command="DisableMFA", **given)
    with pytest.raises(ProofNeeded):
        services.start(left_open, "DisableMFA", given["arguments"])
    nested = {"action": "DisableMFA", "arguments": given["arguments"], "name": "x", "time_zone_id": "UTC"}
    with pytest.raises(ProofNeeded):
        services.start(left_open, "CreateJob", {**nested, "time": "02:30"})
    proved = dataclasses.replace(left_open, proved_at=timezone.now())
    job = planning.create_job(proved, command="DisableMFA", **given)
    for attempt in (
        lambda: planning.change_job(left_open, job, arguments={"user_name": administrator.email}),
        lambda: planning.set_job_enabled(left_open, job, True),
        lambda: planning.run_job(left_open, job),
    ):
        with pytest.raises(ProofNeeded):
            attempt()
    planning.set_job_enabled(left_open, job, False)  # takes nothing from anybody
    planning.delete_job(left_open, job)
    make_job(administrator)  # other commands need none


def test_a_shell_names_an_owner(administrator: User) -> None:
    values: dict[str, Any] = {"command": "TestCount", "arguments": {"to": 1}, "schedule": DAILY}
    with pytest.raises(BadArguments) as caught:
        planning.create_job(Actor.console(), **values)
    assert caught.value.field == "owner"
    assert planning.create_job(Actor.console(), **values, owner=administrator).owner == administrator


def test_what_a_token_made_keeps_to_the_tokens_rights(administrator: User) -> None:
    token = Actor.for_user(administrator).restricted({Right.MANAGE_JOBS, Right.IMPORT_MAIL})
    job = planning.create_job(token, command="TestCount", arguments={"to": 1}, schedule=DAILY)
    run = planning.run_job(Actor.for_user(administrator), job)
    assert run.task is not None and set(run.task.rights or []) == {"manage_jobs", "import_mail"}


def test_secret_arguments_are_sealed_and_stay_when_others_change(administrator: User) -> None:
    job = make_job(administrator, "TestSecret", arguments={"word": "x", "password": "sesame"})
    assert job.arguments == {"word": "x"} and str(job.secrets) != "sesame"
    planning.change_job(Actor.for_user(administrator), job, arguments={"word": "y"})
    planning.run_job(Actor.for_user(administrator), job)
    run_tasks()
    assert JobRun.objects.get().result == {"length": 6}
    assert "sesame" not in str(list(AuditEvent.objects.values_list("changes", "details")))


def test_a_change_is_told_and_counts(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    job = make_job(administrator)
    planning.change_job(
        actor, job, name="  Counting  by  night ", schedule=read_schedule({"interval": 5}), missed="skip"
    )
    job.refresh_from_db()
    assert (job.name, job.schedule["interval"], job.missed, job.version) == ("Counting by night", 5, "skip", 2)
    assert job.next_run_at is not None and job.next_run_at - timezone.now() <= timedelta(minutes=5)
    assert set(AuditEvent.objects.get(action="job.change").changes) == {"name", "schedule", "missed"}


def test_disabled_it_rests_and_enabled_it_goes_on_from_now(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    job = make_job(administrator)
    planning.set_job_enabled(actor, job, False)
    make_due(job, timedelta(days=3))
    assert dispatching.dispatch_due() == []
    planning.set_job_enabled(actor, job, True)
    assert job.next_run_at == DAILY.next_after(timezone.now())
    assert dispatching.dispatch_due() == []


def test_what_is_due_runs_once_and_its_end_is_kept(administrator: User) -> None:
    job = make_job(administrator)
    due = make_due(job)
    (run,) = dispatching.dispatch_due()
    assert (run.due_at, run.state, run.task is not None) == (due, "waiting", True)
    assert dispatching.dispatch_due() == []
    run_tasks()
    run.refresh_from_db()
    job.refresh_from_db()
    assert (run.state, run.result) == ("completed", {"counted": 3, "by": administrator.email})
    assert run.took is not None and job.last_state == "completed"
    assert job.next_run_at == DAILY.next_after(timezone.now())
    Task.objects.all().delete()
    run.refresh_from_db()
    assert run.task is None and run.result is not None


def test_a_job_that_fails_alerts_once_and_is_well_again_when_it_runs(administrator: User) -> None:
    job = make_job(administrator, "TestFail")
    for _time in range(2):
        make_due(job)
        dispatching.dispatch_due()
        run_tasks()
    alert = Alert.objects.get()
    assert (alert.times, alert.severity, alert.url) == (2, "error", f"/jobs/{job.pk}/")
    assert alerts.words_of(alert) == "The job “TestFail” failed: the disk is full"
    Job.objects.filter(pk=job.pk).update(command="TestCount")
    make_due(job)
    dispatching.dispatch_due()
    run_tasks()
    alert.refresh_from_db()
    assert alert.acknowledged_by == "system"


@pytest.mark.parametrize(("missed", "state", "skipped"), [("run_once", "waiting", ""), ("skip", "skipped", "missed")])
def test_what_was_missed_is_run_once_or_left_out(administrator: User, missed: str, state: str, skipped: str) -> None:
    job = make_job(administrator, missed=missed, schedule=read_schedule({"interval": 60, "timeZoneId": "UTC"}))
    due = make_due(job, timedelta(hours=7, seconds=1))
    (run,) = dispatching.dispatch_due()
    assert (run.due_at, run.state, run.skipped) == (due, state, skipped)
    assert run.times == 8
    assert dispatching.dispatch_due() == []


def test_runs_dont_overlap_and_what_is_left_out_is_counted_in_one_row(administrator: User) -> None:
    job = make_job(administrator, "TestWait", arguments={"to": 60})
    for _time in range(3):
        make_due(job)
        dispatching.dispatch_due()
    assert list(JobRun.objects.values_list("state", "skipped", "times")) == [
        ("skipped", "overlap", 2),
        ("waiting", "", 1),
    ]
    with pytest.raises(NotRunnable):
        planning.run_job(Actor.for_user(administrator), job)
    planning.cancel_job(Actor.for_user(administrator), job)
    run_tasks()
    assert JobRun.objects.filter(state="cancelled").exists()
    assert not Alert.objects.exists()
    with pytest.raises(NotRunnable):
        planning.cancel_job(Actor.for_user(administrator), job)


def test_a_date_runs_once_and_is_done(administrator: User) -> None:
    job = make_job(administrator, schedule=read_schedule({"date": "2038-01-01T00:00:00"}))
    make_due(job)
    Job.objects.filter(pk=job.pk).update(schedule={"date": "2020-01-01T00:00:00", "timeZoneId": "UTC"})
    assert len(dispatching.dispatch_due()) == 1
    job.refresh_from_db()
    assert (job.next_run_at, job.state) == (None, "done")


@pytest.mark.parametrize(
    ("take_away", "why"),
    [
        (lambda user: grant(user, Right.MANAGE_JOBS), "right_gone"),
        (lambda user: Grant.objects.all().delete(), "owner_powerless"),
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), "owner_gone"),
        (lambda user: user.delete(), "owner_gone"),
    ],
)
@pytest.mark.parametrize("look", [dispatching.check_owners, dispatching.dispatch_due])
def test_a_job_stops_with_its_owners_right(user: User, take_away: Any, why: str, look: Any) -> None:
    grant(user, Right.MANAGE_JOBS, Right.IMPORT_MAIL)
    job = make_job(user)
    make_due(job)
    assert dispatching.check_owners() == []
    take_away(user)
    look()
    job.refresh_from_db()
    assert (job.state, job.stopped) == ("stopped", why)
    assert AuditEvent.objects.filter(action="job.stop").count() == 1
    assert "was disabled" in Alert.objects.get().text
    assert not JobRun.objects.exists()


def test_two_clocks_never_start_the_same_run(administrator: User) -> None:
    job = make_job(administrator)
    due = make_due(job)
    dispatching.dispatch_due()
    Job.objects.filter(pk=job.pk).update(next_run_at=due)  # as if the other clock had written last
    dispatching.dispatch_due()
    assert JobRun.objects.filter(due_at=due).count() == 1 == Task.objects.count()


def test_the_clock_set_back_an_hour_repeats_nothing(administrator: User) -> None:
    job = make_job(administrator, schedule=read_schedule({"time": "02:30", "timeZoneId": "UTC"}))
    at = datetime(2030, 5, 1, 2, 30, tzinfo=UTC)
    Job.objects.filter(pk=job.pk).update(next_run_at=at)
    assert len(dispatching.dispatch_due(lambda: at + timedelta(seconds=3))) == 1
    run_tasks()
    for minute in range(70):
        again = at + timedelta(minutes=minute - 59)
        assert dispatching.dispatch_due(partial(datetime.fromtimestamp, again.timestamp(), UTC)) == []
    job.refresh_from_db()
    assert job.next_run_at == at + timedelta(days=1)


def test_what_comes_with_postkeep_is_there_and_stays(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    dispatching.make_built_in()
    assert dispatching.make_built_in() == []
    job = Job.objects.get(built_in="purge-old-tasks")
    with pytest.raises(BadArguments):
        planning.delete_job(actor, job)
    planning.set_job_schedule(actor, job, DAILY)
    factories.make_task(state="completed", ended_at=timezone.now() - timedelta(days=91))
    make_due(job)
    dispatching.dispatch_due()
    run_tasks()
    assert JobRun.objects.get().result == {"purged": 1, "results": 0}


def test_deleted_it_is_gone_with_its_results(administrator: User) -> None:
    job = make_job(administrator)
    make_due(job)
    dispatching.dispatch_due()
    planning.delete_job(Actor.for_user(administrator), job)
    assert not JobRun.objects.exists() and Task.objects.count() == 1
    run_tasks()
    assert Task.objects.get().state == "completed"


def test_results_are_those_that_ended_in_the_range(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    job, other = make_job(administrator), make_job(administrator)
    for each in (job, other):
        make_due(each)
    dispatching.dispatch_due()
    run_tasks()
    now = timezone.now()
    found = job_selectors.list_results(actor, since=now - timedelta(hours=1), before=now)
    assert found.count() == 2
    assert job_selectors.list_results(actor, since=now - timedelta(hours=1), before=now, job_id=job.pk).count() == 1
    assert not job_selectors.list_results(actor, since=now, before=now + timedelta(hours=1)).exists()


def test_a_resumable_command_goes_on_where_it_was(administrator: User) -> None:
    job = make_job(administrator, "TestSteps", arguments={"to": 4})
    make_due(job)
    (run,) = dispatching.dispatch_due()
    assert run.task is not None
    Task.objects.filter(pk=run.task.pk).update(state="interrupted", kept={"done": 3}, ended_at=timezone.now())
    assert dispatching.settle_runs() == 0  # it goes on in a moment
    services.sweep()
    services.sweep()
    assert Task.objects.count() == 2
    dispatching.settle_runs()
    run.refresh_from_db()
    run_tasks()
    run.refresh_from_db()
    assert (run.state, run.result) == ("completed", {"from": 3, "to": 4})
    assert not Alert.objects.exists()


def test_what_breaks_off_again_and_again_is_given_up(administrator: User) -> None:
    task = services.submit(Actor.for_user(administrator), "TestSteps", get_command("TestSteps").arguments(2))
    for _time in range(9):
        Task.objects.filter(state="waiting").update(state="interrupted", ended_at=timezone.now())
        services.resume_interrupted()
    assert Task.objects.count() == 1 + services.MOST_RESUMES
    assert not Task.objects.filter(state="waiting").exists()
    assert task.pk == Task.objects.order_by("pk").values_list("pk", flat=True).first()
