"""Digests: once a day, or earlier when much was written, everybody who wants one gets what was posted since the last.

Source: RFC 2046 §5.1.5, RFC 1153.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from email.utils import format_datetime

from django.db import transaction
from django.db.models import Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from domains.models import MailingList, Subscriber
from gateway import content
from gateway.keys import new_key
from gateway.lists.dressing import Collected, digest
from gateway.lists.sending import dress_of, send
from gateway.models import ListPosting

EVERY, LARGEST_BYTES, MOST_MESSAGES = timedelta(hours=24), 512 * 1024, 200
State, Mode = ListPosting.State, Subscriber.Mode
log = logging.getLogger("postkeep.gateway")


def send_due() -> int:
    """Send the digests that are due; how many lists had one."""
    now = timezone.now()
    waiting = (
        ListPosting.objects.filter(state=State.DIGEST)
        .values("list")
        .annotate(oldest=Min("created_at"), size=Sum("message__size_bytes"))
    )
    due = [row["list"] for row in waiting if row["oldest"] <= now - EVERY or (row["size"] or 0) >= LARGEST_BYTES]
    done = 0
    for list_id in due:
        try:
            with transaction.atomic():
                done += send_digest(list_id)
        except Exception:
            log.exception("the digest of list %d can't be made now", list_id)
    return done


def send_digest(list_id: int) -> bool:
    """Send the digest of a list now, in the caller's transaction; whether there was one."""
    found = (
        MailingList.objects.select_related("address__domain", "owner").select_for_update(of=("self",)).get(pk=list_id)
    )
    rows = list(
        ListPosting.objects.filter(list=found, state=State.DIGEST)
        .select_related("message", "content")
        .order_by("pk")[:MOST_MESSAGES]
    )
    if not rows:
        return False
    messages = [
        Collected(row.message.subject, row.message.header_from, b"".join(content.chunks_of(row.content)))
        for row in rows
        if row.content is not None
    ]
    for mode in (Mode.DIGEST, Mode.INDEX):
        readers = list(found.subscribers.filter(state=Subscriber.State.SUBSCRIBED, mode=mode))
        if readers and messages:
            _send(found, messages, readers, whole=mode == Mode.DIGEST)
    ListPosting.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.DONE, content=None)
    return True


def _send(found: MailingList, messages: Sequence[Collected], readers: Sequence[Subscriber], *, whole: bool) -> None:
    now, address = timezone.now(), found.address.text
    name = found.address.name or address
    count = ngettext("%(count)d message", "%(count)d messages", len(messages)) % {"count": len(messages)}
    subject = _("%(list)s: %(count)s") % {"list": name, "count": count}
    message_id = f"<{new_key()}.digest@{found.address.domain.name}>"
    raw = digest(
        messages, dress_of(found), subject=subject, intro=subject, date=format_datetime(now), message_id=message_id,
        whole=whole,
    )  # fmt: skip
    send(found, raw, readers, message_id=message_id)
