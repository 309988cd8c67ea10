"""What the shell shows of this app: navigation, bulk actions, banners, sentences of alerts and of the audit trail."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import banners, bulk, nav
from jobs import alert_pages, alert_selectors, approval_offers, job_alerts, selectors, sentences
from jobs.actions import AcknowledgeAlerts, CancelTasks
from jobs.tables import ALERTS, TASKS


def register() -> None:
    sentences.register()
    job_alerts.register()
    approval_offers.register()
    bulk.register(TASKS, selectors.list_tasks, CancelTasks())
    bulk.register(ALERTS, alert_selectors.list_alerts, AcknowledgeAlerts())
    nav.register("jobs", _("Tasks"), "jobs:task-list", "queue-list", order=10, keys="t")
    nav.register("jobs", _("Jobs"), "jobs:job-list", "clock", right=Right.MANAGE_JOBS, order=20, keys="j")
    nav.register("jobs", _("Results"), "jobs:run-list", "clipboard-document-check", right=Right.MANAGE_JOBS, order=30)
    nav.register("jobs", _("Alerts"), "jobs:alert-list", "bell-alert", order=40, keys="l")
    nav.register_running(lambda actor: selectors.count_running(actor) if isinstance(actor, Actor) else 0)
    banners.register(alert_pages.pressing)
