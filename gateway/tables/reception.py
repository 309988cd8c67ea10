"""Lists about how mail comes in: IP lists, the router table, certificates."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from config.kit.list_fields import Choice, Main, State, Text, Time, YesNo
from config.kit.list_ranges import Number
from config.kit.listing import Listing, View
from config.kit.tables import Empty
from config.kit.templatetags.kit import day
from gateway.models import Certificate, IpEntry, RouterRule

LIST_TONES = {
    "client": "good",
    "denied": "bad",
    "blacklisted": "bad",
    "blocked": "warn",
    "white_hole": "busy",
}


def _network(row: IpEntry) -> str:
    return row.shown


def _hosts(row: Certificate) -> str:
    return ", ".join(row.hosts[:4]) + (" …" if len(row.hosts) > 4 else "")


def _valid_until(row: Certificate) -> Any:
    if row.not_after is None:
        return "–"
    if row.not_after <= timezone.now():
        return _now("ended %(date)s") % {"date": day(row.not_after)}
    return day(row.not_after)


IPS: Listing[IpEntry] = Listing(
    "gateway.ips",
    (
        Main("network", _("Address or network"), path="network", words=True, sort=True, show=_network,
             url="gateway:ip-edit", folded=True),
        State("list", _("List"), choices=tuple(IpEntry.List.choices), tones=LIST_TONES, filter=True),
        Text("comment", _("Comment"), long=True),
        Time("until", _("Until"), path="expires_at"),
        Time("added", _("Added"), path="created_at", shown=False),
    ),
    sort="network",
    caption=_("IP lists"),
    views=tuple(View(label, f"list={value}") for value, label in IpEntry.List.choices),
    first_step=Empty(
        _("No address is on a list"),
        _("Here you say which addresses are ours, and which may not connect, for good or for a while."),
        "shield-check",
        action="gateway:ip-add",
        action_label=_("Add an address"),
    ),
    nothing=_("No address like this"),
)  # fmt: skip

ROUTES: Listing[RouterRule] = Listing(
    "gateway.routes",
    (
        Number("position", _("Place"), sort=True),
        Main("pattern", _("Address"), words=True, folded=True, url="gateway:route-edit"),
        Choice("kind", _("What happens"), choices=tuple(RouterRule.Kind.choices), filter=True),
        Text("target", _("Target"), mono=True, long=True),
        Text("comment", _("Comment"), long=True),
        YesNo("used", _("State"), path="is_enabled", yes=_("In use"), no=_("Switched off"), filter=True),
    ),
    sort="position",
    caption=_("Router table"),
    first_step=Empty(
        _("The router table is empty"),
        _("Its lines lead addresses elsewhere before the directory is asked: to another address, or through a server."),
        "arrows-right-left",
        action="gateway:route-create",
        action_label=_("New line"),
    ),
    nothing=_("No line like this"),
)

CERTIFICATES: Listing[Certificate] = Listing(
    "gateway.certificates",
    (
        Main("name", _("Name"), words=True, sort=True, url="gateway:certificate-edit"),
        Text("hosts", _("Host names"), show=_hosts, search=False, long=True),
        Text("issuer", _("Issued by"), long=True),
        YesNo("default", _("Shown"), path="is_default", yes=_("for every other name"), no=_("for its names")),
        YesNo("web", _("Pages"), path="is_web", yes=_("shown by the pages"), no="–"),
        Time("until", _("Valid until"), path="not_after", show=_valid_until),
    ),
    sort="name",
    caption=_("Certificates"),
    first_step=Empty(
        _("No certificate yet"),
        _("Until there is one, the gateway shows one that it has made and signed itself: encrypted, but unproven."),
        "lock-closed",
        action="gateway:certificate-create",
        action_label=_("Add a certificate"),
    ),
    nothing=_("No certificate like this"),
)
