"""What is refused, in words; and what becomes of a refusal whose sender's server hears 250 all the same.

That is so where others get the message, where Postfix hands it over (`Door.FILTER`), and for subscribers of lists. Then
whoever wrote is told by a notice, if they are proved to have written; everything else lies in a repository. Viruses and
spam that came from elsewhere are never told of: their senders are mostly not who sent them. Leaks lie there for an
administrator, as in a quarantine.

    judged = owe(judged)       # before filing: nobody hears of these refusals in SMTP
    settle(owed)               # while it is filed, in the same transaction

Not for mail that can't be delivered (`gateway.bounces`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from domains.policy.decision import Action, Category
from domains.policy.facts import Direction
from gateway.bounces import report, sending
from gateway.bounces.deciding import is_genuine
from gateway.flow import Answer, Fate, Judged
from gateway.models import QueueItem
from gateway.queue import storing

BY_RULE = Answer(550, "5.7.1", "The recipient takes no such mail")
_ANSWERS: dict[Category, Answer] = {
    Category.NOT_SERVED: Answer(550, "5.7.1", "Mail for this address is not taken here"),
    Category.TOO_BIG: Answer(552, "5.3.4", "The message is larger than the recipient takes"),
    Category.VIRUS: Answer(550, "5.7.1", "The message contains malware"),
    Category.BLOCKED_SENDER: Answer(550, "5.7.1", "The recipient takes no mail from this sender"),
    Category.DLP: Answer(550, "5.7.1", "The message contains what may not leave"),
    Category.SENDER_VERIFY: Answer(550, "5.7.1", "The sender can't be who they say they are"),
    Category.BAD_ATTACHMENT: Answer(550, "5.7.1", "The message has an attachment that is not taken"),
    Category.SPAM: Answer(550, "5.7.1", "The message looks like spam"),
    Category.BAD_HEADERS: Answer(550, "5.6.0", "The headers of the message are broken"),
    Category.BAD_ENCODING: Answer(550, "5.6.0", "The encoding of the message is broken"),
    Category.ADVERT: Answer(550, "5.7.1", "The message looks like advertising"),
}
_PLACES = {
    Category.SPAM: storing.SPAM,
    Category.ADVERT: storing.SPAM,
    Category.VIRUS: storing.VIRUS,
    Category.DLP: storing.DLP,
}
_ONLY_OWN_TOLD = frozenset({Category.VIRUS, Category.SPAM})
Owed = Sequence[tuple[QueueItem, Judged]]
log = logging.getLogger("postkeep.gateway")


def is_refused(each: Judged) -> bool:
    """By the policy, or by a rule."""
    return each.decision.action is Action.REFUSE or is_refused_by_rule(each)


def is_refused_by_rule(each: Judged) -> bool:
    return each.ruled is not None and each.ruled.fate is Fate.REFUSED


def answer_for(each: Judged) -> Answer:
    """What SMTP says of what is refused."""
    if is_refused_by_rule(each):
        assert each.ruled is not None
        return replace(BY_RULE, text=_line(each.ruled.refusal) or BY_RULE.text)
    return _ANSWERS[each.decision.category]


def owe(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """Those that are refused, marked: their sender's server hears 250."""
    return tuple(replace(each, is_owed=True) if is_refused(each) else each for each in judged)


def settle(owed: Owed) -> None:
    """Tell who wrote, or put into a repository. Items: unsaved, of one message. Raises: DatabaseError."""
    stored: list[tuple[QueueItem, Judged]] = []
    senders: dict[str, list[tuple[QueueItem, Judged]]] = defaultdict(list)
    for item, judged in owed:
        if _may_be_told(item, judged):
            senders[item.sender].append((item, judged))
        else:
            stored.append((item, judged))
    for group in senders.values():
        stored += [] if _tell(group) else group
    storing.store([(item, _place_of(judged), _text(judged)) for item, judged in stored], timezone.now())
    for item, _judged in stored:
        if item.recipient is not None:
            item.recipient.state = item.recipient.State.STORED


def _may_be_told(item: QueueItem, judged: Judged) -> bool:
    """Whether a notice reaches who wrote, and them alone, and they want it (RFC 3461 §4.1)."""
    wanted = item.parameters.get("NOTIFY")
    if wanted is not None and "FAILURE" not in wanted.upper().split(","):
        return False
    category = Category.CLEAN if is_refused_by_rule(judged) else judged.decision.category
    if category is Category.DLP or (category in _ONLY_OWN_TOLD and item.message.direction != Direction.OUTGOING):
        return False
    return is_genuine(item.message, item.sender)


def _tell(group: Owed) -> bool:
    """Whether a notice is on its way."""
    now = timezone.now()
    told = [
        report.Told(
            address=item.recipient.address if item.recipient is not None else item.address,
            status=answer_for(judged).enhanced,
            text=_text(judged),
            original=item.parameters.get("ORCPT", ""),
            at=now,
        )
        for item, judged in group
    ]
    try:
        with transaction.atomic():
            return bool(sending.send(report.Action.FAILED, [item for item, _judged in group], told, now))
    except Exception:
        log.exception("the sender of %s can't be told that it was refused", group[0][0].message.key)
        return False


def _text(judged: Judged) -> str:
    if is_refused_by_rule(judged):
        assert judged.ruled is not None
        return judged.ruled.refusal or _("A rule refused it.")
    return answer_for(judged).text


def _place_of(judged: Judged) -> str:
    """The repository for it."""
    return storing.REFUSED if is_refused_by_rule(judged) else _PLACES.get(judged.decision.category, storing.REFUSED)


def _line(text: str) -> str:
    """What a person wrote as one line of SMTP: ASCII, short."""
    return (
        " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        .encode("ascii", "replace")
        .decode()[:200]
    )
