"""What administrators are told about jobs: that one failed, that one was stopped, and when it is well again."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from jobs import alerts
from jobs.models import Job

FAILED, STOPPED = "job.failed", "job.stopped"
LONGEST_REASON = 500


def register() -> None:
    alerts.register_kind(FAILED, _("The job “%(name)s” failed: %(why)s"))
    alerts.register_kind(STOPPED, _("The job “%(name)s” was disabled: %(why)s."))


def post_failed(job: Job, why: str) -> None:
    _post(job, FAILED, why)


def post_stopped(job: Job, why: str) -> None:
    _post(job, STOPPED, why)


def settle(job: Job) -> None:
    """It ran well again."""
    alerts.settle_alerts(_source(job))


def _post(job: Job, kind: str, why: str) -> None:
    alerts.post_alert(
        Actor.system(),
        kind=kind,
        params={"name": job.name, "why": why[:LONGEST_REASON]},
        source=_source(job),
        severity=alerts.Severity.ERROR,
        url=f"/jobs/{job.pk}/",  # its page; the clock's process doesn't load the pages to ask
    )


def _source(job: Job) -> str:
    return f"job:{job.pk}"
