"""Commands about domains as a whole: listing, renaming, suspending, deleting and purging them."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.list_query import BadTerm
from domains import selectors
from domains.models import Customer, Domain, Status
from domains.purge_wording import plan_lines
from domains.services import domain_purging, domain_states, moving, renaming
from domains.tables.tenants import DOMAINS
from jobs.commands import command
from jobs.dry_runs import Plan
from jobs.errors import BadArguments
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class PurgeDeletedDomainsArguments:
    """Without names: the deleted domains whose date has come. Named ones are purged before their date, too."""

    domains: list[str] = field(default_factory=list)
    dry_run: bool = False


def _plan_purge(actor: Actor, arguments: PurgeDeletedDomainsArguments) -> Plan | None:
    """Named domains are purged before their date, which takes two people; those that are due go by themselves."""
    if arguments.dry_run or not arguments.domains:
        return None
    early = [each for each in _named(actor, arguments.domains) if domain_purging.is_early(each)]
    if not early:
        return None
    counts: dict[str, int] = {}
    for domain in early:
        for count, what in plan_lines(domain_purging.plan(actor, domain)):
            counts[what] = counts.get(what, 0) + count
    # of several domains only who could decide about all of them
    within = early[0] if len(early) == 1 else None
    subject = ", ".join(each.display_name for each in early)
    return Plan(subject, [(n, what) for what, n in counts.items()], within, gettext("Archived mail stays."))


@command(
    "PurgeDeletedDomains",
    needs=Right.DELETE_DOMAINS,
    arguments=PurgeDeletedDomainsArguments,
    label=_("Purge of deleted domains"),
    two_people=_plan_purge,
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
            done = domain_purging.purge_domain(actor, domain, approved=run.approved)
            run.log(f"{domain.name} is purged: {done.mailboxes} mailboxes, {done.people} people")
        purged.append({"domain": domain.name, **done.as_details()})
    run.progress(len(domains), len(domains), unit="domains")
    return {"domains": purged, "dry_run": arguments.dry_run}


@dataclass(frozen=True, slots=True)
class RenameDomainArguments:
    """`keep_old`: the old name stays as an alias. `dry_run`: only say what would change."""

    domain: str
    new_name: str
    keep_old: bool = True
    reason: str = ""
    dry_run: bool = False


@command("RenameDomain", needs=Right.EDIT_DOMAINS, arguments=RenameDomainArguments, label=_("Renaming of a domain"))
def rename_domain(actor: Actor, run: TaskRun, arguments: RenameDomainArguments) -> dict[str, object]:
    """Give a domain another name, with all addresses, people and whatever names them."""
    domain = _domain(actor, arguments.domain, Right.EDIT_DOMAINS)
    if arguments.dry_run:
        found = renaming.plan(actor, domain, arguments.new_name)
    else:
        run.progress(0, 1, unit="domains", note=f"{domain.name} → {arguments.new_name}")
        found = renaming.rename_domain(
            actor, domain, arguments.new_name, keep_old=arguments.keep_old, reason=arguments.reason
        )
    run.progress(1, 1, unit="domains")
    blocked = {"signed_in_elsewhere": found.signed_in_elsewhere, "too_long": found.too_long, "beyond": found.beyond}
    details: dict[str, object] = {"old": found.old, "new": found.new, **found.as_details()}
    if arguments.dry_run:
        details |= {"possible": not found.is_blocked, "taken": found.taken, **blocked}
    return details | {"dry_run": arguments.dry_run}


@dataclass(frozen=True, slots=True)
class MoveDomainArguments:
    """`customer` by name; empty: to the server itself."""

    domain: str
    customer: str = ""
    reason: str = ""


@command("MoveDomain", needs=Right.DELETE_DOMAINS, arguments=MoveDomainArguments, label=_("Move of a domain"))
def move_domain(actor: Actor, run: TaskRun, arguments: MoveDomainArguments) -> dict[str, object]:
    """Give a domain with everything in it to another customer."""
    domain = _domain(actor, arguments.domain, Right.DELETE_DOMAINS)
    customer = _customer(actor, arguments.customer) if arguments.customer else None
    run.progress(0, 1, unit="domains", note=domain.name)
    moving.move_domain(actor, domain, customer, reason=arguments.reason)
    run.progress(1, 1, unit="domains")
    return {"domain": domain.name, "customer": arguments.customer, "mailboxes": domain.mailbox_count}


@dataclass(frozen=True, slots=True)
class DomainArguments:
    """A domain by any of its names."""

    domain: str
    reason: str = ""


@command("SuspendDomain", needs=Right.EDIT_DOMAINS, arguments=DomainArguments, label=_("Suspension of a domain"))
def suspend_domain(actor: Actor, run: TaskRun, arguments: DomainArguments) -> dict[str, object]:
    """Disable a domain: its mail stops and nobody of it signs in."""
    domain = _domain(actor, arguments.domain, Right.EDIT_DOMAINS)
    domain_states.disable_domain(actor, domain, reason=arguments.reason)
    return {"domain": domain.name, "status": domain.status}


@command("ResumeDomain", needs=Right.EDIT_DOMAINS, arguments=DomainArguments, label=_("Resumption of a domain"))
def resume_domain(actor: Actor, run: TaskRun, arguments: DomainArguments) -> dict[str, object]:
    """Enable a domain that was suspended or is pending."""
    domain = _domain(actor, arguments.domain, Right.EDIT_DOMAINS)
    domain_states.enable_domain(actor, domain, reason=arguments.reason)
    return {"domain": domain.name, "status": domain.status}


@dataclass(frozen=True, slots=True)
class GetDomainsArguments:
    """`search` is what the search box of the list takes: `state:disabled customer:acme`."""

    search: str = ""
    limit: int = 1000


@command("GetDomains", needs=Right.VIEW_DOMAINS, arguments=GetDomainsArguments, label=_("List of domains"))
def get_domains(actor: Actor, run: TaskRun, arguments: GetDomainsArguments) -> dict[str, object]:
    """List domains with their state, customer and numbers."""
    asked = QueryDict(mutable=True)
    asked["q"] = arguments.search
    try:
        found = DOMAINS.select(actor, selectors.list_domains(actor), asked)
    except BadTerm as error:
        raise BadArguments(str(error)) from error
    rows = found.prefetch_related("names").order_by("name")[: max(0, arguments.limit)]
    return {"total": found.count(), "domains": [_as_json(domain) for domain in rows]}


def _as_json(domain: Domain) -> dict[str, object]:
    return {
        "id": domain.pk,
        "name": domain.name,
        "status": domain.status,
        "suspended_by_customer": domain.suspended_by_customer,
        "customer": None if domain.customer is None else domain.customer.name,
        "aliases": sorted(name.name for name in domain.names.all() if name.is_alias),
        "mailboxes": domain.mailbox_count,
        "created_at": domain.created_at.isoformat(),
        "purge_at": None if domain.purge_at is None else domain.purge_at.isoformat(),
    }


def _domain(actor: Actor, name: str, need: Right) -> Domain:
    """Raises: BadArguments for a domain that isn't there, or isn't the actor's."""
    found = selectors.find_domain(actor, name, need=need)
    if found is None:
        raise BadArguments(f"there is no domain {name}")
    return found


def _customer(actor: Actor, name: str) -> Customer:
    found = Customer.objects.visible_to(actor, Right.CREATE_DOMAINS).filter(name=name).first()
    if found is None:
        raise BadArguments(f"there is no customer {name}")
    return found


def _named(actor: Actor, names: list[str]) -> list[Domain]:
    """Deleted domains by name. Raises: BadArguments for one that isn't there, or isn't the actor's to delete."""
    found = []
    for name in names:
        domain = selectors.find_domain(actor, name, need=Right.DELETE_DOMAINS)
        if domain is None or domain.status != Status.DELETED:
            raise BadArguments(f"there is no deleted domain {name}")
        found.append(domain)
    return found
