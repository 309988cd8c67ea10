"""Options about quarantine: what people may release themselves, and what they may ask others to release.

Of several things that keep a message back the strictest counts, not only the one that decided. Infected mail is never
among what people release themselves, whatever is set. Not for administrators: rights say what they may.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from accounts.options import DOWN_TO_DOMAIN, define, resolve_some
from accounts.optiontypes import OptionType
from accounts.strictness import Stricter
from domains.models import Mailbox
from domains.policy.decision import Action, Category
from domains.policy.facts import Direction
from gateway.models import Recipient
from gateway.wording import CATEGORIES

THEMSELVES, ON_REQUEST = "QUARANTINE_SELF_RELEASE", "QUARANTINE_RELEASE_REQUESTS"
KINDS = (
    Category.SPAM,
    Category.ADVERT,
    Category.BLOCKED_SENDER,
    Category.SENDER_VERIFY,
    Category.BAD_HEADERS,
    Category.BAD_ENCODING,
    Category.BAD_ATTACHMENT,
    Category.DLP,
    Category.VIRUS,
)
_USUAL = (
    Category.SPAM, Category.ADVERT, Category.BLOCKED_SENDER, Category.SENDER_VERIFY, Category.BAD_HEADERS,
    Category.BAD_ENCODING,
)  # fmt: skip


class Way(StrEnum):
    """How somebody comes by a message of their own that is in quarantine."""

    ITSELF = "itself"
    REQUEST = "request"
    NOT = "not"


_STRICTNESS = (Way.ITSELF, Way.REQUEST, Way.NOT)


def register() -> None:
    """Define them; called when the app starts."""
    group = _("Quarantine")
    define(
        THEMSELVES, OptionType.LIST, levels=DOWN_TO_DOMAIN, default=[each.value for each in _USUAL], group=group,
        values=[(each.value, CATEGORIES[each]) for each in KINDS if each is not Category.VIRUS],
        label=_("What people may release from quarantine themselves"), strict=Stricter.FEWER_ITEMS,
        help=_("Infected mail is released by administrators only, with a reason."),
    )  # fmt: skip
    define(
        ON_REQUEST, OptionType.LIST, levels=DOWN_TO_DOMAIN, group=group,
        default=[Category.BAD_ATTACHMENT.value, Category.DLP.value],
        values=[(each.value, CATEGORIES[each]) for each in KINDS],
        label=_("What people may ask an administrator to release"),
        help=_("A request waits until somebody who manages quarantine has agreed or declined."),
    )  # fmt: skip


def way_for(recipient: Recipient, *, infected: bool) -> Way:
    """How the owner of a message may come by it; one query. What was delivered may be delivered again."""
    return ways_of(recipient.mailbox).way(recipient, infected=infected)


@dataclass(frozen=True, slots=True)
class Ways:
    """What people of one mailbox may do, once for many messages."""

    themselves: frozenset[str]
    on_request: frozenset[str]

    def way(self, recipient: Recipient, *, infected: bool) -> Way:
        if recipient.action == Action.DELIVER and not infected:
            return Way.ITSELF
        kinds = {Category.VIRUS.value} if infected else _kinds(recipient)
        return max((self._way_of(kind, recipient.direction) for kind in kinds), key=_STRICTNESS.index)

    def _way_of(self, kind: str, direction: str) -> Way:
        if kind in self.themselves and kind != Category.VIRUS:
            # what was kept from leaving is for others to let go: the account may be in wrong hands
            return Way.ITSELF if direction == Direction.INCOMING else Way.REQUEST
        return Way.REQUEST if kind in self.on_request else Way.NOT


def _kinds(recipient: Recipient) -> set[str]:
    """All that keeps a message back: what decided, and whatever else would have if that hadn't spoken.

    A blocked sender's forbidden attachment is a forbidden attachment still.
    """
    said = recipient.decision.get("findings", ())
    count = (each for each in said if not each.get("overruled") and each.get("action") != Action.DELIVER)
    return {recipient.category} | {each["category"] for each in count if each.get("category")}


def ways_of(mailbox: Mailbox | None) -> Ways:
    """What counts for a mailbox; one query."""
    found = resolve_some([THEMSELVES, ON_REQUEST], mailbox)
    return Ways(*(frozenset(found[name].value or ()) for name in (THEMSELVES, ON_REQUEST)))
