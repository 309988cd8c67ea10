"""Who is told: those who really wrote, and want to know. Everybody else's failed mail goes into a repository.

No backscatter: the sender of mail that came in from elsewhere is told only when SPF or DKIM proved it to be theirs;
what a rule of ours sent on comes back to whose rule it is; nobody is told about a notice (the empty sender). NOTIFY of
the recipient counts (RFC 3461).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from domains.policy.facts import AuthResult, Direction
from gateway.bounces.report import Action, Told
from gateway.bounces.sending import send
from gateway.delivery.said import End
from gateway.models import Message, QueueItem
from gateway.queue import storing
from gateway.queue.tried import Tried


def give_up(failed: Sequence[Tried], now: datetime) -> list[QueueItem]:
    """What is done about mail that can't be delivered; the notices' items, saved."""
    made: list[QueueItem] = []
    stored: list[tuple[QueueItem, str, str]] = []
    for group in _by_message(failed):
        wanting = [each for each in group if _wants(each, "FAILURE", unless_said=True)]
        if _may_be_told(group[0].item):
            items = _notify(Action.FAILED, wanting, now)
            made += items
            told = {each.item.pk for each in group} if items else {each.item.pk for each in group} - _ids(wanting)
        else:
            told = set()
        stored += [
            (each.item, storing.repository_for(each.outcome.status), each.outcome.reply)
            for each in group
            if each.item.pk not in told
        ]
    storing.store(stored, now)
    return made


def tell_of_delay(deferred: Sequence[Tried], now: datetime) -> list[QueueItem]:
    """Notices for what waits for long; the items, saved."""
    return _tell(Action.DELAYED, [each for each in deferred if _wants(each, "DELAY", unless_said=True)], now)


def tell_of_success(delivered: Sequence[Tried], now: datetime) -> list[QueueItem]:
    """Notices for those who asked for one; the items, saved."""
    return _tell(Action.RELAYED, [each for each in delivered if wants_success(each)], now)


def wants_success(tried: Tried) -> bool:
    """Asked for, and the server that has it now doesn't see to it."""
    is_delivered = tried.outcome.end is End.DELIVERED
    return is_delivered and not tried.outcome.takes_dsn and _wants(tried, "SUCCESS", unless_said=False)


def is_genuine(message: Message, sender: str) -> bool:
    """Whether who stands as the sender really sent it, so that a notice reaches nobody else."""
    if not sender:
        return False
    if message.direction == Direction.OUTGOING:
        return True
    domain, found = sender.rpartition("@")[2].lower(), message.facts
    spf = found.get("spf") or {}
    if spf.get("result") == AuthResult.PASS and str(spf.get("domain", "")).lower() == domain:
        return True
    signed = [each for each in found.get("dkim") or [] if each.get("result") == AuthResult.PASS]
    return any(_is_of(domain, str(each.get("domain", "")).lower()) for each in signed)


def _may_be_told(item: QueueItem) -> bool:
    """Whether its sender is who sent it, or one of ours whose rule sent it on: as from them it left."""
    return _is_sent_on(item) or is_genuine(item.message, item.sender)


def _is_sent_on(item: QueueItem) -> bool:
    sender = item.sender.lower()
    if not sender or item.recipient is None or sender == item.message.sender.lower():
        return False
    box = item.recipient.mailbox
    return box is not None and sender == box.address.lower()


def _is_of(domain: str, signer: str) -> bool:
    return bool(signer) and (domain == signer or domain.endswith(f".{signer}"))


def _tell(action: Action, tried: Sequence[Tried], now: datetime) -> list[QueueItem]:
    made: list[QueueItem] = []
    for group in _by_message(tried):
        if _may_be_told(group[0].item):
            made += _notify(action, group, now)
    return made


def _by_message(tried: Iterable[Tried]) -> list[list[Tried]]:
    groups: dict[tuple[int, str], list[Tried]] = defaultdict(list)
    for each in tried:
        groups[each.item.message_id, each.item.sender].append(each)
    return list(groups.values())


def _notify(action: Action, group: Sequence[Tried], now: datetime) -> list[QueueItem]:
    if not group:
        return []
    told = [
        Told(
            address=each.item.address,
            status=each.outcome.status,
            text=" ".join(filter(None, [str(each.outcome.code or ""), each.outcome.status, each.outcome.text]))
            if each.outcome.is_remote
            else each.outcome.text,
            original=each.item.parameters.get("ORCPT", ""),
            host=each.outcome.host,
            is_remote=each.outcome.is_remote,
            at=now,
            until=each.item.expires_at,
        )
        for each in group
    ]
    return send(action, [each.item for each in group], told, now)


def _wants(tried: Tried, what: str, *, unless_said: bool) -> bool:
    said = tried.item.parameters.get("NOTIFY")
    return unless_said if said is None else what in said.upper().split(",")


def _ids(tried: Iterable[Tried]) -> set[int]:
    return {each.item.pk for each in tried}
