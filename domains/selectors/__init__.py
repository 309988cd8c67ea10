"""Reads of what we serve, one module a subject: they take the actor and return only what they may see."""

from domains.selectors.addresses import Uses, count_addresses, list_addresses, list_recipients, uses_of
from domains.selectors.expansions import expand_for
from domains.selectors.history import history_of
from domains.selectors.mailboxes import count_mailboxes, groups_of, list_mailboxes
from domains.selectors.objects import (
    find_domain,
    get_address,
    get_customer,
    get_domain,
    get_mailbox,
    mailbox_of,
)

__all__ = [
    "Uses",
    "count_addresses",
    "count_mailboxes",
    "expand_for",
    "find_domain",
    "get_address",
    "get_customer",
    "get_domain",
    "get_mailbox",
    "groups_of",
    "history_of",
    "list_addresses",
    "list_mailboxes",
    "list_recipients",
    "mailbox_of",
    "uses_of",
]
