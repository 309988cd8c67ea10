"""How mail comes in: navigation, sentences of the audit trail, alerts, the clock, figures."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import clock, monitoring, nav
from config.kit.monitoring import Element, Value
from gateway import tasks
from gateway.models import IpEntry, QueueItem
from gateway.reception import figures
from gateway.services import certificates


def register() -> None:
    _register_navigation()
    sentences.register(_SENTENCES)
    certificates.register_alerts()
    clock.every(tasks.HOUSEKEEPING_EVERY_S, tasks.HOUSEKEEPING)
    for element in (
        Element("gateway.connections", "Connections of the gateway's processes that are open now", figures.connections),
        Element("gateway.messages", "Messages by what was answered", figures.messages, "counter", label="answer"),
        Element("gateway.received_bytes", "Size of the messages taken", figures.received, "counter", unit="bytes"),
    ):
        monitoring.register(element)
    monitoring.register(
        Element("gateway.verdicts", "Recipients of messages by verdict", figures.verdicts, "counter", label="verdict")
    )
    monitoring.register(Element("queue.items", "Messages in the queue by state", _queued, label="state"))
    monitoring.register(Element("gateway.ip_entries", "Lines of the IP lists", _ip_entries, label="list"))


def _register_navigation() -> None:
    right = Right.MANAGE_GATEWAY
    nav.register(
        "gateway", _("IP lists"), "gateway:ip-list", "shield-check", right=right, order=62,
        words=_("blacklist denied client white hole block address network"),
    )  # fmt: skip
    nav.register(
        "gateway", _("Router table"), "gateway:route-list", "arrows-right-left", right=right, order=63,
        words=_("route rewrite address relay where does it go"),
    )  # fmt: skip
    nav.register(
        "gateway", _("Certificates"), "gateway:certificate-list", "lock-closed", right=right, order=64,
        words=_("TLS SSL STARTTLS SNI key"),
    )  # fmt: skip


def _ip_entries() -> Mapping[str, Value]:
    return dict(IpEntry.objects.values_list("list").annotate(Count("pk")).order_by())


def _queued() -> Mapping[str, Value]:
    states = dict.fromkeys(QueueItem.State.values, 0)
    return states | dict(QueueItem.objects.values_list("state").annotate(Count("pk")).order_by())


_SENTENCES = {
    "certificate.create": _("Certificate added"),
    "certificate.delete": _("Certificate deleted"),
    "certificate.edit": _("Certificate changed"),
    "ip.add": _("Address put on an IP list"),
    "ip.edit": _("Line of an IP list changed"),
    "ip.remove": _("Address taken off an IP list"),
    "ip.replace": _("IP list replaced"),
    "route.create": _("Line added to the router table"),
    "route.delete": _("Line of the router table deleted"),
    "route.edit": _("Line of the router table changed"),
    "route.move": _("Line of the router table moved"),
}
