"""Tasks and their logs, jobs with their runs, alerts, and requests for what takes two people."""

from __future__ import annotations

from jobs.models.alerts import Alert, AlertSeen
from jobs.models.approvals import AdministratorsSeen, Approval
from jobs.models.counters import CounterBatch, Counters
from jobs.models.elements import CustomElement
from jobs.models.jobs import Job, JobRun
from jobs.models.mail_server import MailServer
from jobs.models.samples import DiskSample
from jobs.models.tasks import Task, TaskLog
from jobs.models.trust import TrustedAuthority
from jobs.models.webhooks import Webhook, WebhookCursor, WebhookDelivery

__all__ = [
    "AdministratorsSeen",
    "Alert",
    "AlertSeen",
    "Approval",
    "CounterBatch",
    "Counters",
    "CustomElement",
    "DiskSample",
    "Job",
    "JobRun",
    "MailServer",
    "Task",
    "TaskLog",
    "TrustedAuthority",
    "Webhook",
    "WebhookCursor",
    "WebhookDelivery",
]
