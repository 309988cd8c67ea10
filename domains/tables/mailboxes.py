"""How the list of users looks, and what it can be asked."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit.list_big import BigListing, Name
from config.kit.list_fields import Main, Number, Percent, Size, State, Time
from config.kit.listing import View
from config.kit.tables import Empty
from config.kit.templatetags.kit import number
from domains.models import Mailbox, Status
from domains.tables.fields import Belongs, customers_named, domains_named

STATES = [(status.value, status.label) for status in Status if status != Status.PURGED]
TONES = {Status.ENABLED.value: "good", Status.PENDING.value: "warn", Status.DELETED.value: "bad"}


def _fill(mailbox: Mailbox) -> str | None:
    return f"{number(mailbox.fill_permille // 10)} %" if mailbox.fill_permille else None


USERS: BigListing[Mailbox] = BigListing(
    "domains.users",
    (
        Main("address", _("Address"), words=True, folded=True, sort=True, url="domains:user-detail"),
        Name("name", _("Name"), words=True, sort=True, long=True),
        State("state", _("State"), path="status", choices=STATES, tones=TONES, filter=True),
        Belongs("domain", _("Domain"), path="domain__name", key="domain_id", find=domains_named, shown=False),
        Belongs(
            "customer",
            _("Customer"),
            path="domain__customer__name",
            key="customer_id",
            find=customers_named,
            shown=False,
            right=Right.VIEW_CUSTOMERS,
        ),
        Percent("quota", _("Quota used"), path="fill_permille", scale=1000, sort=True, show=_fill),
        Size("used", _("Size"), path="used_bytes", sort=True),
        Number("messages", _("Messages"), path="used_messages", shown=False, search=False),
        Time("created", _("Made"), path="created_at", sort="pk", shown=False),
        Time("signed-in", _("Last signed in"), path="user__last_login", search=False),
        Time("purged", _("Purged on"), path="purge_at", shown=False, search=False),
    ),
    sort="address",
    caption=_("Users"),
    placeholder=_("Address or name, or state:disabled, quota>90%, domain:example.org …"),
    views=(
        View(_("Nearly full"), "quota=%3E90%25&sort=-quota"),
        View(_("Disabled"), "state=disabled"),
        View(_("Deleted"), "state=deleted"),
    ),
    first_step=Empty(
        _("No users yet"),
        _("A user is a mailbox with the person who signs in with it. Make one, or bring many with a CSV file."),
        "users",
        action="domains:user-create",
        action_label=_("New user"),
        right=Right.MANAGE_USERS,
    ),
    nothing=_("No user like this"),
)

DOMAIN_USERS: BigListing[Mailbox] = replace(
    USERS,
    first_step=Empty(
        _("No users yet"),
        _("A user is a mailbox with the person who signs in with it. Make one, or bring many with a CSV file."),
        "users",
    ),
)
