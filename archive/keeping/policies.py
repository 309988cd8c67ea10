"""Retention policies in their order, and what they say of a message: from when it may go, and when it goes. Pure.

The first enabled policy that fits a message in a mailbox decides about it there: it is kept until the period is over,
and with `delete` it goes then by itself. A message that several mailboxes hold is kept for the longest of them.
Source of the terms: Get/SetRetentionPolicies of the MailStore administration API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from archive.keeping.dates import NEVER, NO_MINIMUM, Interval, Reference, first_free_day, is_longer_or_same
from archive.query.language import parse
from archive.query.nodes import All, And, Node, Or


class Archive(str):
    """The address of an archive, in lower case, and the number of its mailbox."""

    __slots__ = ("number",)
    number: int

    @classmethod
    def of(cls, address: str, number: int) -> Archive:
        made = cls(address.lower())
        made.number = number
        return made


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which messages: all given fields must fit. Archives are named by their address, in lower case.

    query: in the search language, or only in the parts that are switched on. known: which mailbox had which of these
    addresses when that was said; it is meant whatever it is called later.
    """

    from_: str = ""
    to: str = ""
    query: str = ""
    in_subject: bool = False
    in_body: bool = False
    in_attachments: bool = False
    in_attachment_contents: bool = False
    included: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    known: Mapping[str, int] = field(default_factory=dict, compare=False)

    def node(self) -> Node:
        """What a message must say. Raises: QueryError."""
        parts = [_field("from", self.from_), _people(self.to), self._words()]
        said = [part for part in parts if not isinstance(part, All)]
        return All() if not said else said[0] if len(said) == 1 else And(tuple(said))

    def takes(self, archive: str) -> bool:
        """Whether it is about an archive at all.

        A mailbox that was meant stays meant under another address, and who gets the address is meant too; left out is
        only the very one that was, so that another name takes nobody out of a policy.
        """
        number = archive.number if isinstance(archive, Archive) else 0
        if any(self.known[name] == number if name in self.known else name == archive for name in self.excluded):
            return False
        if self.included is None or archive in self.included:
            return True
        return bool(number) and any(self.known.get(name) == number for name in self.included)

    def _words(self) -> Node:
        names = ["subject"] if self.in_subject else []
        names += ["body"] if self.in_body else []
        names += ["attachment"] if self.in_attachments or self.in_attachment_contents else []
        if not names:
            return parse(self.query)
        fields = tuple(_field(name, self.query) for name in names)
        return fields[0] if len(fields) == 1 else Or(fields)


def _field(name: str, text: str) -> Node:
    """Raises: QueryError."""
    return parse(f"{name}:({text})") if text.strip() else All()


def _people(text: str) -> Node:
    return Or((_field("to", text), _field("cc", text))) if text.strip() else All()


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. `id` names it from one order to the next."""

    id: int
    name: str
    period: int
    interval: Interval
    reference: Reference = Reference.ARCHIVE_DATE
    delete: bool = False
    enabled: bool = True
    locked: bool = False
    criteria: Criteria = field(default_factory=Criteria)


@dataclass(frozen=True, slots=True)
class Verdict:
    """From which day a message may go (NO_MINIMUM: at any time) and on which it goes (NEVER: not by itself).

    policy: the id of the one that keeps it longest, 0 for none. last: of the one that says when it goes, or that it
    doesn't; 0 where none says anything.
    """

    minimum: int = NO_MINIMUM
    maximum: int = NEVER
    policy: int = 0
    last: int = 0


NOTHING_SAID = Verdict()


def decide(
    policies: Sequence[Policy], archives: Iterable[str], archived: int, dated: int, matching: frozenset[int]
) -> Verdict:
    """What the policies say of a message: in these archives, archived and dated on these days.

    matching: the ids of the policies whose words the message has.
    """
    verdicts = [_decide(policies, archive, archived, dated, matching) for archive in archives]
    if not verdicts:
        return NOTHING_SAID
    longest = max(verdicts, key=lambda each: each.minimum)
    last = max(verdicts, key=lambda each: (each.maximum, each.policy != 0))
    if longest.minimum > last.maximum:
        last = longest
    return Verdict(longest.minimum, max(last.maximum, longest.minimum), longest.policy, last.policy)


def deciding(policies: Sequence[Policy], archive: str, matching: frozenset[int]) -> Policy | None:
    """The policy that decides in one archive."""
    fits = (each for each in policies if each.enabled and each.id in matching and each.criteria.takes(archive))
    return next(fits, None)


def _decide(policies: Sequence[Policy], archive: str, archived: int, dated: int, matching: frozenset[int]) -> Verdict:
    policy = deciding(policies, archive, matching)
    if policy is None:
        return NOTHING_SAID
    reference = archived if policy.reference is Reference.ARCHIVE_DATE else dated
    minimum = first_free_day(reference, policy.period, policy.interval)
    return Verdict(minimum, minimum if policy.delete else NEVER, policy.id, policy.id)


# --- what a change of the policies takes ---------------------------------------------------------------------------


class Shortening(StrEnum):
    """Why a change lets some message go earlier than before."""

    GONE = "gone"
    DISABLED = "disabled"
    CRITERIA = "criteria"
    PERIOD = "period"
    REFERENCE = "reference"
    DELETES = "deletes"
    ORDER = "order"
    PRECEDED = "preceded"
    NEW_DELETES = "new_deletes"


def shortenings(old: Sequence[Policy], new: Sequence[Policy]) -> list[tuple[Policy, Shortening]]:
    """What in a change may let a message go earlier than before; none: it only extends.

    Told from the policies alone, whatever mail there is, so it holds for mail to come too. An old policy is named where
    it keeps less than it did; a new one where it deletes what nothing deleted.
    """
    found: list[tuple[Policy, Shortening]] = []
    at = {policy.id: place for place, policy in enumerate(new)}
    known = {policy.id for policy in old if policy.enabled}
    was = {policy.id: (place, policy) for place, policy in enumerate(old)}
    before = -1
    for policy in (each for each in old if each.enabled):
        if policy.id not in at:
            found.append((policy, Shortening.GONE))
            continue
        place = at[policy.id]
        found += [(policy, why) for why in _weaker(policy, new[place])]
        if place < before:
            found.append((policy, Shortening.ORDER))
        before = max(before, place)
        # Whoever stands before it and takes messages from it that it didn't take: new, put in force, overtaking, wider.
        ahead = [each for each in new[:place] if each.enabled and _is_new_before(each, policy, was)]
        if any(not _keeps_as_long(each, policy) for each in ahead):
            found.append((policy, Shortening.PRECEDED))
    found += [(each, Shortening.NEW_DELETES) for each in new if each.enabled and each.id not in known and each.delete]
    return found


def _is_new_before(each: Policy, policy: Policy, was: Mapping[int, tuple[int, Policy]]) -> bool:
    place, old = was.get(each.id, (len(was), each))
    return each.id not in was or not old.enabled or place > was[policy.id][0] or each.criteria != old.criteria


def breaks_lock(old: Sequence[Policy], new: Sequence[Policy]) -> list[tuple[Policy, Shortening]]:
    """The locked policies that a change would weaken, or unlock: that is possible for nobody."""
    found = [each for each in shortenings(old, new) if each[0].locked and each[1] != Shortening.NEW_DELETES]
    unlocked = {policy.id for policy in new if not policy.locked}
    return found + [(policy, Shortening.GONE) for policy in old if policy.locked and policy.id in unlocked]


def _weaker(old: Policy, new: Policy) -> list[Shortening]:
    reasons = []
    if not new.enabled:
        reasons.append(Shortening.DISABLED)
    if new.criteria != old.criteria:
        reasons.append(Shortening.CRITERIA)
    if new.reference is not old.reference:
        reasons.append(Shortening.REFERENCE)
    if not is_longer_or_same(new.period, new.interval, old.period, old.interval):
        reasons.append(Shortening.PERIOD)
    if new.delete and not old.delete:
        reasons.append(Shortening.DELETES)
    return reasons


def _keeps_as_long(fresh: Policy, old: Policy) -> bool:
    """Whether what the new one takes from the old one is kept as long, and deleted no earlier."""
    longer = is_longer_or_same(fresh.period, fresh.interval, old.period, old.interval)
    return longer and fresh.reference is old.reference and not fresh.delete
