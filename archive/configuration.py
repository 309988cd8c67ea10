"""The archive's parts of the configuration: compliance, retention policies, profiles. Not stores, holds or mail.

What shortens retention or ends the hold on everything takes two people here as everywhere: an import is refused there.
"""

from __future__ import annotations

import json

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from archive.errors import ArchiveError
from archive.keeping import exchange
from archive.models import Compliance, Profile
from archive.profiles import fields
from archive.services import compliance, retention_policies
from archive.services.profiles import keeping
from jobs.configuration.parts import Objects, Part, Values, register, secret

AUTOMATIC = ("automatic", "pause_s", "window")


class NotHere(ArchiveError):
    """The file names something that this installation doesn't know."""


def register_parts() -> None:
    register(
        Part("compliance", gettext_lazy("Compliance"), 130, _compliance, _save_compliance),
        Part("retention", gettext_lazy("Retention policies"), 140, _retention, _save_retention),
        Part("profiles", gettext_lazy("Profiles"), 150, _profiles, _save_profile, _remove_profile),
    )


def _compliance() -> Objects:
    row = Compliance.objects.first()
    if row is None:
        return {}
    return {"settings": {name: getattr(row, name) for name in compliance.FIELDS}}


def _save_compliance(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    _only(key, "settings")
    if not all(isinstance(value, bool | list) for value in values.values()):
        raise NotHere(_("Yes or no."))
    compliance.set_compliance(actor, values)


def _retention() -> Objects:
    rows = retention_policies.list_policies()
    policies = [exchange.policy_as_json(retention_policies.as_values(row)) for row in rows]
    return {"policies": {"policies": policies}} if policies else {}


def _save_retention(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    _only(key, "policies")
    retention_policies.set_policies(actor, retention_policies.read_policies(values["policies"]))


def _profiles() -> Objects:
    found: Objects = {}
    for row in Profile.objects.filter(is_temporary=False).order_by("pk"):
        values: Values = {
            each.outside: keeping.value_of(row, each) for each in fields.fields_of(row.kind) if not each.secret
        }
        about: Values = {"kind": str(row.kind), "values": values}
        about |= {name: getattr(row, name) for name in AUTOMATIC}
        if kept := secret(row.secrets):
            about["secrets"] = kept
        found.setdefault(row.name, about)  # of two with one name the first
    return found


def _save_profile(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    row = Profile.objects.filter(name=key, is_temporary=False).order_by("pk").first()
    kind = str(values.get("kind", row.kind if row else ""))
    if row is not None and row.kind != kind:
        raise NotHere(_("A profile of this name is of another kind here."))
    given = fields.read_outside(kind, values.get("values", {}))
    if "secrets" in values:
        given |= json.loads(values["secrets"])
    if row is None:
        row = keeping.create_profile(actor, name=key, kind=kind, values=given)
    else:
        keeping.update_profile(actor, row, values=given)
    wanted = {name: values[name] for name in AUTOMATIC if name in values}
    if wanted and wanted != {name: getattr(row, name) for name in wanted}:
        keeping.set_automatic(
            actor, row, automatic=bool(wanted.get("automatic", row.automatic)), pause_s=wanted.get("pause_s"),
            window=wanted.get("window"),
        )  # fmt: skip


def _remove_profile(actor: Actor, key: str) -> None:
    for row in Profile.objects.filter(name=key, is_temporary=False):
        keeping.delete_profile(actor, row)


def _only(key: str, wanted: str) -> None:
    if key != wanted:
        raise NotHere(_("There is only “%(name)s” here.") % {"name": wanted})
