"""Teaching scanners from what people report: queued after the report, read and taught by a worker.

A scanner that learns registers a teacher when the app starts. The built-in scorer's rules are fixed: it learns nothing.
Not for reporting (`gateway.services.quarantine`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum

from celery import shared_task

from archive.errors import StoreUnavailable
from archive.store.errors import StoreError
from gateway.content import DamagedContent
from gateway.errors import CopyGone
from gateway.flow import Body
from gateway.keeping.reading import copy_of
from gateway.models import Recipient

logger = logging.getLogger("postkeep.gateway")
LEARN = "gateway.learn"
MOST_BYTES = 8 << 20  # a larger message teaches nothing that its beginning doesn't


class Verdict(StrEnum):
    """What a message is, as people say."""

    SPAM = "spam"
    CLEAN = "clean"


Teacher = Callable[[Body, bool], None]
_teachers: list[Teacher] = []


def register(teacher: Teacher) -> None:
    """Somebody who learns: called with a message and whether it is spam."""
    if teacher not in _teachers:
        _teachers.append(teacher)


def queue(recipient_id: int, verdict: Verdict) -> None:
    """Let a worker do it; nothing where nobody learns."""
    if _teachers:
        learn.delay(recipient_id, verdict.value)


@shared_task(name=LEARN, ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def learn(recipient_id: int, verdict: str) -> None:
    """Teach all who learn. What is gone meanwhile teaches nothing; a scanner that is down has missed a lesson."""
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
        for teacher in _teachers:
            try:
                teacher(body, verdict == Verdict.SPAM)
            except OSError as error:
                logger.warning("a scanner can't be taught: %s", error)
    finally:
        body.close()
