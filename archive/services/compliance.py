"""Compliance: what the organisation has set about keeping mail and being watched.

Switching the hold on everything off releases a hold, and letting it go takes two people; the rest is one person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import locking
from archive.keeping import exchange
from archive.models import Compliance
from config.kit import versions
from jobs import proofs

COMMAND = "SetComplianceConfiguration"
FIELDS = (*exchange.COMPLIANCE.values(), "deletion_allowed")


def get_compliance(actor: Actor) -> Compliance:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_RETENTION)
    return Compliance.now()


def set_compliance(
    actor: Actor,
    values: Mapping[str, Any],
    *,
    approved: proofs.Approved | None = None,
    expected: int | None = None,
) -> versions.Changes:
    """Set what is named in `values`. Raises: Forbidden, NeedsApproval, ChangedMeanwhile."""
    actor.require(Right.MANAGE_RETENTION)
    actor.require_writing()
    with locking.placing():
        row = Compliance.objects.select_for_update().first() or Compliance.objects.create()
        if releases(row, values):
            proofs.require(actor, approved, COMMAND, subject=_("Hold on everything"))
        changes = versions.change(row, {name: values[name] for name in FIELDS if name in values}, expected=expected)
        if changes:
            audit.record(actor, "compliance.set", None, changes=changes)
    return changes


def releases(row: Compliance, values: Mapping[str, Any]) -> bool:
    """Whether this lets mail go that is kept now."""
    return row.legal_hold and values.get("legal_hold") is False
