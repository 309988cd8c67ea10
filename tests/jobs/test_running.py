"""A task from asking for it to its end: in this process, without a worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from jobs import running, services, shutdown, sweeping
from jobs.commands import get_command
from jobs.errors import BadArguments, Cancelled, NotRunnable, UnknownCommand
from jobs.models import Task, TaskLog
from jobs.running import TaskRun
from tests import factories
from tests.jobs.commands import CountArguments


def run_and_close(task: Task) -> None:
    """For a thread, which has a connection of its own."""
    running.run_claimed(task)
    connection.close()


@pytest.fixture
def no_shutdown() -> Iterator[None]:
    yield
    shutdown.reset()


def test_run_here_leaves_a_completed_row_with_result_progress_and_log(administrator: User) -> None:
    task = services.run_here(Actor.for_user(administrator), "TestCount", CountArguments(3))
    assert (task.state, task.result) == ("completed", {"counted": 3, "by": administrator.email})
    assert task.progress["done"] == task.progress["total"] == 3
    assert task.progress["counters"] == {"ticks": 3}
    assert list(task.logs.values_list("text", flat=True)) == ["tick"] * 3
    assert task.started_at and task.ended_at and task.worker == running.worker_id()


def test_console_may_run_everything(db: None) -> None:
    task = services.run_here(Actor.console(), "TestCount", CountArguments(1))
    assert task.state == "completed"
    assert task.actor is None
    assert task.actor_label.startswith("console:")


def test_a_user_without_the_right_gets_no_row(user: User) -> None:
    with pytest.raises(Forbidden):
        services.submit(Actor.for_user(user), "TestCount", CountArguments(1))
    assert not Task.objects.exists()


def test_nobody_signed_in_may_not_run_even_what_needs_no_right(db: None) -> None:
    with pytest.raises(Forbidden):
        services.submit(Actor(user=None, kind="user", label="anonymous"), "TestWait", CountArguments(1))


def test_a_right_lost_while_waiting_fails_the_task(administrator: User) -> None:
    task = services.submit(Actor.for_user(administrator), "TestCount", CountArguments(1))
    User.objects.filter(pk=administrator.pk).update(is_administrator=False)
    ended = services.run_waiting(task.pk)
    assert ended is not None
    assert ended.state == "failed"
    assert "right" in ended.error


def test_a_person_shut_out_while_the_task_waited_fails_it(user: User) -> None:
    task = services.submit(Actor.for_user(user), "TestWait", CountArguments(0))
    User.objects.filter(pk=user.pk).update(is_active=False)
    ended = services.run_waiting(task.pk)
    assert ended is not None and ended.state == "failed"


def test_unknown_commands_and_foreign_arguments_are_refused(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    with pytest.raises(UnknownCommand):
        services.submit(actor, "NoSuchCommand", CountArguments(1))
    with pytest.raises(BadArguments):
        services.submit(actor, "PurgeOldTasks", CountArguments(1))


def test_a_failing_command_leaves_its_reason_and_its_last_progress(administrator: User) -> None:
    task = services.run_here(Actor.for_user(administrator), "TestFail", CountArguments(1))
    assert (task.state, task.error) == ("failed", "the disk is full")
    assert task.progress["done"] == 3
    assert "OSError" in task.logs.get(level="error").text


def test_a_task_is_claimed_once(user: User) -> None:
    task = services.submit(Actor.for_user(user), "TestWait", CountArguments(0))
    assert services.run_waiting(task.pk) is not None
    assert services.run_waiting(task.pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_one_wins() -> None:
    task = factories.make_task(state="waiting")
    won: list[Task] = []

    def claim() -> None:
        claimed = running.claim(task.pk)
        if claimed:
            won.append(claimed)
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_waiting_task_is_cancelled_at_once_and_never_runs(user: User) -> None:
    actor = Actor.for_user(user)
    task = services.cancel(actor, services.submit(actor, "TestWait", CountArguments(1)))
    assert task.state == "cancelled"
    assert services.run_waiting(task.pk) is None
    with pytest.raises(NotRunnable):
        services.cancel(actor, task)


def test_a_stranger_cannot_cancel_or_start_again(user: User, stranger: User) -> None:
    task = factories.make_task(user, state="waiting")
    with pytest.raises(Forbidden):
        services.cancel(Actor.for_user(stranger), task)
    ended = factories.make_task(user, state="failed")
    with pytest.raises(Forbidden):
        services.start_again(Actor.for_user(stranger), ended)


@pytest.mark.django_db(transaction=True)
def test_a_running_task_hears_a_cancel_within_two_seconds() -> None:
    user = factories.make_user()
    actor = Actor.for_user(user)
    task = services.submit(actor, "TestWait", CountArguments(30))
    claimed = running.claim(task.pk)
    assert claimed is not None
    runner = threading.Thread(target=run_and_close, args=[claimed])
    runner.start()
    services.cancel(actor, task)
    task.refresh_from_db()
    assert task.state == "cancel_requested"
    asked_at = time.monotonic()
    runner.join(timeout=10)
    assert time.monotonic() - asked_at < 2.5
    task.refresh_from_db()
    assert (task.state, task.result) == ("cancelled", {"stopped": True})


@pytest.mark.django_db(transaction=True)
def test_progress_log_and_heartbeat_are_written_while_the_command_runs() -> None:
    task = services.submit(Actor.system(), "TestWait", CountArguments(30))
    claimed = running.claim(task.pk)
    assert claimed is not None
    Task.objects.filter(pk=task.pk).update(heartbeat_at="2020-01-01T00:00Z")
    run = TaskRun(task.pk)
    beat = running.Heartbeat(run, claimed.worker)
    beat.start()
    run.progress(done=5, total=10, unit="bytes", note="reading", archived=4)
    run.log("hello")
    time.sleep(1.3)
    task.refresh_from_db()
    assert (task.progress["done"], task.progress["note"]) == (5, "reading")
    assert task.heartbeat_at is not None and task.heartbeat_at.year > 2020
    assert TaskLog.objects.get(task=task).text == "hello"
    beat.end()


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_row_was_taken_for_dead_stops_and_changes_nothing() -> None:
    task = services.submit(Actor.system(), "TestWait", CountArguments(30))
    claimed = running.claim(task.pk)
    assert claimed is not None
    runner = threading.Thread(target=run_and_close, args=[claimed])
    runner.start()
    deadline = time.monotonic() + 10
    while not TaskLog.objects.filter(task=task).exists() and time.monotonic() < deadline:
        time.sleep(0.05)  # the log line shows that the heartbeat has seen the row
    Task.objects.filter(pk=task.pk).update(heartbeat_at="2020-01-01T00:00Z")
    assert sweeping.mark_interrupted() == [task.pk]
    runner.join(timeout=15)
    assert not runner.is_alive()
    task.refresh_from_db()
    assert task.state == "interrupted" and task.result is None


def test_a_worker_that_is_told_to_end_interrupts_what_runs_and_leaves_what_waits(user: User, no_shutdown: None) -> None:
    actor = Actor.for_user(user)
    claimed = running.claim(services.submit(actor, "TestWait", CountArguments(30)).pk)
    waiting = services.submit(actor, "TestWait", CountArguments(30))
    assert claimed is not None
    shutdown.request()
    ended = running.run_claimed(claimed)
    assert (ended.state, ended.result) == ("interrupted", {"stopped": True})
    assert services.run_waiting(waiting.pk) is None  # left to the next worker
    waiting.refresh_from_db()
    assert waiting.state == "waiting"


def test_an_exit_in_the_middle_leaves_an_interrupted_row(user: User) -> None:
    task = services.submit(Actor.for_user(user), "TestWait", CountArguments(30))
    claimed = running.claim(task.pk)
    assert claimed is not None

    def leave() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.run_claimed(claimed, stop=leave)
    task.refresh_from_db()
    assert task.state == "interrupted"


def test_cancelled_without_being_asked_counts_as_interrupted(user: User) -> None:
    run = TaskRun(0, stop=lambda: True)
    assert run.stopping()
    assert isinstance(run.cancelled({}), Cancelled)


def test_start_again_is_a_new_row_with_the_same_command_and_arguments(user: User) -> None:
    actor = Actor.for_user(user)
    old = factories.make_task(user, state="interrupted", type="TestWait", arguments={"to": 0, "word": "x"})
    new = services.start_again(actor, old)
    assert (new.type, new.arguments, new.origin, new.state) == (old.type, old.arguments, old, "waiting")
    with pytest.raises(NotRunnable):
        services.start_again(actor, factories.make_task(user, state="completed"))


def test_the_sweeper_marks_only_what_has_been_silent_for_a_minute(db: None) -> None:
    dead = factories.make_task(state="in_progress", worker="gone:1", heartbeat_at="2020-01-01T00:00Z")
    asked = factories.make_task(state="cancel_requested", worker="gone:1", heartbeat_at="2020-01-01T00:00Z")
    alive = factories.make_task(state="in_progress", worker="here:1", heartbeat_at=timezone.now())
    assert sorted(sweeping.sweep().interrupted) == [dead.pk, asked.pk]
    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.state, alive.state) == ("interrupted", "in_progress")
    assert "gone:1" in dead.error
    assert sweeping.sweep().interrupted == []


def test_the_sweeper_hints_again_at_lost_hints_and_waits_longer_each_time(db: None) -> None:
    task = factories.make_task(state="waiting", dispatches=1, dispatched_at="2020-01-01T00:00Z")
    fresh = factories.make_task(state="waiting", dispatches=1, dispatched_at=timezone.now())
    assert sweeping.sweep().waiting == [task.pk]
    assert sweeping.sweep().waiting == []
    task.refresh_from_db()
    assert task.dispatches == 2
    assert fresh.pk not in sweeping.sweep().waiting


def test_purging_deletes_only_old_ended_tasks(administrator: User) -> None:
    old = factories.make_task(ended_at="2020-01-01T00:00Z")
    new = factories.make_task(ended_at=timezone.now())
    running_one = factories.make_task(state="in_progress", heartbeat_at=timezone.now())
    arguments = {"older_than_days": 30}
    task = services.run_here(
        Actor.for_user(administrator),
        "PurgeOldTasks",
        get_command("PurgeOldTasks").arguments_from_json(arguments),
    )
    assert task.result == {"purged": 1, "results": 0}
    left = set(Task.objects.values_list("pk", flat=True))
    assert old.pk not in left and {new.pk, running_one.pk, task.pk} <= left


@pytest.mark.django_db(transaction=True)
def test_a_running_task_sweeps_too_because_every_worker_may_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SWEEP_EVERY_S", 0.0)
    dead = factories.make_task(state="in_progress", worker="gone:1", heartbeat_at="2020-01-01T00:00Z")
    beat = running.Heartbeat(TaskRun(factories.make_task(state="waiting").pk), "nobody")
    beat.start()
    time.sleep(0.8)
    beat.end()
    dead.refresh_from_db()
    assert dead.state == "interrupted"


@pytest.mark.django_db(transaction=True)
def test_a_connection_lost_while_the_command_ran_does_not_lose_its_end() -> None:
    task = services.submit(Actor.system(), "TestCut", CountArguments(1))
    ended = services.run_waiting(task.pk)
    assert ended is not None
    assert (ended.state, ended.result) == ("completed", {"cut": True})
    assert ended.logs.get().text == "cut"
