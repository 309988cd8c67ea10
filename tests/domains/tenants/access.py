"""Who gets in where: brokers, customers, outgoing providers and domains."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Domain
from domains.services import brokers, domain_names, domain_states, providers
from tests.access import SIGN_IN, Cast, Row, for_administrators, in_domain, of_customer, somewhere

SYSTEM = Actor.system()
EDIT, DELETE, CREATE = Right.EDIT_DOMAINS, Right.DELETE_DOMAINS, Right.CREATE_DOMAINS
CUSTOMERS, LIMITS = Right.MANAGE_CUSTOMERS, Right.MANAGE_LIMITS


def a_broker(cast: Cast, owner: Any) -> tuple[object, ...]:
    return (brokers.create_broker(SYSTEM, name=f"Broker of {owner}").pk,)


def a_provider(cast: Cast, owner: Any) -> tuple[object, ...]:
    return (providers.create_provider(SYSTEM, name=f"Provider of {owner}", spf_provider="spf.example.net").pk,)


def an_alias(cast: Cast, domain: Domain) -> tuple[object, ...]:
    (alias,) = domain_names.add_names(SYSTEM, Domain.objects.get(pk=domain.pk), [f"alias-{domain.pk}.example"])
    return (domain.pk, alias.pk)


def setting(name: str) -> Any:
    return lambda cast, domain: (domain.pk, name)


def deleted(cast: Cast, domain: Domain) -> tuple[object, ...]:
    """Deleted by somebody of the customer, so that its administrators may take it back."""
    domain_states.delete_domain(SYSTEM, Domain.objects.get(pk=domain.pk))  # the cast's own object stays as it is
    Domain.objects.filter(pk=domain.pk).update(suspended_at_level="customer" if domain.customer_id else "server")
    return (domain.pk,)


CUSTOMER_NAME: dict[str, Any] = {"name": "A new name"}
ROWS = [
    for_administrators("domains:broker-list"),
    for_administrators("domains:broker-create"),
    for_administrators("domains:broker-create", 303, method="POST", data={"name": "New"}),
    for_administrators("domains:broker-edit", args=a_broker),
    for_administrators("domains:broker-edit", 303, method="POST", args=a_broker, data={"name": "Other"}),
    for_administrators("domains:broker-limits", args=a_broker),
    for_administrators("domains:broker-limits", 303, method="POST", args=a_broker, data={"max_domains": "5"}),
    for_administrators("domains:broker-delete", 303, method="POST", args=a_broker),
    for_administrators("domains:provider-list"),
    for_administrators("domains:provider-create"),
    for_administrators(
        "domains:provider-create", 303, method="POST", data={"name": "New", "spf_provider": "spf.example.org"}
    ),
    for_administrators("domains:provider-edit", args=a_provider),
    for_administrators(
        "domains:provider-edit", 303, method="POST", args=a_provider, data={"name": "X", "spf_provider": "x.example"}
    ),
    for_administrators("domains:provider-delete", 303, method="POST", args=a_provider),
    somewhere("domains:customer-list", need=Right.VIEW_CUSTOMERS),
    for_administrators("domains:customer-create"),
    for_administrators("domains:customer-create", 303, method="POST", data={"name": "New"}),
    Row("domains:customer-bulk", own=404, administrator=404),
    Row("domains:customer-bulk", own=404, administrator=404, method="POST"),
    of_customer("domains:customer-detail"),
    of_customer("domains:customer-edit", need=CUSTOMERS),
    of_customer("domains:customer-edit", 303, method="POST", need=CUSTOMERS, data=CUSTOMER_NAME),
    of_customer("domains:customer-domains", need=Right.VIEW_DOMAINS),
    of_customer("domains:customer-limits"),
    of_customer("domains:customer-limits", 303, method="POST", need=LIMITS, data={"max_domains": "5"}),
    of_customer("domains:customer-state", 303, method="POST", need=CUSTOMERS, data={"enabled": "no"}),
    of_customer("domains:customer-delete", 303, method="POST", need=CUSTOMERS),
    somewhere("domains:domain-list", need=Right.VIEW_DOMAINS),
    somewhere("domains:domain-create", need=CREATE),
    somewhere("domains:domain-create", 422, method="POST", need=CREATE, data={"name": "no name"}),
    Row("domains:domain-bulk", own=404, administrator=404),
    Row("domains:domain-bulk", own=404, administrator=404, method="POST"),
    in_domain("domains:domain-detail"),
    in_domain("domains:domain-settings"),
    in_domain("domains:domain-access", need=EDIT),
    in_domain("domains:domain-access", 303, method="POST", need=EDIT, data={"rights": ["sign_in"]}),
    in_domain("domains:domain-value", need=EDIT, args=setting("description")),
    in_domain("domains:domain-value", 303, method="POST", need=EDIT, args=setting("description"),
              data={"description": "New"}),
    in_domain("domains:domain-reset", 303, method="POST", need=EDIT, args=setting("sender_verify")),
    in_domain("domains:domain-usage"),
    in_domain("domains:domain-usage", 303, method="POST", need=LIMITS, data={"max_mailboxes": "5"}),
    in_domain("domains:domain-names"),
    in_domain("domains:domain-names", 303, method="POST", need=(EDIT, CREATE), data={"names": "new.example"}),
    in_domain("domains:domain-names-replace", need=EDIT),
    in_domain("domains:domain-names-replace", 303, method="POST", need=EDIT, data={"all-names": ""}),
    in_domain("domains:domain-name-remove", 303, method="POST", need=EDIT, args=an_alias),
    in_domain("domains:domain-rename", need=EDIT),
    in_domain("domains:domain-rename", 422, method="POST", need=EDIT, data={"name": "no name"}),
    in_domain("domains:domain-state", 303, method="POST", need=EDIT, data={"status": "disabled"}),
    in_domain("domains:domain-move", need=(DELETE, CREATE)),
    in_domain("domains:domain-move", 422, method="POST", need=(DELETE, CREATE), data={"customer": "x"}),
    in_domain("domains:domain-delete", need=DELETE),
    in_domain("domains:domain-delete", 422, method="POST", need=DELETE, data={"typed": "another name"}),
    # whose own domain is deleted is signed out
    in_domain("domains:domain-restore", 303, method="POST", need=DELETE, args=deleted, home=SIGN_IN),
    in_domain("domains:domain-purge", need=DELETE, args=deleted, home=SIGN_IN),
    in_domain(
        "domains:domain-purge", 422, method="POST", need=DELETE, args=deleted, home=SIGN_IN,
        data={"typed": "another name"},
    ),
]  # fmt: skip
