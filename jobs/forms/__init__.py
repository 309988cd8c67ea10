"""The shapes of what people write about jobs, alerts and approvals; one module a subject."""

from __future__ import annotations

from jobs.forms.approvals import ApproveForm, ReasonForm, RejectForm
from jobs.forms.jobs import AlertForm, JobForm, ScheduleForm, shown_arguments

__all__ = ["AlertForm", "ApproveForm", "JobForm", "ReasonForm", "RejectForm", "ScheduleForm", "shown_arguments"]
