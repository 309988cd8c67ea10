"""How the lists of tasks, approvals, jobs, runs and alerts look, and what they can be asked."""

from __future__ import annotations

from jobs.tables.alerts import ALERTS
from jobs.tables.jobs import JOBS, RUNS
from jobs.tables.tasks import APPROVALS, TASKS

__all__ = ["ALERTS", "APPROVALS", "JOBS", "RUNS", "TASKS"]
