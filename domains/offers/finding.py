"""What the palette finds in the directory besides customers and domains: users, and addresses of every kind."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.kit.finding import Found, register_objects
from domains.models import Address
from domains.selectors import finding


def register() -> None:
    register_objects(_("User"), "users", find_users, order=40)
    for kind, label, icon, order in (
        (Address.Kind.GROUP, _("Group"), "user-group", 50),
        (Address.Kind.LIST, _("Mailing list"), "megaphone", 51),
        (Address.Kind.FORWARD, _("Forward"), "arrow-right-circle", 52),
        (Address.Kind.ALIAS, _("Alias"), "at-symbol", 53),
    ):
        register_objects(label, icon, partial(find_addresses, kind), order=order)


def find_users(actor: Any, text: str, limit: int) -> Iterable[Found]:
    for mailbox in finding.find_mailboxes(actor, text, limit):
        yield Found(mailbox.address, reverse("domains:user-detail", args=[mailbox.pk]), mailbox.name)


def find_addresses(kind: Address.Kind, actor: Any, text: str, limit: int) -> Iterable[Found]:
    found = finding.find_addresses(actor, kind, text, limit)
    owners = finding.targets_of(actor, found) if found and kind == Address.Kind.ALIAS else {}
    for address in found:
        if kind == Address.Kind.ALIAS:
            if address.pk not in owners:
                continue  # of a mailbox in a domain that isn't theirs to see
            url = reverse("domains:user-addresses", args=[owners[address.pk]])
        elif kind == Address.Kind.LIST:
            url = reverse("domains:list-detail", args=[address.mailing_list.pk])
        else:
            url = reverse("domains:group-detail", args=[address.pk])
        yield Found(address.text, url, address.name)
