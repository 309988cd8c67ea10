"""Reads of what we serve, one module a subject: they take the actor and return only what they may see."""

from domains.selectors.addresses import Uses, count_addresses, list_addresses, list_recipients, uses_of
from domains.selectors.expansions import expand_for, loop_through
from domains.selectors.history import history_of
from domains.selectors.mailboxes import count_mailboxes, groups_of, list_mailboxes
from domains.selectors.objects import (
    find_domain,
    get_address,
    get_customer,
    get_domain,
    get_mailbox,
    get_mailbox_of_person,
    mailbox_of,
)
from domains.selectors.tenants import (
    domains_near_limits,
    domains_to_be_purged,
    get_broker,
    get_provider,
    list_brokers,
    list_customers,
    list_domains,
    list_providers,
    pending_domains,
)

__all__ = [
    "Uses",
    "count_addresses",
    "count_mailboxes",
    "domains_near_limits",
    "domains_to_be_purged",
    "expand_for",
    "find_domain",
    "get_address",
    "get_broker",
    "get_customer",
    "get_domain",
    "get_mailbox",
    "get_mailbox_of_person",
    "get_provider",
    "groups_of",
    "history_of",
    "list_addresses",
    "list_brokers",
    "list_customers",
    "list_domains",
    "list_mailboxes",
    "list_providers",
    "list_recipients",
    "loop_through",
    "mailbox_of",
    "pending_domains",
    "uses_of",
]
