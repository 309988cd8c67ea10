"""How the list of groups and forwards looks, and that of what one delivers to."""

from __future__ import annotations

from dataclasses import replace

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit.list_big import BigListing, Name
from config.kit.list_fields import Choice, Custom, Main, Number, Time, YesNo
from config.kit.listing import Listing, View
from config.kit.tables import Empty
from config.kit.templatetags.kit import state_html
from domains.models import Address, Recipient
from domains.tables.fields import Belongs, domains_named

KINDS = (Address.Kind.GROUP, Address.Kind.FORWARD)

GROUPS: BigListing[Address] = BigListing(
    "domains.groups",
    (
        Main("address", _("Address"), path="text", words=True, folded=True, sort=True, url="domains:group-detail"),
        Name("name", _("Name"), long=True),
        Choice("kind", _("Kind"), choices=[(kind.value, kind.label) for kind in KINDS], filter=True),
        Number("members", _("Delivers to"), path="recipient_count", search=False),
        YesNo("enabled", _("Enabled"), path="is_enabled", filter=True),
        Choice("senders", _("Who may send"), choices=Address.Senders.choices, search=False),
        Belongs("domain", _("Domain"), path="domain__name", key="domain_id", find=domains_named, shown=False),
        Time("created", _("Made"), path="created_at", shown=False, search=False),
    ),
    sort="address",
    caption=_("Groups and forwards"),
    placeholder=_("Address, or kind:group, domain:example.org …"),
    views=(View(_("Groups"), "kind=group"), View(_("Forwards"), "kind=forward")),
    first_step=Empty(
        _("No groups yet"),
        _("A group is one address for many people. A forward leads on to another address."),
        "users",
        action="domains:group-create",
        action_label=_("New group"),
        right=Right.MANAGE_ADDRESSES,
    ),
    nothing=_("No group or forward like this"),
)


def _kind_of(recipient: Recipient) -> tuple[str, str, str]:
    """(key, label, tone). What other domains have, and whether they have it, isn't told."""
    target, domain = recipient.target, recipient.address.domain
    if target is not None and target.domain_id == domain.pk:
        return target.kind, str(target.get_kind_display()), "good"
    if target is None and recipient.email.rpartition("@")[2] == domain.name:
        return "unknown", str(_("There is no such address")), "warn"
    return "elsewhere", str(_("In another domain")), "none"


def _what_it_is(recipient: Recipient) -> SafeString:
    return state_html(*_kind_of(recipient))


def _what_it_is_plain(recipient: Recipient) -> str:
    return _kind_of(recipient)[0]


DOMAIN_GROUPS: BigListing[Address] = replace(GROUPS, first_step=replace(GROUPS.first_step, action=""))

RECIPIENTS: Listing[Recipient] = Listing(
    "domains.recipients",
    (
        Main("email", _("Address"), words=True, folded=True, sort=True),
        Custom("is", _("What it is"), show=_what_it_is, export=_what_it_is_plain, search=False, css="cell-state"),
        Time("added", _("Added"), path="created_at", search=False),
    ),
    sort="email",
    caption=_("Delivers to"),
    first_step=Empty(_("Nobody yet"), _("Mail for this address goes nowhere until somebody is added."), "users"),
    nothing=_("No address like this"),
)
