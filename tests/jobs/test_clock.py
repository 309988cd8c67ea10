"""Jobs in real processes: the clock (Celery beat) starts what is due, a worker runs it; either may be killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psutil
import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from jobs import dispatching, services, sweeping
from jobs.models import Job, JobRun, Task
from tests import factories
from tests.forked import Forked, fork
from tests.jobs.test_jobs import make_due, make_job
from tests.jobs.test_worker import Worker, kill, start_worker, wait_for

__all__ = ["start_worker"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(transactional_db: None) -> User:
    return factories.make_administrator("clock@example.org")


@pytest.fixture
def start_beat(process_environment: dict[str, str]) -> Iterator[Callable[[], psutil.Process]]:
    """Starts clocks as the supervisor does."""
    started: list[Forked] = []

    def start() -> psutil.Process:
        words = ["-q", "-A", "tests.jobs.worker_app", "beat", "--pidfile=", "--loglevel", "ERROR"]
        process = fork(process_environment, "celery", *words, "-S", "config.clock:Clock")
        started.append(process)
        return psutil.Process(process.pid)

    yield start
    for process in started:
        process.kill()
        process.wait()


def runs(job: Job) -> list[str]:
    return list(JobRun.objects.filter(job=job).order_by("pk").values_list("state", flat=True))


def test_two_clocks_and_a_worker_run_what_is_due_once(
    owner: User, start_beat: Callable[[], psutil.Process], start_worker: Callable[[], Worker]
) -> None:
    job = make_job(owner, arguments={"to": 2})
    make_due(job)
    start_beat()
    start_beat()
    start_worker()
    wait_for(lambda: runs(job) == ["completed"])
    job.refresh_from_db()
    assert job.last_state == "completed" and job.next_run_at is not None and job.next_run_at > timezone.now()
    assert Task.objects.filter(type="TestCount").count() == 1


def test_what_was_due_while_the_clock_was_dead_runs_once_on_return(
    owner: User, start_beat: Callable[[], psutil.Process], start_worker: Callable[[], Worker]
) -> None:
    kept, left_out = make_job(owner, arguments={"to": 1}), make_job(owner, arguments={"to": 1}, missed="skip")
    start_worker()
    beat = start_beat()
    wait_for(lambda: Job.objects.filter(built_in__isnull=False).exists())  # it looks
    beat.kill()
    beat.wait()
    for job in (kept, left_out):
        make_due(job, timedelta(days=3))
    start_beat()
    wait_for(lambda: runs(kept) == ["completed"] and runs(left_out) == ["skipped"])
    assert JobRun.objects.get(job=kept).times >= 3


def test_a_run_whose_worker_is_killed_goes_on_where_it_was(owner: User, start_worker: Callable[[], Worker]) -> None:
    worker = start_worker()
    job = make_job(owner, "TestSteps", arguments={"to": 8, "word": "slowly"})
    make_due(job)
    (run,) = dispatching.dispatch_due()
    task = run.task
    assert task is not None
    wait_for(lambda: (Task.objects.get(pk=task.pk).kept or {}).get("done", 0) >= 2)
    kill(worker)
    Task.objects.filter(pk=task.pk).update(heartbeat_at=F("heartbeat_at") - timedelta(seconds=90))
    assert sweeping.mark_interrupted() == [task.pk]
    dispatching.settle_runs()
    assert runs(job) != ["interrupted"]
    start_worker()
    services.sweep()

    def is_over() -> bool:
        dispatching.settle_runs()
        return runs(job) == ["completed"]

    wait_for(is_over)
    result = JobRun.objects.get(job=job).result
    assert result is not None and result["from"] >= 2


def test_a_run_that_cannot_go_on_is_interrupted_and_alerts(owner: User, start_worker: Callable[[], Worker]) -> None:
    worker = start_worker()
    job = make_job(owner, "TestWait", arguments={"to": 60})
    make_due(job)
    (run,) = dispatching.dispatch_due()
    task = run.task
    assert task is not None
    wait_for(lambda: Task.objects.get(pk=task.pk).state == "in_progress")
    kill(worker)
    Task.objects.filter(pk=task.pk).update(heartbeat_at=F("heartbeat_at") - timedelta(seconds=90))
    sweeping.mark_interrupted()
    dispatching.settle_runs()
    assert runs(job) == ["interrupted"]
    make_due(job)
    assert len(dispatching.dispatch_due()) == 1  # the next one isn't held up


def test_many_looks_at_once_start_each_job_once(owner: User) -> None:
    jobs = [make_job(owner, arguments={"to": 1}) for _number in range(10)]
    for job in jobs:
        make_due(job)

    def look(_number: int) -> int:
        try:
            return len(dispatching.dispatch_due())
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(look, range(8)))
    assert sum(started) == 10 == JobRun.objects.count() == Task.objects.count()
