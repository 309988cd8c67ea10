"""Writes of outgoing providers: services through which domains send besides us.

The server's administrator keeps the list; domains choose from it (`domain_settings`), and the health check expects
their names in SPF records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from domains.errors import InUse, Invalid, Taken
from domains.models import Domain, OutgoingProvider, Status
from domains.services.fields import checked_text

_DNS_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")  # _spf.example.org


def create_provider(actor: Actor, *, name: str, spf_provider: str, is_active: bool = True) -> OutgoingProvider:
    """Raises: Forbidden, Invalid, Taken."""
    actor.require(Right.MANAGE_SERVER)
    values = _checked({"name": name, "spf_provider": spf_provider})
    try:
        with transaction.atomic():
            provider = OutgoingProvider.objects.create(is_active=is_active, **values)
            audit.record(actor, "provider.create", provider)
    except IntegrityError as error:
        raise _taken(name) from error
    return provider


def update_provider(actor: Actor, provider: OutgoingProvider, values: Mapping[str, Any]) -> None:
    """Set name, spf_provider, is_active. An inactive one can't be chosen any more; who has it keeps it.

    Raises: Forbidden, Invalid, Taken.
    """
    actor.require(Right.MANAGE_SERVER)
    checked = _checked({key: value for key, value in values.items() if key != "is_active"})
    if "is_active" in values:
        checked["is_active"] = bool(values["is_active"])
    try:
        with transaction.atomic():
            found = OutgoingProvider.objects.select_for_update().get(pk=provider.pk)
            changes = audit.changes_of(found, checked)
            if changes:
                OutgoingProvider.objects.filter(pk=found.pk).update(**checked)
                audit.record(actor, "provider.edit", found, changes=changes)
    except IntegrityError as error:
        raise _taken(checked["name"]) from error
    provider.refresh_from_db()


def delete_provider(actor: Actor, provider: OutgoingProvider) -> None:
    """Only while no domain uses it. Raises: Forbidden, InUse."""
    actor.require(Right.MANAGE_SERVER)
    with transaction.atomic():
        found = OutgoingProvider.objects.select_for_update().get(pk=provider.pk)
        count = Domain.objects.filter(outgoing_providers=found).exclude(status=Status.PURGED).count()
        if count:
            text = ngettext("%(count)d domain sends through it.", "%(count)d domains send through it.", count)
            raise InUse(text % {"count": count})
        audit.record(actor, "provider.delete", found)
        found.delete()


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    checked = checked_text(OutgoingProvider, values)
    if "spf_provider" in checked:
        checked["spf_provider"] = checked["spf_provider"].lower().rstrip(".")
        if not _DNS_NAME.fullmatch(checked["spf_provider"]):
            wrong = _("“%(name)s” is no name in DNS. It is what stands behind include: in their SPF record.")
            raise Invalid(wrong % {"name": checked["spf_provider"][:60]}, field="spf_provider")
    return checked


def _taken(name: str) -> Taken:
    return Taken(_("There is a provider called %(name)s already.") % {"name": name}, field="name")
