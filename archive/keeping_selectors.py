"""How long one message is kept, and what says so: from when it may go, when it goes by itself, which policy and which
holds, in whose archive. For the page of a message and the API; who may ask is theirs to know.

Not for deciding (`archive.ruling`).
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass, field

from accounts.actors import Actor
from accounts.permissions import Right
from archive.keeping import dates
from archive.models import RetentionPolicy, Store
from archive.ruling import Keeper
from archive.services.deleting import explain_for
from archive.store.rows import Row


@dataclass(frozen=True, slots=True)
class MailboxDates:
    """What the policies say of it in one archive. policy: the one that decides there; nothing: none does.

    mailbox: its address; nothing for one whose name isn't the asker's to know.
    """

    mailbox: str
    policy: str
    minimum: datetime.date | None
    maximum: datetime.date | None


@dataclass(frozen=True, slots=True)
class MessageDates:
    """minimum: None = at any time; maximum: None = it doesn't go by itself. Each with the policy that says so.

    other_policies: fit too, and stand further back. holds: names, only for who places them; is_held for all.
    reasons: why it stays now, in sentences; none: it may be deleted.
    """

    minimum: datetime.date | None
    minimum_policy: str
    maximum: datetime.date | None
    maximum_policy: str
    today: datetime.date | None
    by_mailbox: list[MailboxDates]
    other_policies: list[str]
    is_held: bool
    holds: list[str]
    reasons: list[str] = field(default_factory=list)


def message_dates(actor: Actor, store: Store, row: Row, *, mailboxes: Collection[int] | None = None) -> MessageDates:
    """What is so now. mailboxes: those whose names the asker may know; None: all.

    Raises: StoreUnavailable, StoreError.
    """
    keeper = Keeper(store)
    ruling = keeper.rule([row])[row.number]
    judged = keeper.judge([row])
    names = dict(RetentionPolicy.objects.values_list("pk", "name"))
    verdicts = keeper.verdicts(row, judged)
    by_mailbox = [
        MailboxDates(
            keeper.archive_of(mailbox) if mailboxes is None or mailbox in mailboxes else "",
            names.get(verdict.policy, ""),
            dates.date_of(verdict.minimum),
            dates.date_of(verdict.maximum),
        )
        for mailbox, verdict in verdicts.items()
    ]
    deciding = {ruling.policy, ruling.last, *(verdict.policy for verdict in verdicts.values())}
    others = [
        policy.name
        for policy, said in zip(keeper.policies, judged, strict=True)
        if policy.enabled and row.number in said.matching and policy.id not in deciding
    ]
    return MessageDates(
        minimum=dates.date_of(ruling.minimum),
        minimum_policy=names.get(ruling.policy, ""),
        maximum=dates.date_of(ruling.maximum),
        maximum_policy=names.get(ruling.last, ""),
        today=dates.date_of(keeper.today),
        by_mailbox=by_mailbox,
        other_policies=others,
        is_held=bool(ruling.holds) or keeper.everything_held,
        holds=[hold.name for hold in ruling.holds] if actor.has(Right.MANAGE_HOLDS) else [],
        reasons=[] if ruling.allowed else explain_for(actor, ruling),
    )
