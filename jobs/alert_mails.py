"""Mails about alerts: to whom an alert concerns, in their language, once."""

from __future__ import annotations

import logging
from enum import Enum

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from accounts import links
from accounts.models import User
from config.kit import branding, mailing
from jobs import alerts
from jobs.models import Alert

logger = logging.getLogger("postkeep.alerts")

AT_ONCE = 50
TEMPLATE = "mails/alert.txt"


class Outcome(Enum):
    """What became of one mail."""

    SENT = 1
    REFUSED = 2  # for good
    LATER = 3


def mail_alerts() -> int:
    """Send what waits; how many alerts went out. One that nobody could be sent stays for the next look.

    An alert's row is locked while its mails are sent, so two nodes don't send it twice.
    """
    if not mailing.is_configured():
        return 0
    sent = 0
    waiting = Alert.objects.filter(wants_mail=True, mailed_at=None, acknowledged_at=None)
    for pk in waiting.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            alert = waiting.select_for_update(skip_locked=True).filter(pk=pk).first()
            if alert is None:
                continue
            outcomes = [Outcome.REFUSED]
            for person in alerts.recipients(alert):
                outcomes.append(_mail(alert, person))
                if outcomes[-1] is Outcome.LATER:  # a server that doesn't answer is asked again at the next look
                    break
            if Outcome.SENT in outcomes or Outcome.LATER not in outcomes:
                Alert.objects.filter(pk=pk).update(mailed_at=timezone.now())
                sent += Outcome.SENT in outcomes
    return sent


def _mail(alert: Alert, person: User) -> Outcome:
    language = person.language or settings.LANGUAGE_CODE
    brand = branding.of_person(person, language)
    with translation.override(language):
        context = {
            "alert": alert,
            "text": alerts.words_of(alert),
            "severity": alert.get_severity_display(),
            "link": links.public_url() + (alert.url or "/alerts/"),
            "brand": brand,
        }
    try:
        mailing.send(person.email, TEMPLATE, context, language=language, name=person.name, sender=brand.name)
    except mailing.NotSent as error:
        logger.warning("alert %s was not mailed to %s: %s", alert.pk, person.pk, error)
        return Outcome.REFUSED if error.permanent else Outcome.LATER
    return Outcome.SENT
