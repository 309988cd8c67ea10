"""What the clock has this app do."""

from __future__ import annotations

import time

from celery import shared_task

from accounts.actors import Actor
from config.kit import clock
from domains import usage
from domains.commands.domain_lifecycle import PurgeDeletedDomainsArguments
from domains.services import domain_purging, health, purging
from domains.services.importing import invitations, uploads
from domains.services.lists import subscribing
from jobs import services as tasks

USAGE_EVERY_S = 600
PURGE_EVERY_S = 6 * 3600  # several times a day: a server that is started each morning purges too

HEALTH_EVERY_S = 300
TIDY_EVERY_S = 3600
HEALTH_ROUND_S = 30  # a round gives the worker back after this

clock.every(USAGE_EVERY_S, "domains.refresh_usage")
clock.every(HEALTH_EVERY_S, "domains.check_health")
clock.every(TIDY_EVERY_S, "domains.tidy")
clock.every(PURGE_EVERY_S, "domains.purge_deleted")


@shared_task(name="domains.refresh_usage", ignore_result=True)  # type: ignore[untyped-decorator]
def refresh_usage() -> None:
    """How full the mailboxes are."""
    usage.refresh()


@shared_task(name="domains.purge_deleted", ignore_result=True)  # type: ignore[untyped-decorator]
def purge_deleted() -> None:
    """Users whose date has come, batch by batch; of domains a task is asked for, only where there are any."""
    purging.purge_due_mailboxes(Actor.system())
    if domain_purging.list_due(Actor.system()).exists():
        tasks.submit(Actor.system(), "PurgeDeletedDomains", PurgeDeletedDomainsArguments())


@shared_task(name="domains.check_health", ignore_result=True)  # type: ignore[untyped-decorator]
def check_health() -> None:
    """Each enabled domain once a day, some in every round."""
    until = time.monotonic() + HEALTH_ROUND_S
    health.check_due_domains(Actor.system(), limit=100, stop=lambda _checked: time.monotonic() > until)


@shared_task(name="domains.tidy", ignore_result=True)  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Requests to subscribe that nobody confirmed, files of imports whose day is over, invitations nobody sent."""
    subscribing.forget_unconfirmed()
    uploads.forget_old()
    invitations.forget_old()
