"""What the clock has this app do."""

from __future__ import annotations

from celery import shared_task

from accounts.actors import Actor
from config.kit import clock
from domains import usage
from domains.commands.domain_lifecycle import PurgeDeletedDomainsArguments
from domains.services import domain_purging
from jobs import services as tasks

USAGE_EVERY_S = 600
PURGE_EVERY_S = 6 * 3600  # several times a day: a server that is started each morning purges too

clock.every(USAGE_EVERY_S, "domains.refresh_usage")
clock.every(PURGE_EVERY_S, "domains.purge_deleted")


@shared_task(name="domains.refresh_usage", ignore_result=True)  # type: ignore[untyped-decorator]
def refresh_usage() -> None:
    """How full the mailboxes are."""
    usage.refresh()


@shared_task(name="domains.purge_deleted", ignore_result=True)  # type: ignore[untyped-decorator]
def purge_deleted() -> None:
    """Ask for the purge of the domains whose date has come; a task only where there are any."""
    if domain_purging.list_due(Actor.system()).exists():
        tasks.submit(Actor.system(), "PurgeDeletedDomains", PurgeDeletedDomainsArguments())
