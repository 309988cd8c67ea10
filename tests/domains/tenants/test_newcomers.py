"""What people meet who are new here: the next step on empty pages, words instead of codes, numbers that read well."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.apps import apps
from django.db.models import CASCADE
from django.test import Client
from django.urls import reverse

from accounts import audit
from accounts.actors import Actor
from accounts.models import AuditEvent, User
from accounts.permissions import Right
from domains import purge_wording
from domains.models import Address, AllowedSender, Domain, DomainName, Mailbox, Policy, Recipient
from domains.services import domain_purging
from domains.services.groups import create_group
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

ClientFor = Callable[[User | None], Client]
SYSTEM = Actor.system()


def shown(client: Client, route: str, *args: object, **query: str) -> str:
    response = client.get(reverse(route, args=args), query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_an_empty_list_offers_the_first_step_to_who_may_take_it(client_for: ClientFor, administrator: User) -> None:
    boss = client_for(administrator)
    for name in ("customer", "domain", "user", "group"):
        page = shown(boss, f"domains:{name}-list")
        empty = page[page.index('class="empty"') :]
        assert reverse(f"domains:{name}-create") in empty
    auditor = client_for(make_delegate(make_customer(), role="auditor"))
    page = shown(auditor, "domains:domain-list")
    assert reverse("domains:domain-create") not in page


def test_an_empty_server_proposes_its_first_domain(client_for: ClientFor, administrator: User) -> None:
    boss = client_for(administrator)
    assert "No domain is served yet" in shown(boss, "config:overview")
    make_domain()
    assert "No domain is served yet" not in shown(boss, "config:overview")


def test_a_new_domain_keeps_what_its_form_says(client_for: ClientFor, administrator: User) -> None:
    boss = client_for(administrator)
    page = shown(boss, "domains:domain-create")
    assert re.search(r'value="quarantine"[^>]* checked', page) and not re.search(r'value="archive"[^>]* checked', page)
    for name, services in (("some.example", ["quarantine", "archive"]), ("none.example", [])):
        boss.post(reverse("domains:domain-create"), {"name": name, "status": "enabled", "services": services})
        policy = Policy.objects.get(domain__name=name)
        assert [each for each in ("quarantine", "retention", "archive") if getattr(policy, each)] == services


def test_a_domain_without_users_says_what_comes_next(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain("harbour.example")
    boss = client_for(administrator)
    page = shown(boss, "domains:domain-detail", domain.pk)
    assert "Next steps" in page and reverse("accounts:grant-add", args=["domain", domain.pk]) in page
    assert reverse("domains:relay-create", args=[domain.pk]) in page
    seeing = client_for(make_delegate(domain, rights=[Right.VIEW_DOMAINS.value]))
    page = shown(seeing, "domains:domain-detail", domain.pk)
    assert reverse("domains:csv-import", args=["users"]) not in page
    make_mailbox_in(domain)
    assert "Next steps" not in shown(boss, "domains:domain-detail", domain.pk)


def test_the_users_and_groups_of_a_domain_are_tabs_of_it(client_for: ClientFor) -> None:
    customer = make_customer()
    domain, sibling = make_domain("harbour.example", customer), make_domain("lighthouse.example", customer)
    make_mailbox_in(domain, "ada")
    make_mailbox_in(sibling, "secret")
    for each in (domain, sibling):
        create_group(SYSTEM, each, email="crew", members=["x@elsewhere.example"])
    browser = client_for(make_delegate(customer))
    users = shown(browser, "domains:domain-users", domain.pk)
    assert "ada@harbour.example" in users and "secret@lighthouse.example" not in users
    groups = shown(browser, "domains:domain-groups", domain.pk)
    assert "crew@harbour.example" in groups and "crew@lighthouse.example" not in groups
    of_sibling = client_for(make_delegate(sibling))
    for route in ("domains:domain-users", "domains:domain-groups"):
        assert of_sibling.get(reverse(route, args=[domain.pk])).status_code == 404


def test_many_tabs_stand_behind_more_and_the_current_one_in_sight(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain()
    response = client_for(administrator).get(reverse("accounts:scope-history", args=["domain", domain.pk]))
    page = response.context["object"]
    assert page.current in page.tabs_in_sight and page.current not in page.more_tabs
    assert [*page.tabs_in_sight, *page.more_tabs] != page.tabs  # it was taken out of its place
    assert sorted(str(tab.url) for tab in (*page.tabs_in_sight, *page.more_tabs)) == sorted(
        str(tab.url) for tab in page.tabs
    )
    assert "tabbar__more" in response.content.decode()


def test_the_role_that_fits_the_place_is_chosen_already(client_for: ClientFor, administrator: User) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    boss = client_for(administrator)
    for level, key in (("domain", domain.pk), ("customer", customer.pk)):
        form = boss.get(reverse("accounts:grant-add", args=[level, key])).context["form"]
        assert form.initial["role"] == f"built-in:{level}_administrator"
    made = boss.post(
        reverse("accounts:grant-add", args=["domain", domain.pk]),
        {"email": "dana@elsewhere.example", "role": "built-in:domain_administrator"},
    )
    assert made.status_code == 200 and User.objects.get(email="dana@elsewhere.example").grants.exists()


@pytest.mark.parametrize(("count", "words"), [(1, "policy"), (2, "policies")])
def test_what_goes_with_a_domain_is_counted_in_plain_words(count: int, words: str) -> None:
    plan = domain_purging.Plan(Domain(), rest=[("policy", count)], grants=count, names=["a.example"])
    lines = purge_wording.plan_lines(plan)
    assert (count, words) in lines
    assert (1, "name of the domain, free for others then") in lines


def test_everything_that_goes_with_a_domain_has_words() -> None:
    apart = (Address, AllowedSender, Domain, DomainName, Mailbox, Recipient)
    hanging = {
        model._meta.model_name
        for model in apps.get_app_config("domains").get_models()
        for key in model._meta.concrete_fields
        if model not in apart
        and key.related_model in (Domain, Mailbox)
        and getattr(key.remote_field, "on_delete", None) is CASCADE
    }
    assert hanging - purge_wording.REST.keys() - purge_wording.QUIET == set()


def test_the_audit_trail_says_what_changed_in_words(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain("harbour.example")
    changes = {"quota_bytes": (None, 2 * 1024**3), "is_enabled": (True, False)}
    names = [f"user{number}@harbour.example" for number in range(9)]
    audit.record(Actor.for_user(administrator), "domain.set_quota", domain, changes=changes, emails=names)
    boss = client_for(administrator)
    page = shown(boss, "accounts:event-list")
    assert "Quotas of a domain set" in page
    assert "Enabled: Yes → No · Quota: – → 2.00 GiB" in page
    assert "user4@harbour.example and 4 more" in page and "user5@harbour.example" not in page
    event = AuditEvent.objects.filter(action="domain.set_quota").get()
    assert "2.00 GiB" in shown(boss, "accounts:event-detail", event.pk)


def test_a_group_says_what_its_addresses_are_and_nothing_of_other_domains(client_for: ClientFor) -> None:
    domain, other = make_domain("harbour.example"), make_domain("lighthouse.example")
    make_mailbox_in(domain, "ada")
    make_mailbox_in(other, "secret")
    members = ["ada@harbour.example", "typo@harbour.example", "secret@lighthouse.example", "none@lighthouse.example"]
    group = create_group(SYSTEM, domain, email="crew", members=members)
    response = client_for(make_delegate(domain)).get(reverse("domains:group-detail", args=[group.pk]))
    said = {row.name: str(row.cells[1].value) for row in response.context["list"].table.shown_rows}
    assert "Mailbox" in said["ada@harbour.example"]
    assert "There is no such address" in said["typo@harbour.example"]
    assert said["secret@lighthouse.example"] == said["none@lighthouse.example"]


def test_pages_about_a_domain_stand_under_domains_in_the_navigation(client_for: ClientFor, administrator: User) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    boss = client_for(administrator)
    for level, key, home in (("domain", domain.pk, "domain-list"), ("customer", customer.pk, "customer-list")):
        page = shown(boss, "accounts:scope-rights", level, key)
        assert f'href="{reverse(f"domains:{home}")}" aria-current' in page


def test_a_new_relay_asks_for_nothing_that_is_stored_already(client_for: ClientFor, administrator: User) -> None:
    page = shown(client_for(administrator), "domains:relay-create", make_domain().pk)
    assert "the one that is stored" not in page and "Remove the stored password" not in page
