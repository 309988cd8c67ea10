"""Commands that check: the health of domains by DNS, and whether a relay answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from domains import selectors
from domains.models import Relay
from domains.services import checks, health
from jobs.commands import command
from jobs.errors import BadArguments
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class CheckDomainsArguments:
    """These domains, by name."""

    domains: list[str] = field(default_factory=list)


@command("CheckDomains", needs=Right.VIEW_DOMAINS, arguments=CheckDomainsArguments, label=_("Check of domains"))
def check_domains(actor: Actor, run: TaskRun, arguments: CheckDomainsArguments) -> dict[str, object]:
    """Look at DNS for these domains and keep what was found."""
    found = []
    for name in arguments.domains:
        domain = selectors.find_domain(actor, name, need=Right.VIEW_DOMAINS)
        if domain is None:
            raise BadArguments(f"there is no domain {name}")
        found.append(domain)
    results: list[dict[str, object]] = []
    for number, domain in enumerate(found):
        if run.stopping():
            raise run.cancelled({"domains": results})
        run.progress(number, len(found), unit="domains", note=domain.name)
        results.append({"domain": domain.name, "severity": health.check_domain(actor, domain).severity})
    run.progress(len(found), len(found), unit="domains")
    return {"domains": results}


@dataclass(frozen=True, slots=True)
class TryRelayArguments:
    """A relay, by the name of its domain and its own."""

    domain: str
    relay: str


@command("TryRelay", needs=Right.MANAGE_RELAYS, arguments=TryRelayArguments, label=_("Try of a relay"))
def try_relay(actor: Actor, run: TaskRun, arguments: TryRelayArguments) -> dict[str, object]:
    """Connect to a relay, greet, encrypt, leave; nothing is delivered."""
    domain = selectors.find_domain(actor, arguments.domain, need=Right.MANAGE_RELAYS)
    relay = Relay.objects.filter(domain=domain, name=arguments.relay).first() if domain is not None else None
    if relay is None:
        raise BadArguments(f"there is no relay {arguments.relay} of a domain {arguments.domain}")
    return {"relay": relay.name, "severity": checks.try_relay(actor, relay).severity}
