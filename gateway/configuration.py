"""The gateway's parts of the configuration: scanners, queue, IP lists, router table, certificates.

Certificates' keys are never in the file, not even sealed: of one that is kept here the file says name and fingerprint,
of one that is read from files their paths.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.forms.models import model_to_dict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from domains.errors import Invalid
from gateway.models import Certificate, IpEntry, QueueSettings, RouterRule, Scanning
from gateway.services import certificates, ip_lists, queues, routes, scanning
from jobs.configuration.parts import Objects, Part, Secret, Values, register, secret

TOLD = ("fingerprint", "hosts", "not_after")
LINE = ("pattern", "kind", "target", "comment", "is_enabled")


def register_parts() -> None:
    register(
        Part("scanners", gettext_lazy("Scanners"), 90, _scanners, _save_scanners),
        Part("queue", gettext_lazy("Queue"), 100, _queue, _save_queue),
        Part("ip_lists", gettext_lazy("IP lists"), 110, _ips, _save_ip, _remove_ip),
        Part("router", gettext_lazy("Router table"), 120, _router, _save_router),
        Part(
            "certificates",
            gettext_lazy("Certificates"),
            125,
            _certificates,
            _save_certificate,
            _remove_certificate,
            tells=frozenset(TOLD),
            remarks=_remarks,
        ),
    )


# --- certificates ----------------------------------------------------------------------------------------------------


def _certificates() -> Objects:
    return {row.name: _certificate(row) for row in Certificate.objects.all()}


def _certificate(row: Certificate) -> Values:
    values: Values = {"is_default": row.is_default, "is_web": row.is_web}
    values |= {
        "fingerprint": row.fingerprint,
        "hosts": list(row.hosts),
        "not_after": row.not_after and str(row.not_after),
    }
    if row.chain_path:
        return values | {"chain_path": row.chain_path, "key_path": row.key_path}
    return values | {"private_key": Secret(None, is_here=True)}


def _save_certificate(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    row = Certificate.objects.filter(name=key).first()
    given = {name: value for name, value in values.items() if name not in TOLD and name != "private_key"}
    unknown = sorted(set(given) - {"is_default", "is_web", "chain_path", "key_path"})
    if unknown:
        raise Invalid(_("There is no value “%(name)s”.") % {"name": unknown[0][:100]})
    if row is None and not given.get("chain_path"):
        raise Invalid(_("Its key isn't in the file: take the certificate in with its key on its page."))
    certificates.save_certificate(actor, row, {"name": key, **given})


def _remove_certificate(actor: Actor, key: str) -> None:
    certificates.delete_certificate(actor, Certificate.objects.get(name=key))


def _remarks(wanted: Values, present: Values | None) -> Iterable[str]:
    """Where the file means another certificate than is here under this name."""
    if present is not None and wanted.get("fingerprint") not in (None, "", present["fingerprint"]):
        yield _("The file means another certificate of this name (SHA-256 %(file)s, here %(here)s); it stays.") % {
            "file": str(wanted["fingerprint"])[:16],
            "here": present["fingerprint"][:16],
        }


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
