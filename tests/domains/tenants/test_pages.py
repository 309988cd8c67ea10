"""The pages of customers and domains: what they show, change, refuse, and to whom they show nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import AuditEvent, Grant, User
from accounts.permissions import Right
from accounts.services.options import set_option
from domains.models import Address, Customer, Domain, Status
from domains.services import claims, domain_names, domain_states
from jobs.models import Task
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import make_user

ClientFor = Callable[[User | None], Client]
CONSOLE = Actor.console()


def page(client: Client, route: str, *args: object, **query: str) -> str:
    response = client.get(reverse(f"domains:{route}", args=args), query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def post(client: Client, route: str, *args: object, **data: object) -> int:
    return client.post(reverse(f"domains:{route}", args=args), data).status_code


def names_in(client: Client, **query: str) -> list[str]:
    """The names that the list of domains shows, in its order."""
    response = client.get(reverse("domains:domain-list"), query)
    return [row.name for row in response.context["list"].page.rows]


def test_a_newcomer_makes_a_customer_and_two_domains_by_clicking(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    assert "No customers yet" in page(client, "customer-list")
    assert post(client, "customer-create", name="Example Ltd") == 303
    customer = Customer.objects.get()
    for name in ("example.com", "Bücher.example"):
        assert post(client, "domain-create", name=name, status="enabled", customer=customer.pk) == 303
    shown = page(client, "customer-detail", customer.pk)
    assert "example.com" in shown and "bücher.example" in shown
    assert "xn--bcher-kva.example" in page(client, "domain-detail", Domain.objects.get(name__startswith="xn").pk)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "bücher"}, ["xn--bcher-kva.example"]),
        ({"q": "alias"}, ["acme.example"]),
        ({"q": "name:acme*"}, ["acme.example"]),
        ({"q": "customer:acme"}, ["acme.example"]),
        ({"q": "state:disabled"}, ["off.example"]),
        ({"q": "mailboxes>0"}, ["acme.example"]),
        ({"state": "suspended"}, ["held.example"]),
        ({"state": "enabled"}, ["acme.example", "xn--bcher-kva.example"]),
        ({"language": "de"}, ["xn--bcher-kva.example"]),
        ({"service": "quarantine"}, ["off.example"]),
        ({"sort": "-name"}, ["xn--bcher-kva.example", "off.example", "held.example", "acme.example"]),
        ({"sort": "-mailboxes"}, ["acme.example"]),
        ({"q": "-acme", "sort": "-created"}, ["xn--bcher-kva.example", "off.example", "held.example"]),
    ],
    ids=str,
)
def test_the_list_is_searched_filtered_and_sorted(
    query: dict[str, str], found: list[str], client_for: ClientFor, administrator: User
) -> None:
    held = make_domain("held.example", customer=make_customer(is_enabled=False))
    assert held.suspended_by_customer
    off = make_domain("off.example", policy={"quarantine": True})
    domain_states.disable_domain(CONSOLE, off)
    acme = make_domain("acme.example", customer=make_customer("Acme"))
    make_mailbox_in(acme)
    domain_names.add_names(CONSOLE, acme, ["alias.example"])
    make_domain("bücher.example", default_language="de")
    shown = names_in(client_for(administrator), **query)
    assert shown[: len(found)] == found
    if "sort" not in query or len(found) > 1:
        assert len(shown) == len(found)


@pytest.mark.parametrize("kind", ["domain", "customer"])
def test_a_list_takes_as_many_queries_for_forty_rows_as_for_two(
    kind: str, client_for: ClientFor, administrator: User
) -> None:
    client = client_for(administrator)
    taken = []
    for more in (2, 38):
        for _ in range(more):
            make_domain(customer=make_customer())
        client.get(reverse(f"domains:{kind}-list"))  # whatever is asked once
        counts = []
        for _ in range(2):  # what is asked or noted once in a while (a session's last use) may come into one of them
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse(f"domains:{kind}-list"))
            counts.append(len(queries))
        taken.append(min(counts))
    assert taken[0] == taken[1]


def test_an_export_is_the_list_and_leaves_a_trace(client_for: ClientFor, administrator: User) -> None:
    make_domain("one.example"), make_domain("two.example")
    response = client_for(administrator).get(reverse("domains:domain-list"), {"format": "csv", "q": "one"})
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert "one.example" in text and "two.example" not in text
    assert AuditEvent.objects.filter(action="domain.export").count() == 1


def test_a_domain_administrator_of_another_customer_finds_nothing(client_for: ClientFor) -> None:
    mine, foreign = (
        make_domain("mine.example", customer=make_customer("Mine")),
        make_domain("foreign.example", customer=make_customer("Foreign")),
    )
    make_mailbox_in(foreign, "secret-person")
    client = client_for(make_delegate(mine))
    assert names_in(client) == ["mine.example"]
    assert names_in(client, q="foreign") == []
    for name in ("detail", "settings", "usage", "names", "rename", "delete", "move", "access", "purge"):
        assert client.get(reverse(f"domains:domain-{name}", args=[foreign.pk])).status_code == 404
    assert client.get(reverse("domains:customer-detail", args=[foreign.customer_id])).status_code == 404
    shown = client.get("/", {"q": "foreign"}).content.decode()
    assert "foreign.example" not in shown and "secret-person" not in shown


def test_a_customer_administrator_sees_their_customer_and_its_limits_but_sets_none(client_for: ClientFor) -> None:
    customer = make_customer(max_domains=3)
    make_domain(customer=customer)
    client = client_for(make_delegate(customer))
    shown = page(client, "customer-limits", customer.pk)
    assert "1 of 3" in shown and "Save the limits" not in shown
    assert post(client, "customer-limits", customer.pk, max_domains="") == 403
    assert "Disable the customer" not in page(client, "customer-detail", customer.pk)
    assert post(client, "customer-state", customer.pk, enabled="no") == 403


def test_limits_are_typed_as_people_write_them(client_for: ClientFor, administrator: User) -> None:
    customer = make_customer()
    client = client_for(administrator)
    assert post(client, "customer-limits", customer.pk, max_domains="12", max_bytes="2 TB") == 303
    customer.refresh_from_db()
    assert (customer.max_domains, customer.max_bytes, customer.max_mailboxes) == (12, 2 << 40, None)
    assert post(client, "customer-limits", customer.pk, max_domains="many") == 422


def test_a_setting_is_edited_where_it_stands_and_reset(client_for: ClientFor, administrator: User) -> None:
    customer = make_customer("Acme")
    set_option(CONSOLE, customer, "LANGUAGE", "fr")
    domain = make_domain(customer=customer)
    client = client_for(administrator)
    assert "from Acme" in page(client, "domain-settings", domain.pk)
    assert post(client, "domain-value", domain.pk, "default_language", default_language="da", version="1") == 303
    domain.refresh_from_db()
    assert domain.default_language == "da"
    assert "Back to what Acme says" in page(client, "domain-settings", domain.pk)
    assert post(client, "domain-reset", domain.pk, "default_language") == 303
    domain.refresh_from_db()
    assert domain.default_language is None
    assert post(client, "domain-value", domain.pk, "outgoing_subnets", outgoing_subnets="everywhere") == 422
    assert client.get(reverse("domains:domain-value", args=[domain.pk, "status"])).status_code == 404


def test_the_second_of_two_who_edit_is_told(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain()
    client = client_for(administrator)
    seen = str(domain.version)
    assert post(client, "domain-value", domain.pk, "description", description="one", version=seen) == 303
    response = client.post(
        reverse("domains:domain-value", args=[domain.pk, "description"]), {"description": "two", "version": seen}
    )
    assert response.status_code == 422 and b"changed this meanwhile" in response.content
    domain.refresh_from_db()
    assert domain.description == "one"


def test_what_end_users_may_do_is_ticked(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain()
    client = client_for(administrator)
    assert post(client, "domain-access", domain.pk, rights=["sign_in", "edit_profile"], version="1") == 303
    domain.refresh_from_db()
    assert domain.end_user_rights == ["sign_in", "edit_profile"]
    assert post(client, "domain-access", domain.pk, inherit="on") == 303
    domain.refresh_from_db()
    assert domain.end_user_rights is None


def test_names_are_added_replaced_and_given_up(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain("example.com")
    make_domain("taken.example")
    client = client_for(administrator)
    assert post(client, "domain-names", domain.pk, names="a.example, b.example\nBücher.example") == 303
    assert "bücher.example" in page(client, "domain-names", domain.pk)
    assert post(client, "domain-names", domain.pk, names="taken.example") == 422
    alias = domain.names.get(name="a.example")
    assert post(client, "domain-name-remove", domain.pk, alias.pk) == 303
    assert post(client, "domain-name-remove", domain.pk, alias.pk) == 404
    assert post(client, "domain-names-replace", domain.pk, **{"all-names": "c.example"}) == 303
    assert set(domain.names.values_list("name", flat=True)) == {"example.com", "c.example"}


def test_a_domain_is_renamed_after_its_numbers_were_seen(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain("old.example")
    make_mailbox_in(domain, "ada")
    client = client_for(administrator)
    url = reverse("domains:domain-rename", args=[domain.pk])
    seen = client.post(url, {"name": "new.example", "keep_old": "on"}).content.decode()
    assert "Rename to new.example" in seen and "1</b> mailbox" in seen
    domain.refresh_from_db()
    assert domain.name == "old.example"
    done = {"name": "new.example", "keep_old": "on", "confirmed": "new.example"}
    assert client.post(url, done).status_code == 303
    domain.refresh_from_db()
    assert domain.name == "new.example"
    make_user("ada@blocked.example")
    blocked = client.post(url, {"name": "blocked.example", "confirmed": "blocked.example"}).content.decode()
    assert "ada@blocked.example" in blocked and "Rename to" not in blocked


def test_a_large_domain_is_renamed_by_a_task(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain("old.example")
    Domain.objects.filter(pk=domain.pk).update(mailbox_count=6_000)
    url = reverse("domains:domain-rename", args=[domain.pk])
    response = client_for(administrator).post(url, {"name": "new.example", "confirmed": "new.example"})
    task = Task.objects.get()
    assert response["Location"] == reverse("jobs:task-detail", args=[task.pk])
    assert (task.type, task.arguments["new_name"]) == ("RenameDomain", "new.example")


def test_a_domain_is_moved_after_its_numbers_were_seen(client_for: ClientFor, administrator: User) -> None:
    new, full = make_customer("New"), make_customer("Full", max_domains=0)
    domain = make_domain(customer=make_customer("Old"))
    client = client_for(administrator)
    url = reverse("domains:domain-move", args=[domain.pk])
    assert "may have 0 domains at most" in client.post(url, {"customer": full.pk}).content.decode()
    assert client.post(url, {"customer": new.pk}).status_code == 200
    assert client.post(url, {"customer": new.pk, "confirmed": str(new.pk)}).status_code == 303
    domain.refresh_from_db()
    assert domain.customer == new
    assert client.post(url, {"customer": "", "confirmed": "server"}).status_code == 303
    domain.refresh_from_db()
    assert domain.customer is None


def test_deleting_says_what_goes_wants_the_name_and_can_be_reverted(client_for: ClientFor, administrator: User) -> None:
    domain = make_domain("bücher.example")
    make_mailbox_in(domain, "ada")
    claims.claim(CONSOLE, domain, "all", Address.Kind.GROUP)
    client = client_for(administrator)
    shown = page(client, "domain-delete", domain.pk)
    assert "mailbox with its addresses" in shown and "</b> group<" in shown and "archived messages" in shown
    assert post(client, "domain-delete", domain.pk, typed="other.example") == 422
    assert post(client, "domain-delete", domain.pk, typed="Bücher.example") == 303
    domain.refresh_from_db()
    assert domain.status == Status.DELETED
    assert "Restore" in page(client, "domain-detail", domain.pk)
    assert post(client, "domain-restore", domain.pk) == 303
    domain.refresh_from_db()
    assert domain.status == Status.ENABLED
    assert post(client, "domain-purge", domain.pk, typed=domain.name) == 303
    domain.refresh_from_db()
    assert domain.status == Status.ENABLED  # only a deleted one
    post(client, "domain-delete", domain.pk, typed=domain.name)
    assert post(client, "domain-purge", domain.pk, typed=domain.name) == 303
    domain.refresh_from_db()
    assert domain.status == Status.PURGED
    assert client.get(reverse("domains:domain-detail", args=[domain.pk])).status_code == 404


def test_a_suspension_is_shown_with_its_reason(client_for: ClientFor, administrator: User) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    client = client_for(administrator)
    assert post(client, "customer-state", customer.pk, enabled="no") == 303
    assert "Suspended by the customer" in page(client, "domain-detail", domain.pk)
    assert "Suspended by the customer" in page(client, "domain-list")
    assert post(client, "customer-state", customer.pk, enabled="no") == 303  # told, and nothing happens
    assert post(client, "customer-state", customer.pk, enabled="yes") == 303
    assert "Suspended" not in page(client, "domain-detail", domain.pk)


def test_a_customer_is_deleted_only_when_it_is_empty(client_for: ClientFor, administrator: User) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    client = client_for(administrator)
    assert "Delete the customer" not in page(client, "customer-detail", customer.pk)
    assert post(client, "customer-delete", customer.pk) == 303
    assert Customer.objects.filter(pk=customer.pk).exists()
    post(client, "domain-move", domain.pk, customer="", confirmed="server")
    assert "Delete the customer" in page(client, "customer-detail", customer.pk)
    assert post(client, "customer-delete", customer.pk) == 303
    assert not Customer.objects.filter(pk=customer.pk).exists()


def test_many_domains_are_changed_after_a_preview_in_numbers(client_for: ClientFor, administrator: User) -> None:
    customer, target = make_customer(), make_customer()
    domains = [make_domain(customer=customer) for _ in range(3)]
    make_mailbox_in(domains[0])
    client = client_for(administrator)
    chosen = [str(domain.pk) for domain in domains]
    url = reverse("domains:domain-bulk")
    asked = client.get(url, {"do": "disable", "chosen": chosen})
    assert b"Disable 3 domains" in asked.content and b"mailbox is in them" in asked.content
    query = f"{url}?do=disable&" + "&".join(f"chosen={key}" for key in chosen)
    assert client.post(query, {"expected": "3", "typed": "3"}).status_code == 303
    assert set(Domain.objects.values_list("status", flat=True)) == {"disabled"}
    query = query.replace("do=disable", "do=move")
    assert client.post(query, {"expected": "3", "customer": target.pk}).status_code == 303
    assert set(Domain.objects.values_list("customer", flat=True)) == {target.pk}
    query = query.replace("do=move", "do=delete")
    assert client.post(query, {"expected": "3", "typed": "3"}).status_code == 303
    assert set(Domain.objects.values_list("status", flat=True)) == {"deleted"}


def test_bulk_reaches_no_further_than_ones_rights(client_for: ClientFor) -> None:
    mine, foreign = make_domain(), make_domain()
    client = client_for(make_delegate(mine))
    query = f"{reverse('domains:domain-bulk')}?do=disable&chosen={mine.pk}&chosen={foreign.pk}"
    assert client.post(query, {"expected": "1", "typed": "1"}).status_code == 303
    foreign.refresh_from_db()
    assert foreign.status == Status.ENABLED
    for action in ("delete", "move", "restore"):
        assert client.get(reverse("domains:domain-bulk"), {"do": action, "chosen": mine.pk}).status_code == 403


def test_a_reader_is_offered_nothing_to_change(client_for: ClientFor) -> None:
    domain = make_domain()
    reader = make_user()
    Grant.objects.create(user=reader, rights=[Right.VIEW_DOMAINS], level="domain", object_id=domain.pk)
    client = client_for(reader)
    for name in ("domain-detail", "domain-settings", "domain-names", "domain-usage"):
        shown = page(client, name, domain.pk)
        for offer in ("Reset", "Rename", "Add them", "Save the limits", "Delete", "Disable"):
            assert f">{offer}" not in shown, (name, offer)


def test_brokers_and_providers_are_kept_by_the_servers_administrator(
    client_for: ClientFor, administrator: User
) -> None:
    client = client_for(administrator)
    assert post(client, "broker-create", name="Reseller") == 303
    assert "Reseller" in page(client, "broker-list")
    assert post(client, "broker-create", name="Reseller") == 422
    assert post(client, "provider-create", name="Mailer", spf_provider="_spf.example.net", is_active="on") == 303
    assert post(client, "provider-create", name="Other", spf_provider="no name") == 422
    assert "_spf.example.net" in page(client, "provider-list")


def test_the_overview_tells_what_is_tight_and_what_waits(client_for: ClientFor, administrator: User) -> None:
    tight, pending, room = make_domain("tight.example"), make_domain("pending.example"), make_domain("room.example")
    Domain.objects.filter(pk=tight.pk).update(max_mailboxes=10, mailbox_count=9)
    Domain.objects.filter(pk=room.pk).update(max_mailboxes=10, mailbox_count=1)
    domain_states.set_status(CONSOLE, pending, Status.PENDING)
    deleted = make_domain("deleted.example")
    domain_states.delete_domain(CONSOLE, deleted, after_days=3)
    shown = client_for(administrator).get("/").content.decode()
    assert "tight.example" in shown and "9 of 10" in shown
    assert "pending.example" in shown and "deleted.example" in shown
    assert "room.example" not in shown
