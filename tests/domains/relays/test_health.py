"""The health of domains: checked against a real DNS server, kept, shown to who may see the domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from domains.commands.checks import CheckDomainsArguments
from domains.diagnosis import Resolver
from domains.models import HealthCheck
from domains.services import dkim, health
from jobs.services import run_here
from tests.dns_server import DnsServer
from tests.domains.factories import make_delegate, make_domain

SYSTEM = Actor.system()


@pytest.fixture
def resolver(dns_server: DnsServer, settings: Any) -> Resolver:
    settings.DNS_SERVERS = (dns_server.endpoint,)
    return Resolver.configured()


def test_what_to_publish_heals_the_domain(db: None, dns_server: DnsServer, resolver: Resolver) -> None:
    domain = make_domain("example.org")
    key = dkim.create_key(SYSTEM, domain, selector="s1", kind="ed25519", activate=True)
    dns_server.add_zone("example.org", '@ MX 10 mx\nmx A 192.0.2.1\n@ TXT "v=spf1 mx -all"')
    found = health.diagnosis_of(health.check_domain(SYSTEM, domain, resolver=resolver))
    assert {str(each.type): each.result for each in found.checks}["DKIM"] == "ERROR_DKIM_MISSING_ENTRY"
    HealthCheck.objects.update(performed_at="2020-01-01T00:00:00Z")
    dns_server.add_zone("s1._domainkey.example.org", f'@ TXT "{dkim.record_text(key)}"')
    found = health.diagnosis_of(health.check_domain(SYSTEM, domain, resolver=resolver))
    assert {str(each.type): each.result for each in found.checks}["DKIM"] == "OK"
    assert HealthCheck.objects.filter(is_latest=True).count() == 1 and len(health.history(domain)) == 2


def test_the_page_says_it_in_words_with_the_record(
    db: None, dns_server: DnsServer, resolver: Resolver, client_for: Callable[[User | None], Client]
) -> None:
    domain = make_domain("example.org")
    dns_server.add_zone("example.org", "@ A 192.0.2.1")
    client = client_for(make_delegate(domain))
    assert client.post(reverse("domains:domain-check", args=[domain.pk])).status_code == 303
    page = client.get(reverse("domains:domain-health", args=[domain.pk])).content.decode()
    assert "_dmarc.example.org" in page and "v=spf1" in page
    listed = client.get(reverse("domains:failure-list")).content.decode()
    assert ">example.org<" in listed
    stranger = client_for(make_delegate(make_domain("stranger.example")))
    assert ">example.org<" not in stranger.get(reverse("domains:failure-list")).content.decode()


def test_the_clock_checks_each_enabled_domain_once_a_day(db: None, dns_server: DnsServer, resolver: Resolver) -> None:
    for name in ("one.example", "two.example"):
        make_domain(name)
        dns_server.add_zone(name, "@ A 192.0.2.1")
    make_domain("off.example", status="disabled")
    assert health.check_due_domains(SYSTEM, limit=10, resolver=resolver, stop=lambda checked: checked >= 1) == 1
    assert health.check_due_domains(SYSTEM, limit=10, resolver=resolver) == 1
    assert health.check_due_domains(SYSTEM, limit=10, resolver=resolver) == 0
    with pytest.raises(Forbidden):
        health.check_due_domains(Actor.for_user(make_delegate(make_domain())), limit=1)


def test_a_command_checks_named_domains_of_ones_own(db: None, dns_server: DnsServer, resolver: Resolver) -> None:
    domain = make_domain("example.org")
    dns_server.add_zone("example.org", "@ A 192.0.2.1")
    task = run_here(Actor.for_user(make_delegate(domain)), "CheckDomains", CheckDomainsArguments(["example.org"]))
    assert task.result == {"domains": [{"domain": "example.org", "severity": "error"}]}
    other = run_here(
        Actor.for_user(make_delegate(make_domain())), "CheckDomains", CheckDomainsArguments(["example.org"])
    )
    assert other.state == "failed" and "no domain" in other.error
