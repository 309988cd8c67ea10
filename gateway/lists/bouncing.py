"""Bounces of a list's mail, counted for the subscriber whose address stands in the return path."""

from __future__ import annotations

import re

from accounts.actors import Actor
from domains.models import MailingList, Subscriber
from domains.services.lists import subscribing
from gateway.lists import addresses

_REPORT = re.compile(rb"^content-type:\s*message/(?:global-)?delivery-status\b", re.I | re.M)
_STATUS = re.compile(rb"^status:\s*([245])\.(\d{1,3})\.(\d{1,3})", re.I | re.M)
_ACTION = re.compile(rb"^action:\s*(\w+)", re.I | re.M)
FATAL = frozenset({("1", "1"), ("1", "2"), ("1", "10"), ("1", "6")})  # the address is no more (RFC 3463 §3.2)


def is_bouncing(address: str) -> bool:
    """Whether this is a return path of a list's mail."""
    return addresses.BOUNCING.fullmatch(address) is not None


def note_failure(return_path: str, status: str) -> bool:
    """Count what couldn't be delivered; False where the return path is none of a list's. status: RFC 3463."""
    if not is_bouncing(return_path):
        return False
    local, _at, domain = return_path.rpartition("@")
    parts = addresses.parts_of(local)
    if parts is None:
        return False
    found = MailingList.objects.select_related("address", "owner").filter(address__text=f"{parts[0]}@{domain}").first()
    if found is None:
        return False
    return _count(found, parts[2], tuple(status.split(".")[1:3]) in FATAL and status.startswith("5"))


def note_report(found: MailingList, argument: str, raw: bytes) -> None:
    """Count what another server reports (RFC 3464); a delay counts for nothing, nor does what is no report: answers of
    who is away come here, too."""
    part = _REPORT.search(raw)
    if part is None:
        return
    action, status = _ACTION.search(raw, part.end()), _STATUS.search(raw, part.end())
    if status is None or status[1] != b"5" or (action is not None and action[1].lower() != b"failed"):
        return
    _count(found, argument, (status[2].decode(), status[3].decode()) in FATAL)


def _count(found: MailingList, argument: str, is_fatal: bool) -> bool:
    """Whether the proof was made here; who has left meanwhile isn't counted."""
    number = addresses.subscriber_of(found.pk, argument, "bounce")
    rows = Subscriber.objects.select_related("list__owner", "list__address")
    row = None if number is None else rows.filter(pk=number, list=found).first()
    if row is not None:
        subscribing.note_bounce(Actor.system(), row, is_fatal=is_fatal)
    return number is not None
