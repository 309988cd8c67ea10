"""The numbers by which stores know whose a folder is. Pure.

A store knows mailboxes by numbers only. Those of this installation's mailboxes are their own ids; beyond lie two ranges
that no mailbox's id comes near: mailboxes of a foreign store whose addresses nobody has here, and, for each mailbox,
one for the copies that only pass: what the gateway holds in quarantine and as recent mail. These are in the same store,
content and holds, and in nobody's archive: no search, folder list, export or retention policy of an archive meets
them. Not for who may read what.
"""

from __future__ import annotations

ELSEWHERE = 1 << 40
NOBODY = ELSEWHERE  # what a recovery brings back of whom nobody knows whose it is (`store.operations.recover`)
PASSING = 1 << 41
_MARK = " (gateway)"


def is_nobodys(number: int) -> bool:
    """Whether no mailbox of this installation can be the owner: rescued mail, and mailboxes that came with a store."""
    return ELSEWHERE <= number < PASSING


def passing(mailbox: int) -> int:
    """The number under which a mailbox's passing copies lie."""
    return PASSING | mailbox


def is_passing(number: int) -> bool:
    return number >= PASSING


def owner_of(number: int) -> int:
    """The mailbox a number is of, for archives and passing copies alike."""
    return number & (PASSING - 1)


def label_of(number: int, address: str) -> str:
    """What a store's journal calls it: the mailbox's address, with a mark where it is its passing copies."""
    return f"{address}{_MARK}" if is_passing(number) else address


def address_of(label: str) -> str:
    """The address in a label."""
    return label.removesuffix(_MARK)
