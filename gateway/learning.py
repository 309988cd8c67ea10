"""Teaching scanners from what people report: queued after the report, read and taught by a worker.

Who learns, if anybody does, is `gateway.judging.learning`'s. Not for reporting (`gateway.services.quarantine`).
"""

from __future__ import annotations

import logging
from enum import StrEnum

from celery import shared_task

from archive.errors import StoreUnavailable
from archive.store.errors import StoreError
from gateway.content import DamagedContent
from gateway.errors import CopyGone
from gateway.judging.learning import teach
from gateway.judging.scanners.connecting import NoVerdict
from gateway.keeping.reading import copy_of
from gateway.models import Recipient

logger = logging.getLogger("postkeep.gateway")
LEARN = "gateway.learn"
MOST_BYTES = 8 << 20  # a larger message teaches nothing that its beginning doesn't


class Verdict(StrEnum):
    """What a message is, as people say."""

    SPAM = "spam"
    CLEAN = "clean"


def queue(recipient_id: int, verdict: Verdict) -> None:
    """Let a worker do it."""
    learn.delay(recipient_id, verdict.value)


@shared_task(name=LEARN, ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def learn(recipient_id: int, verdict: str) -> None:
    """Teach the scanner, if it learns. What is gone meanwhile teaches nothing; one that is down missed a lesson."""
    recipient = Recipient.objects.select_related("message").filter(pk=recipient_id).first()
    if recipient is None:
        return
    try:
        copy = copy_of(recipient)
        if copy.size_bytes > MOST_BYTES:
            return
        body = copy.body()
    except (CopyGone, StoreUnavailable, StoreError, DamagedContent) as error:
        logger.warning("the message %s can't be learnt from: %s", recipient.message.key, error)
        return
    try:
        teach(body, is_spam=verdict == Verdict.SPAM)
    except NoVerdict as error:
        logger.warning("the scanner can't be taught now: %s", error)
    finally:
        body.close()
