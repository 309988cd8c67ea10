"""Two people changing the same object: the second is told, never overwrites what they didn't see.

A versioned row counts its changes. A form or a program says which version it saw; `change` refuses when there is a
newer one. Whoever names no version changes what is there now. Not for counters, which the services keep beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils.translation import gettext_lazy

# What the second of two people is told, on every page.
CHANGED_MEANWHILE = gettext_lazy("Somebody changed this meanwhile. Look at it again, then repeat your change.")


class ChangedMeanwhile(Exception):
    """Somebody changed the object since the caller looked at it."""

    permanent = True


class Versioned(models.Model):
    """A row that counts its changes."""

    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


M = TypeVar("M", bound=Versioned)
Changes = dict[str, tuple[object, object]]


def change(obj: M, values: Mapping[str, Any], *, expected: int | None = None) -> Changes:
    """Set these fields on the row as it is now, and count the change; what is the same already is no change.

    Locks the row until the transaction ends, so call it inside one. `obj` becomes what the row says. Answers what
    changed, for the audit trail: {field: (old, new)}. Raises: ChangedMeanwhile; the model's DoesNotExist.
    """
    with transaction.atomic():
        found = type(obj)._base_manager.select_for_update().get(pk=obj.pk)
        if expected is not None and found.version != expected:
            raise ChangedMeanwhile(f"{obj} was changed meanwhile")
        changes = {name: (getattr(found, name), new) for name, new in values.items() if getattr(found, name) != new}
        if changes:
            for name, (_old, new) in changes.items():
                setattr(found, name, new)
            found.version += 1
            found.save(update_fields=[*changes, "version"])
        for field in obj._meta.concrete_fields:
            setattr(obj, field.attname, getattr(found, field.attname))
        return changes


def touch(obj: Versioned) -> None:
    """Count a change that is in no column of the row (its names, its many-to-many rows). Inside a transaction."""
    rows = type(obj)._base_manager.filter(pk=obj.pk)
    rows.update(version=models.F("version") + 1)
    obj.version = rows.values_list("version", flat=True).get()
