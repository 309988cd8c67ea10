"""Tasks in a real worker process over a real broker: claimed once, killed, told to end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import psutil
import pytest
from celery import current_app
from django.db.models import F

from accounts.actors import Actor
from jobs import services, sweeping
from jobs.models import Task, TaskLog
from tests.forked import Forked, fork
from tests.jobs import commands  # noqa: F401  registers them
from tests.jobs.commands import CountArguments

PATIENCE_S = 90.0  # a bound only: processes start slowly on a busy machine
Worker = Forked


@pytest.fixture
def start_worker(process_environment: dict[str, str]) -> Iterator[Callable[[], Worker]]:
    """Starts workers as the supervisor does; whatever is left of them is killed at the end."""
    started: list[psutil.Process] = []
    current_app.control.purge()

    def start() -> Worker:
        words = ["-q", "-A", "tests.jobs.worker_app", "worker", "--concurrency", "2", "--loglevel", "ERROR"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        process = fork(process_environment, "celery", *words, *quiet)
        started.append(psutil.Process(process.pid))
        return process

    yield start
    for process in started:
        family = [process]
        if process.is_running():
            family += process.children(recursive=True)
        for member in family:
            if member.is_running():
                member.kill()
        process.wait()


def wait_for(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < end, f"not within {PATIENCE_S} s"
        time.sleep(0.1)


def has_begun(task: Task) -> bool:
    return TaskLog.objects.filter(task=task).exists()


def state_of(task: Task) -> str:
    task.refresh_from_db()
    return task.state


def kill(worker: Worker) -> None:
    for member in [*psutil.Process(worker.pid).children(recursive=True), psutil.Process(worker.pid)]:
        os.kill(member.pid, signal.SIGKILL)
    worker.wait()


def test_a_task_hinted_at_many_times_runs_once(start_worker: Callable[[], Worker]) -> None:
    start_worker()
    task = services.submit(Actor.system(), "TestCount", CountArguments(3))
    for _ in range(10):
        services.dispatch(task.pk)
    other = services.submit(Actor.system(), "TestCount", CountArguments(1))
    wait_for(lambda: state_of(task) == "completed" and state_of(other) == "completed")
    time.sleep(0.5)  # for a second run to show itself
    assert task.logs.count() == 3
    assert task.result == {"counted": 3, "by": "system"}
    assert task.progress["done"] == 3


def test_a_killed_worker_s_task_is_swept_and_started_again(start_worker: Callable[[], Worker]) -> None:
    worker = start_worker()
    task = services.submit(Actor.system(), "TestWait", CountArguments(60))
    wait_for(lambda: has_begun(task))
    kill(worker)
    assert sweeping.sweep().interrupted == []  # it may still be alive
    Task.objects.filter(pk=task.pk).update(heartbeat_at=F("heartbeat_at") - timedelta(seconds=60))
    assert sweeping.sweep().interrupted == [task.pk]
    assert state_of(task) == "interrupted"
    again = services.start_again(Actor.system(), task)
    assert again.origin == task
    start_worker()
    wait_for(lambda: has_begun(again))
    services.cancel(Actor.system(), again)
    wait_for(lambda: state_of(again) == "cancelled")


def test_a_worker_told_to_end_interrupts_its_tasks_in_good_order(start_worker: Callable[[], Worker]) -> None:
    worker = start_worker()
    running = services.submit(Actor.system(), "TestWait", CountArguments(60))
    also_running = services.submit(Actor.system(), "TestWait", CountArguments(60))
    wait_for(lambda: has_begun(running) and has_begun(also_running))
    waiting = services.submit(Actor.system(), "TestCount", CountArguments(1))
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=10)
    assert [state_of(task) for task in (running, also_running, waiting)] == ["interrupted", "interrupted", "waiting"]
    assert running.result == {"stopped": True}
    start_worker()
    Task.objects.filter(pk=waiting.pk).update(dispatched_at=F("dispatched_at") - timedelta(seconds=60))
    services.sweep()
    wait_for(lambda: state_of(waiting) == "completed")


def test_a_hint_the_broker_lost_is_given_again_by_the_sweeper(start_worker: Callable[[], Worker]) -> None:
    task = services.submit(Actor.system(), "TestCount", CountArguments(1))
    current_app.control.purge()
    start_worker()
    Task.objects.filter(pk=task.pk).update(dispatched_at=F("dispatched_at") - timedelta(seconds=60))
    services.sweep()
    wait_for(lambda: state_of(task) == "completed")
