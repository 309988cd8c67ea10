"""What the clock's own process does for this app, and how that is seen."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import AuditEvent, AuditWaiting
from accounts.services.sealing import seal_waiting
from config.kit import clock, health

LATE = timedelta(minutes=2)


def register() -> None:
    clock.register_chore(1.0, "seal the audit trail", seal_waiting)
    health.register(gettext_lazy("Audit trail"), _trail)


def _trail() -> health.Report:
    """Events are sealed within seconds; what waits for minutes means that nobody seals."""
    oldest = AuditWaiting.objects.order_by("event_id").values_list("event_id", flat=True).first()
    at = AuditEvent.objects.filter(pk=oldest).values_list("at", flat=True).first() if oldest else None
    if at is not None and at < timezone.now() - LATE:
        return health.Report("warning", _("events have been waiting for their seal for minutes; is the clock running?"))
    return health.Report("ok", _("every event is sealed within seconds"))
