"""What the shell shows of this app: navigation, bulk actions, banners, sentences of alerts and of the audit trail."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from config.kit import bulk, nav
from jobs import approval_offers, job_alerts, selectors, sentences
from jobs.actions import CancelTasks
from jobs.tables import TASKS


def register() -> None:
    sentences.register()
    job_alerts.register()
    approval_offers.register()
    bulk.register(TASKS, selectors.list_tasks, CancelTasks())
    nav.register("jobs", _("Tasks"), "jobs:task-list", "queue-list", order=10, keys="t")
    nav.register_running(lambda actor: selectors.count_running(actor) if isinstance(actor, Actor) else 0)
