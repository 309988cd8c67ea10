"""The gateway's parts of the configuration: scanners, queue, IP lists, router table. Certificates' keys stay here."""

from __future__ import annotations

from django.forms.models import model_to_dict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from domains.errors import Invalid
from gateway.models import IpEntry, QueueSettings, RouterRule, Scanning
from gateway.services import ip_lists, queues, routes, scanning
from jobs.configuration.parts import Objects, Part, Values, register, secret

LINE = ("pattern", "kind", "target", "comment", "is_enabled")


def register_parts() -> None:
    register(
        Part("scanners", gettext_lazy("Scanners"), 90, _scanners, _save_scanners),
        Part("queue", gettext_lazy("Queue"), 100, _queue, _save_queue),
        Part("ip_lists", gettext_lazy("IP lists"), 110, _ips, _save_ip, _remove_ip),
        Part("router", gettext_lazy("Router table"), 120, _router, _save_router),
    )


def _scanners() -> Objects:
    row = Scanning.objects.filter(pk=1).first()
    if row is None:
        return {}
    values: Values = {name: getattr(row, name) for name in scanning.FIELDS if name != "rspamd_password"}
    if kept := secret(row.rspamd_password):
        values["rspamd_password"] = kept
    return {"settings": values}


def _save_scanners(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    _only(key, "settings")
    scanning.update_scanning(actor, values)


def _queue() -> Objects:
    row = QueueSettings.objects.filter(pk=1).first()
    return {} if row is None else {"settings": model_to_dict(row, fields=list(queues.LIMITS))}


def _save_queue(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    _only(key, "settings")
    queues.set_settings(actor, values)


def _ips() -> Objects:
    """What is on a list for good."""
    rows = IpEntry.objects.filter(expires_at=None)
    return {f"{row.list} {row.network}": {"comment": row.comment} for row in rows}


def _ip(key: str) -> tuple[str, str]:
    name, _space, network = key.partition(" ")
    if name not in IpEntry.List.values or not network:
        raise Invalid(_("There is no list of this name."))
    return name, network


def _save_ip(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    name, network = _ip(key)
    if present is not None:
        _remove_ip(actor, key)
    ip_lists.add_ip(actor, list=name, network=network, comment=str(values.get("comment", "")))


def _remove_ip(actor: Actor, key: str) -> None:
    name, network = _ip(key)
    for row in IpEntry.objects.filter(list=name, network=network, expires_at=None):
        ip_lists.remove_ip(actor, row)


def _router() -> Objects:
    """One object, because the order of the lines is what they mean."""
    rows = list(RouterRule.objects.order_by("position", "pk"))
    return {"table": {"lines": [{name: getattr(row, name) for name in LINE} for row in rows]}} if rows else {}


def _save_router(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    _only(key, "table")
    for row in RouterRule.objects.all():
        routes.delete_route(actor, row)
    for line in values["lines"]:
        routes.create_route(actor, {name: line[name] for name in LINE if name in line})


def _only(key: str, wanted: str) -> None:
    if key != wanted:
        raise Invalid(_("There is only “%(name)s” here.") % {"name": wanted})
