"""What the shell shows of this app: navigation, bulk actions, banners, sentences of alerts and of the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import banners, bulk, nav
from config.kit.finding import Found, register_objects
from jobs import (
    alert_pages,
    alert_selectors,
    approval_offers,
    house_offers,
    job_alerts,
    job_selectors,
    selectors,
    sentences,
    webhook_offers,
)
from jobs.actions import AcknowledgeAlerts, CancelTasks
from jobs.tables import ALERTS, TASKS


def register() -> None:
    sentences.register()
    job_alerts.register()
    approval_offers.register()
    house_offers.register()
    webhook_offers.register()
    bulk.register(TASKS, selectors.list_tasks, CancelTasks())
    bulk.register(ALERTS, alert_selectors.list_alerts, AcknowledgeAlerts())
    nav.register("jobs", _("Tasks"), "jobs:task-list", "queue-list", order=10, keys="t")
    nav.register("jobs", _("Jobs"), "jobs:job-list", "clock", right=Right.MANAGE_JOBS, order=20, keys="j")
    nav.register("jobs", _("Results"), "jobs:run-list", "clipboard-document-check", right=Right.MANAGE_JOBS, order=30)
    nav.register("jobs", _("Alerts"), "jobs:alert-list", "bell-alert", order=40, keys="l")
    nav.register_running(lambda actor: selectors.count_running(actor) if isinstance(actor, Actor) else 0)
    banners.register(alert_pages.pressing)
    register_objects(_("Job"), "clock", find_jobs, order=80)


def find_jobs(actor: Any, text: str, limit: int) -> Iterable[Found]:
    """Jobs by a part of their name, for the palette."""
    if isinstance(actor, Actor) and actor.has(Right.MANAGE_JOBS):
        for job in job_selectors.list_jobs(actor).filter(name__icontains=text)[:limit]:
            yield Found(job.name, reverse("jobs:job-detail", args=[job.pk]), job.label)
