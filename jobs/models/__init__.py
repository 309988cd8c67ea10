"""Tasks and their logs, jobs with their runs, and alerts."""

from __future__ import annotations

from jobs.models.alerts import Alert, AlertSeen
from jobs.models.jobs import Job, JobRun
from jobs.models.tasks import Task, TaskLog

__all__ = ["Alert", "AlertSeen", "Job", "JobRun", "Task", "TaskLog"]
