"""Writes of brokers: who sells our service. Customers may hang on one; grants on a broker reach its customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.services.grants import forget_scope, relabel
from config.kit import versions
from domains.errors import InUse, Taken
from domains.models import Broker
from domains.services.fields import checked_text


def create_broker(actor: Actor, *, name: str, external_id: str = "") -> Broker:
    """Raises: Forbidden, Invalid, Taken."""
    actor.require(Right.MANAGE_BROKERS)
    values = checked_text(Broker, {"name": name, "external_id": external_id})
    try:
        with transaction.atomic():
            broker = Broker.objects.create(**values)
            audit.record(actor, "broker.create", broker)
    except IntegrityError as error:
        raise _taken(name) from error
    return broker


def update_broker(actor: Actor, broker: Broker, values: Mapping[str, Any], *, expected: int | None = None) -> None:
    """Set name or external_id. Raises: Forbidden, Invalid, Taken, ChangedMeanwhile."""
    actor.require(Right.MANAGE_BROKERS)
    checked = checked_text(Broker, values)
    try:
        with transaction.atomic():
            changes = versions.change(broker, checked, expected=expected)
            if "name" in changes:
                relabel(broker)
            if changes:
                audit.record(actor, "broker.edit", broker, changes=changes)
    except IntegrityError as error:
        raise _taken(checked["name"]) from error


def delete_broker(actor: Actor, broker: Broker, *, expected: int | None = None) -> None:
    """Only without customers; grants on it go too. Raises: Forbidden, InUse, ChangedMeanwhile."""
    actor.require(Right.MANAGE_BROKERS)
    with transaction.atomic():
        versions.change(broker, {}, expected=expected)
        count = broker.customers.count()
        if count:
            text = ngettext(
                "%(broker)s still has %(count)d customer.", "%(broker)s still has %(count)d customers.", count
            )
            raise InUse(text % {"broker": broker, "count": count})
        audit.record(actor, "broker.delete", broker)
        forget_scope(broker)
        broker.delete()


def _taken(name: str) -> Taken:
    return Taken(_("There is a broker called %(name)s already.") % {"name": name}, field="name")
