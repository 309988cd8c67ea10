"""Verifying the audit trail: every event against its seal, every seal against the one before, the end against what
this machine noted. Changes nothing, and tells where something isn't as it was written.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import connection
from django.utils.translation import gettext as _

from accounts import chain
from accounts.actors import Actor
from accounts.models import AuditEvent, AuditSeal, AuditWaiting
from accounts.permissions import Right
from accounts.services.sealing import noted, signing_key
from config.kit.sealing_keys import SealedError

CHUNK = 2_000
FINDINGS_MAX = 1_000


class Kind(StrEnum):
    """What can be wrong."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    SEAL_MISSING = "seal missing"
    FORGED = "forged"
    CUT_OFF = "cut off"
    UNSIGNED = "not checkable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that isn't as it was written, and where."""

    kind: Kind
    text: str
    event_id: int | None = None
    sequence: int | None = None


@dataclass
class Report:
    """How many events were compared, and what was found (the first thousand)."""

    checked: int = 0
    waiting: int = 0
    head: str = ""
    findings: list[Finding] = field(default_factory=list)
    total: int = 0

    @property
    def is_sound(self) -> bool:
        return self.total == 0

    def add(self, kind: Kind, text: str, event_id: int | None = None, sequence: int | None = None) -> None:
        self.total += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(kind, text, event_id, sequence))


def verify_chain(
    actor: Actor,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Compare the whole chain. Raises: Forbidden."""
    actor.require(Right.VIEW_AUDIT)
    report = Report(waiting=AuditWaiting.objects.count())
    total = AuditSeal.objects.count()
    last: AuditSeal | None = None
    signed: AuditSeal | None = None
    for seals in _chunks():
        events = AuditEvent.objects.in_bulk([seal.event_id for seal in seals])
        for seal in seals:
            _check(report, last, seal, events.get(seal.event_id))
            last = seal
            signed = seal if seal.mac else signed
        report.checked += len(seals)
        progress(report.checked, total)
        if stop():
            return report
    report.head = last.hash if last else ""
    _check_end(report, last)
    _find_inserted(report)
    return report


def _check(report: Report, last: AuditSeal | None, seal: AuditSeal, event: AuditEvent | None) -> None:
    expected = last.sequence + 1 if last else 1
    follows = seal.sequence == expected
    if not follows:
        text = _("The seals %(first)d to %(last)d are gone.") % {"first": expected, "last": seal.sequence - 1}
        report.add(Kind.SEAL_MISSING, text, sequence=expected)
    where = {"event": seal.event_id, "sequence": seal.sequence}
    if event is None:
        text = _("Event %(event)d, number %(sequence)d of the chain, is gone.") % where
        report.add(Kind.MISSING, text, seal.event_id, seal.sequence)
    elif follows and chain.next_hash(last.hash if last else chain.FIRST, event) != seal.hash:
        text = _("Event %(event)d, number %(sequence)d of the chain, doesn't fit its seal and the one before.") % where
        report.add(Kind.CHANGED, text, seal.event_id, seal.sequence)
    if seal.mac:
        _check_signature(report, seal)


def _check_signature(report: Report, seal: AuditSeal) -> None:
    try:
        key_id, key = signing_key(seal.mac.partition(":")[0])
    except SealedError:
        text = _("The signature at number %(sequence)d can't be checked: its key is lost.")
        report.add(Kind.UNSIGNED, text % {"sequence": seal.sequence}, seal.event_id, seal.sequence)
        return
    if not hmac.compare_digest(chain.signature(key_id, key, seal.sequence, seal.hash), seal.mac):
        text = _("The signature at number %(sequence)d is wrong: the chain was written anew up to there.")
        report.add(Kind.FORGED, text % {"sequence": seal.sequence}, seal.event_id, seal.sequence)


def _check_end(report: Report, last: AuditSeal | None) -> None:
    """The end is signed, and not before what this machine has seen."""
    if last is not None and not last.mac:
        text = _("The chain ends at number %(sequence)d without a signature.") % {"sequence": last.sequence}
        report.add(Kind.CUT_OFF, text, last.event_id, last.sequence)
    seen = noted()
    if seen is None:
        return
    kept = AuditSeal.objects.filter(sequence=seen.sequence).values_list("hash", flat=True).first()
    if kept is None:
        text = _("This machine has seen number %(sequence)d of the chain, which is gone: its end was cut off, or an older database was restored.")  # fmt: skip  # noqa: E501
        report.add(Kind.CUT_OFF, text % {"sequence": seen.sequence}, sequence=seen.sequence)
    elif kept != seen.hash:
        text = _("Number %(sequence)d of the chain isn't the one that this machine has seen.")
        report.add(Kind.FORGED, text % {"sequence": seen.sequence}, sequence=seen.sequence)


def _find_inserted(report: Report) -> None:
    """Events that are neither sealed nor waiting came in beside the door."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT event.id FROM accounts_auditevent AS event
                WHERE NOT EXISTS (SELECT 1 FROM accounts_auditseal AS seal WHERE seal.event_id = event.id)
                AND NOT EXISTS (SELECT 1 FROM accounts_auditwaiting AS waiting WHERE waiting.event_id = event.id)
                ORDER BY event.id
            """
        )
        for (event_id,) in cursor.fetchall():
            text = _("Event %(event)d was never written by us: it came into the table by another way.")
            report.add(Kind.INSERTED, text % {"event": event_id}, event_id)


def _chunks() -> Iterator[list[AuditSeal]]:
    after = 0
    while seals := list(AuditSeal.objects.filter(sequence__gt=after).order_by("sequence")[:CHUNK]):
        yield seals
        after = seals[-1].sequence
