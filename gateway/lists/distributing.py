"""Working off what came for lists: posts are distributed or held, commands carried out, bounces counted.

One posting, one transaction; a posting that fails is left for later and stands in nobody's way, until a moderator has
to see it. Called by the clock.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from email.utils import parseaddr

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from domains.models import Subscriber
from gateway import content
from gateway.bounces.deciding import is_genuine
from gateway.lists import commands, deciding, notices
from gateway.lists.deciding import Decided, Verdict
from gateway.lists.dressing import dressed
from gateway.lists.sending import dress_of, send
from gateway.models import ListPosting, Message, Recipient
from gateway.queue import storing
from gateway.queue.adding import item_for
from gateway.resolving import route_to_list
from gateway.steps import Kind, step
from gateway.wording import list_reason

MOST_AT_ONCE = 50
TRIED_FOR = timedelta(hours=1)  # then a moderator sees what can't be worked off
STRICT = ("reject", "quarantine")
UNKNOWN = ("not_subscriber", "not_owner")
State = ListPosting.State
log = logging.getLogger("postkeep.gateway")


def work_off(most: int = MOST_AT_ONCE) -> int:
    """Take what waits; how many were taken on."""
    seen: set[int] = set()
    done = 0
    while done < most:
        row = None
        try:
            with transaction.atomic():
                rows = ListPosting.objects.select_for_update(of=("self",), skip_locked=True).filter(state=State.WAITING)
                row = (
                    rows.exclude(pk__in=seen)
                    .select_related(
                        "list__address__domain", "list__owner__user", "list__owner__domain", "message", "content",
                        "recipient",
                    )
                    .order_by("pk")
                    .first()
                )  # fmt: skip
                if row is None:
                    return done
                seen.add(row.pk)
                take(row)
        except Exception:
            log.exception("a posting to a list can't be worked on now")
            if row is None:  # not even read
                return done
            _put_aside(row.pk)
        else:
            done += 1
    return done


def _put_aside(key: int) -> None:
    """What has failed for long is a moderator's; a command is given up."""
    try:
        with transaction.atomic():
            rows = ListPosting.objects.select_for_update(of=("self",), skip_locked=True)
            row = (
                rows.filter(pk=key, state=State.WAITING, created_at__lte=timezone.now() - TRIED_FOR)
                .select_related("list__address__domain", "list__owner__user", "list__owner__domain", "message",
                                "recipient", "content")
                .first()
            )  # fmt: skip
            if row is None:
                return
            if row.command:
                _refuse(row, "problem")
            else:
                hold(row, "problem")
    except Exception:
        log.exception("a posting to a list can't be put aside")


def take(row: ListPosting) -> None:
    """Do what is to be done with it, in the caller's transaction."""
    raw = b"" if row.content is None else b"".join(content.chunks_of(row.content))
    if row.command:
        commands.carry_out(row, raw)
        _end(row, State.DONE)
        return
    decided = _decide(row, raw)
    if decided.verdict is Verdict.TAKE:
        distribute(row, raw, decided.subscriber)
    elif decided.verdict is Verdict.HOLD:
        hold(row, decided.why)
    else:
        _refuse(row, decided.why)


def _decide(row: ListPosting, raw: bytes) -> Decided:
    found, message = row.list, row.message
    head = raw.partition(b"\r\n\r\n")[0].lower()
    marks = (f"x-loop: {found.address.text}", f"<{found.address.text.replace('@', '.')}>")
    if marks[0].encode() in head or (b"list-id:" in head and marks[1].encode() in head):
        return Decided(Verdict.REFUSE, "loop")
    if commands.is_automatic(head):
        return Decided(Verdict.REFUSE, "automatic")
    if found.max_message_bytes is not None and message.size_bytes > found.max_message_bytes:
        return Decided(Verdict.REFUSE, "too_big")
    decided = deciding.decide(found, parseaddr(message.header_from)[1] or message.sender)
    if row.is_approved:
        return replace(decided, verdict=Verdict.TAKE)
    if decided.why in UNKNOWN and message.sender:
        decided = _by_envelope(row, decided)
    if decided.verdict is Verdict.TAKE and message.facts.get("dmarc") == "fail":
        return replace(decided, verdict=Verdict.HOLD, why="forged")
    return decided


def _by_envelope(row: ListPosting, by_from: Decided) -> Decided:
    """Whoever the list doesn't know by From may be known by the envelope, which anybody can write: only a proved one
    is taken. Who is banned by From stays so."""
    decided = deciding.decide(row.list, row.message.sender)
    if decided.verdict is Verdict.REFUSE:
        return by_from
    if decided.verdict is Verdict.TAKE and not is_genuine(row.message, row.message.sender):
        return replace(decided, verdict=Verdict.HOLD, why="forged")
    return decided


def distribute(row: ListPosting, raw: bytes, author: Subscriber | None) -> Message:
    """To everybody who gets each message; kept for those who get digests."""
    found = row.list
    dress = dress_of(found)
    if _must_hide_author(row):
        dress = replace(dress, from_as=found.address.text)
    subscribers = list(found.subscribers.filter(state=Subscriber.State.SUBSCRIBED, mode=Subscriber.Mode.FEED))
    sent = send(found, dressed(raw, dress), subscribers)
    row.copies = len(subscribers)
    if author is not None:
        left = max(author.moderate_next - 1, 0)
        Subscriber.objects.filter(pk=author.pk).update(posts=F("posts") + 1, moderate_next=left)
    waiting = found.subscribers.filter(
        state=Subscriber.State.SUBSCRIBED, mode__in=(Subscriber.Mode.DIGEST, Subscriber.Mode.INDEX)
    ).exists()
    _end(row, State.DIGEST if waiting else State.DONE)
    data = {"copies": len(subscribers), "message": sent.key, "list": found.address.text}
    step(Kind.DISTRIBUTED, row.message, row.recipient, data=data).save()
    if row.recipient is not None:
        Recipient.objects.filter(pk=row.recipient.pk).update(followed_by=sent)
    return sent


def _must_hide_author(row: ListPosting) -> bool:
    """DMARC of the author's domain would have the list's copy refused, and it isn't the list's own domain."""
    domain = row.message.header_from.rpartition("@")[2].lower()
    return row.message.facts.get("dmarc_policy") in STRICT and domain != row.list.address.domain.name


def hold(row: ListPosting, why: str) -> None:
    """For a moderator, who is told."""
    row.state, row.why = State.HELD, why
    row.save(update_fields=["state", "why"])
    step(Kind.HELD, row.message, row.recipient, data={"queue": row.list.address.text, "why": why}).save()
    notices.tell_moderator(row)


def _refuse(row: ListPosting, why: str) -> None:
    """Whoever wrote is told, if it was really them; else it lies where an administrator finds it: it was taken."""
    content = row.content
    is_told = not row.command and notices.tell_refused(row, why)
    _end(row, State.REFUSED, why)
    if is_told or content is None:
        return
    message, mailing_list = row.message, row.list
    route = replace(route_to_list(mailing_list.address.text, mailing_list), return_path=message.sender)
    address = row.recipient.asked if row.recipient is not None and row.command else route.address
    item = item_for(message, row.recipient, content, replace(route, address=address))
    storing.store([(item, storing.REFUSED, str(list_reason(why)))], timezone.now())


def _end(row: ListPosting, state: str, why: str = "") -> None:
    row.state, row.why = state, why or row.why
    if state != State.DIGEST:
        row.content = None
    row.save(update_fields=["state", "why", "content", "copies"])
    if row.recipient is not None:
        outcome = Recipient.State.REFUSED if state == State.REFUSED else Recipient.State.DELIVERED
        Recipient.objects.filter(pk=row.recipient.pk).update(state=outcome, state_at=timezone.now())
