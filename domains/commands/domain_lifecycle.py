"""Commands about domains as a whole: listing, renaming, suspending, deleting and purging them."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from domains import selectors
from domains.models import Domain, Status
from domains.services import domain_purging
from jobs.commands import command
from jobs.errors import BadArguments
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class PurgeDeletedDomainsArguments:
    """Without names: the deleted domains whose date has come. Named ones are purged before their date, too."""

    domains: list[str] = field(default_factory=list)
    dry_run: bool = False


@command(
    "PurgeDeletedDomains",
    needs=Right.DELETE_DOMAINS,
    arguments=PurgeDeletedDomainsArguments,
    label=_("Purge of deleted domains"),
)
def purge_deleted_domains(actor: Actor, run: TaskRun, arguments: PurgeDeletedDomainsArguments) -> dict[str, object]:
    """Remove deleted domains for good, those that are due or these; archived mail always stays.

    A domain is purged whole or not at all, so a stopped run goes on where it was.
    """
    domains = _named(actor, arguments.domains) if arguments.domains else list(domain_purging.list_due(actor))
    purged: list[dict[str, object]] = []
    for number, domain in enumerate(domains):
        if run.stopping():
            raise run.cancelled({"domains": purged, "dry_run": arguments.dry_run})
        run.progress(number, len(domains), unit="domains", note=domain.name)
        if arguments.dry_run:
            done = domain_purging.plan(actor, domain)
        else:
            done = domain_purging.purge_domain(actor, domain)
            run.log(f"{domain.name} is purged: {done.mailboxes} mailboxes, {done.people} people")
        purged.append({"domain": domain.name, **done.as_details()})
    run.progress(len(domains), len(domains), unit="domains")
    return {"domains": purged, "dry_run": arguments.dry_run}


def _named(actor: Actor, names: list[str]) -> list[Domain]:
    """Deleted domains by name. Raises: BadArguments for one that isn't there, or isn't the actor's to delete."""
    found = []
    for name in names:
        domain = selectors.find_domain(actor, name, need=Right.DELETE_DOMAINS)
        if domain is None or domain.status != Status.DELETED:
            raise BadArguments(f"there is no deleted domain {name}")
        found.append(domain)
    return found
