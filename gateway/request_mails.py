"""The mail that tells how a request for release was decided, sent by a worker. Not for deciding."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from django.urls import reverse

from accounts import links
from config.kit import branding, mailing
from gateway.models import ReleaseRequest

logger = logging.getLogger("postkeep.gateway")
DECIDED = "gateway.request_decided"


def mail_decision(request_id: int) -> None:
    """Let a worker write it."""
    decided.delay(request_id)


@shared_task(name=DECIDED, ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def decided(request_id: int) -> None:
    """Tell who asked; a mail server that refuses leaves the answer on their page."""
    row = ReleaseRequest.objects.select_related("recipient__message", "requested_by").filter(pk=request_id).first()
    person = None if row is None else row.requested_by
    if row is None or person is None or not person.is_active:
        return
    brand = branding.of_person(person, person.language or settings.LANGUAGE_CODE)
    context = {
        "person": person,
        "request": row,
        "message": row.recipient.message,
        "link": links.public_url() + reverse("gateway:own-list"),
        "brand": brand,
    }
    template = "mails/release_decided.txt"
    try:
        mailing.send(person.email, template, context, language=person.language, name=person.name, sender=brand.name)
    except mailing.NotSent as error:
        logger.warning("who asked for a release can't be told: %s", error)
