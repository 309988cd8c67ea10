"""What Celery's clock calls in the gateway: lines of IP lists and files whose time is over go, certificates are
looked after."""

from __future__ import annotations

from celery import shared_task

from gateway.lists import digests, distributing
from gateway.services import attachments, certificates, ip_lists
from gateway.services.mail_rules import scripts

LISTS, LISTS_EVERY_S = "gateway.lists", 5.0
HOUSEKEEPING, HOUSEKEEPING_EVERY_S = "gateway.reception_housekeeping", 60.0


@shared_task(name=HOUSEKEEPING, ignore_result=True, acks_late=False, expires=HOUSEKEEPING_EVERY_S)  # type: ignore[untyped-decorator]
def look_after_reception() -> None:
    """Once a minute; quick where there is nothing to do."""
    ip_lists.sweep()
    attachments.sweep()
    certificates.look_after_all()
    scripts.forget_purged()


@shared_task(name=LISTS, ignore_result=True, acks_late=False, expires=LISTS_EVERY_S)  # type: ignore[untyped-decorator]
def work_off_lists() -> None:
    """What came for mailing lists goes out, and the digests that are due."""
    distributing.work_off()
    digests.send_due()
