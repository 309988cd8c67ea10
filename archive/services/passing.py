"""Copies that the gateway keeps in stores: put in many at once, found again, and taken out when their time is over.

Passing copies (quarantine, recent mail) lie under numbers of their own (`archive.owners`), in no archive; the others
are archived like any mail. One content serves all who have it. Killed at any moment, putting in again finds what is
there already. Not for who may read or delete them, and not for when their time is over (`gateway.keeping`).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO

from django.db.models import Q

from archive import engines, locking
from archive import store as engine
from archive.errors import StoreUnavailable
from archive.models import Compliance, LegalHold, Store
from archive.owners import label_of, passing
from archive.ruling import Keeper
from archive.selectors import Message, open_stores
from archive.store import Row
from archive.store.errors import StoreError
from domains.models import Mailbox

logger = logging.getLogger("postkeep.archive")

PLACED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Wanted:
    """A copy to be kept. `key` is the caller's; `read` gives the bytes, a file at its beginning (which the engine
    closes) for large ones, or None where there is nothing to read any more.
    """

    key: int
    mailbox: Mailbox
    folder: str
    passes: bool
    sha256: bytes
    received_at: datetime
    read: Callable[[], bytes | BinaryIO | None]

    @property
    def owner(self) -> int:
        return passing(self.mailbox.pk) if self.passes else self.mailbox.pk


@dataclass(frozen=True, slots=True)
class Going:
    """A copy whose time is over, and in which store it was put. `shared`: something else needs the very same place."""

    key: int
    store_id: int
    sha256: bytes
    mailbox: int
    folder: str
    passes: bool
    shared: bool = False

    @property
    def owner(self) -> int:
        return passing(self.mailbox) if self.passes else self.mailbox


def keep_copies(store: Store, wanted: Sequence[Wanted]) -> Iterator[tuple[int, int]]:
    """Put copies into a store: (key, number) of each as soon as it is durable (I2); in the end raises what went wrong.

    Archived copies go before passing ones, so that retention sees an archive as soon as the message is there.
    Raises: StoreProtected, StoreUnavailable, StoreError.
    """
    opened = engines.open_writable(store)
    ordered = sorted(wanted, key=lambda each: (each.passes, each.key))
    for owner, address in dict.fromkeys((each.owner, each.mailbox.address) for each in ordered):
        opened.mailbox(owner, label_of(owner, address))
    first: dict[bytes, Wanted] = {}
    for each in ordered:
        first.setdefault(each.sha256, each)
    yield from _bring(opened, list(first.values()))
    rest = [each for each in ordered if first[each.sha256] is not each]
    for at in range(0, len(rest), PLACED_AT_ONCE):
        some = rest[at : at + PLACED_AT_ONCE]
        places = [(opened.ensure_folder(each.owner, each.folder), each.sha256) for each in some]
        for each, number in zip(some, opened.place_known(places), strict=True):
            if number is not None:  # else what it is a copy of could not be brought, and it waits with that
                yield each.key, number


def _bring(opened: engine.Store, contents: Sequence[Wanted]) -> Iterator[tuple[int, int]]:
    """One copy of each content, with its bytes."""
    ingest = engine.Ingest(opened, 0, index="no")
    failure: StoreError | OSError | None = None
    try:
        with ingest:
            for each in contents:
                given = each.read()
                if given is not None:
                    content, spool = (given, None) if isinstance(given, bytes) else (None, given)
                    seconds = int(each.received_at.timestamp())
                    ingest.put(
                        each.folder, content=content, spool=spool, received_at=seconds, token=each.key,
                        mailbox=each.owner,
                    )  # fmt: skip
                yield from _durable(ingest)
    except (StoreError, OSError) as error:
        failure = error  # what is durable counts all the same
    yield from _durable(ingest)
    if failure is not None:
        raise failure


def _durable(ingest: engine.Ingest) -> Iterator[tuple[int, int]]:
    return ((outcome.token, outcome.number) for outcome in ingest.outcomes())


def find_copy(store_id: int | None, number: int | None, sha256: bytes) -> Message | None:
    """A kept copy by its place, or wherever stores that were merged or attached anew have it; None: it is nowhere.

    Whoever calls has asked for the right to it: the answer is a message without an archive. Raises: StoreUnavailable.
    """
    hidden: StoreUnavailable | None = None
    for store in sorted(open_stores(), key=lambda each: each.pk != store_id):
        try:
            opened = engines.open_store(store)
        except StoreUnavailable as error:
            hidden = hidden or error
            continue
        row = opened.row(number) if store.pk == store_id and number is not None else None
        if row is None or bytes.fromhex(row.sha256) != sha256:
            found = opened.catalogue.find_sha256([sha256]).get(sha256)
            row = None if found is None else opened.row(found)
        if row is not None:
            return Message(store, opened, row, None, [])
    if hidden is not None:
        raise hidden
    return None


class Staying(StrEnum):
    """Why a copy is not gone yet."""

    HELD = "held"
    PROTECTED = "protected"
    UNAVAILABLE = "unavailable"


def remove_copies(going: Sequence[Going], *, reason: str, by: str) -> dict[int, Staying]:
    """Take copies out of their folders, in every store that has them (some may have been merged meanwhile).

    Gives the keys of those that stay, and why: by a hold, and for archived ones by policies of retention too. `shared`
    ones are only judged. What is there no more is gone.
    """
    staying: dict[int, Staying] = {}
    with locking.deleting():
        looked = (_look(store, going, staying) for store in open_stores())
        found = [one for one in looked if one is not None]
        known = {store.pk for store, _opened, _copies in found}
        for each in going:
            if each.store_id not in known and Store.objects.filter(pk=each.store_id, detached_at=None).exists():
                staying[each.key] = Staying.UNAVAILABLE
        for store, _opened, copies in found:
            with _or_stay(copies, staying):
                _judge(store, copies, staying)
        for store, opened, copies in found:
            going_there = [(each, row) for each, row in copies if each.key not in staying and not each.shared]
            if going_there:
                with _or_stay(going_there, staying):
                    engines.mark_protected(store)
                    places = [(row.placements[0][0], row.number) for _each, row in going_there]
                    opened.remove_placements(places, reason=reason, by=by)
    return staying


@contextlib.contextmanager
def _or_stay(copies: Sequence[tuple[Going, Row]], staying: dict[int, Staying]) -> Iterator[None]:
    """Where a store fails, its copies stay for now, and the others go their way."""
    try:
        yield
    except (StoreError, StoreUnavailable, OSError) as error:
        logger.warning("copies whose time is over can't be taken out now: %s", error)
        for each, _row in copies:
            staying[each.key] = Staying.UNAVAILABLE


def _look(
    store: Store, going: Sequence[Going], staying: dict[int, Staying]
) -> tuple[Store, engine.Store, list[tuple[Going, Row]]] | None:
    """Which of them a store has, each as that one placement has it; None where it can't be opened."""
    try:
        opened = engines.open_store(store)
        opened.refresh()
        numbers = opened.catalogue.find_sha256(list({each.sha256 for each in going}))
    except (StoreUnavailable, StoreError, OSError):
        return None
    rows = {row.number: row for row in opened.rows(sorted(numbers.values()))}
    copies = []
    for each in going:
        row = rows.get(numbers.get(each.sha256, 0))
        folder = None if row is None else opened.find_folder(each.owner, each.folder)
        if row is not None and folder is not None and (folder, each.owner) in row.placements:
            copies.append((each, replace(row, placements=[(folder, each.owner)])))
            if not store.is_writable:
                staying[each.key] = Staying.PROTECTED
    return store, opened, copies


def _judge(store: Store, copies: Sequence[tuple[Going, Row]], staying: dict[int, Staying]) -> None:
    if not copies:
        return
    keeper = Keeper(store)
    passes = [(each, row) for each, row in copies if each.passes]
    for (each, _row), ruling in zip(passes, keeper.rule_copies([row for _each, row in passes]), strict=True):
        if not ruling.allowed:
            staying.setdefault(each.key, Staying.HELD)
    for each, row in copies:
        if not each.passes and not keeper.rule([row])[row.number].allowed:
            staying.setdefault(each.key, Staying.HELD)


def keeps_strangers_mail() -> bool:
    """Whether a hold on no particular mailbox, or compliance, keeps mail that is nobody's here and in no store.

    What such a hold looks for is not looked for: it keeps all of it.
    """
    holds = LegalHold.objects.filter(state=LegalHold.State.ACTIVE)
    return Compliance.now().legal_hold or holds.filter(Q(everything=True) | Q(mailboxes=None)).exists()
