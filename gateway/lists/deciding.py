"""Who may post: at RCPT by the envelope's sender, when it is distributed by From.

Codes of `why`: not_subscriber, not_owner, prohibited, banned, empty_sender (refused); moderated, first, stranger,
forged (held); too_big, automatic, loop, closed (refused).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from accounts.addresses import parse_address
from accounts.errors import BadAddress
from domains.models import MailingList, Subscriber
from domains.selectors.identities import Identity, identity_of
from domains.services import recipients

Posting, Mode, State = MailingList.Posting, Subscriber.Mode, Subscriber.State


class Verdict(StrEnum):
    TAKE = "take"
    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decided:
    verdict: Verdict
    why: str = ""
    subscriber: Subscriber | None = None


def decide(found: MailingList, sender: str) -> Decided:
    """What becomes of something this address posts."""
    if not found.address.is_enabled:
        return Decided(Verdict.REFUSE, "closed")
    if not sender:
        return Decided(Verdict.REFUSE, "empty_sender")
    if _is_owner(found, sender):
        return Decided(Verdict.TAKE)
    who = subscriber_named(found, sender)
    if who is None or who.state not in (State.SUBSCRIBED, State.PAUSED):
        return _stranger(found)
    if who.mode == Mode.BANNED:
        return Decided(Verdict.REFUSE, "banned", who)
    return _by_posting(found, who)


def _by_posting(found: MailingList, who: Subscriber) -> Decided:
    match who.posting:
        case Subscriber.Posting.PROHIBITED:
            return Decided(Verdict.REFUSE, "prohibited", who)
        case Subscriber.Posting.SPECIAL | Subscriber.Posting.UNMODERATED:
            return Decided(Verdict.TAKE, "", who)
        case Subscriber.Posting.MODERATED:
            return Decided(Verdict.HOLD, "moderated", who)
    if found.posting == Posting.OWNER:
        return Decided(Verdict.REFUSE, "not_owner", who)
    if who.moderate_next:
        return Decided(Verdict.HOLD, "moderated", who)
    if who.posts < found.first_moderated:
        return Decided(Verdict.HOLD, "first", who)
    return Decided(Verdict.TAKE, "", who)


def _stranger(found: MailingList) -> Decided:
    match found.posting:
        case Posting.OWNER:
            return Decided(Verdict.REFUSE, "not_owner")
        case Posting.SUBSCRIBERS:
            return Decided(Verdict.REFUSE, "not_subscriber")
        case Posting.MODERATED:
            return Decided(Verdict.HOLD, "stranger")
    return Decided(Verdict.HOLD, "first") if found.first_moderated else Decided(Verdict.TAKE)


def subscriber_named(found: MailingList, email: str) -> Subscriber | None:
    """The subscriber of this address, by whatever name of theirs it was written."""
    try:
        parsed = str(parse_address(email))
        named = recipients.resolve(recipients.parse_all([parsed]))
    except (BadAddress, ValueError):
        return None
    emails = {parsed, *(each.email for each in named)}
    return found.subscribers.filter(email__in=emails).select_related("target").first()


def _is_owner(found: MailingList, sender: str) -> bool:
    return identity_of(found.owner, sender) is not Identity.NONE
