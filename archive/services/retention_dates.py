"""Working out from when each message may go and when it goes, and keeping it: after archiving, and with new policies.

It follows the stores: each message once, on what the message itself says, in blocks. A change of the policies goes
through all messages again; a day comes nearer only where two people agreed that it may (`RetentionEdition.shortens`),
and what a locked policy said never does.
Killed anywhere, it goes on where it was: a block and how far it is are written together. Not for deleting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from archive import engines
from archive.keeping import dates
from archive.keeping.policies import Verdict
from archive.models import BLOCK, RetentionBlock, RetentionEdition, RetentionState, Store
from archive.ruling import Keeper
from archive.store.rows import Row

STEP = 2_000
Stop = Callable[[], bool]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Followed:
    """How many messages were worked out, and whether everything is."""

    messages: int
    done: bool


def newest_edition() -> RetentionEdition | None:
    return RetentionEdition.objects.order_by("-pk").first()


def follow(store: Store, *, stop: Stop = lambda: False, progress: Progress = lambda done, total: None) -> Followed:
    """Bring a store's days up to its messages and to the newest policies. Raises: StoreUnavailable, StoreError."""
    done = 0
    while True:
        state, _made = RetentionState.objects.get_or_create(store=store)
        edition = newest_edition()
        if edition is None:
            return Followed(done, True)  # no policy ever: nothing keeps, and nothing goes
        keeper = Keeper(store)
        if keeper.not_understood:
            return Followed(done, False)  # what they cover nobody knows; `retention_run` says so
        last = keeper.opened.catalogue.counter("next_number") - 1
        try:
            if state.edition != edition.pk:
                done += _recompute(keeper, state, edition, last, stop, progress)
            while state.edition == edition.pk and state.number < last and not stop():
                done += _step(keeper, state, edition, last, may_shorten=True, renew=False)
                progress(state.number, last)
        except _Changed:
            continue
        return Followed(done, state.edition == edition.pk and state.number >= last)


def forget(store: Store, numbers: Iterable[int]) -> None:
    """These messages are gone: they have no days any more. Inside a transaction or not; repeating it does no harm."""
    by_block: dict[int, list[int]] = {}
    for number in numbers:
        by_block.setdefault(number // BLOCK, []).append(number % BLOCK)
    for number, places in sorted(by_block.items()):
        with transaction.atomic():
            block = RetentionBlock.objects.select_for_update().filter(store=store, block=number).first()
            if block is None:
                continue
            minimum, maximum, policy, last = block.arrays()
            for at in places:
                minimum[at], maximum[at], policy[at], last[at] = dates.UNKNOWN, dates.NEVER, 0, 0
            block.take(minimum, maximum, policy, last)
            block.save()


def carry(source: Store, store: Store) -> None:
    """What was worked out in `source` goes on counting where `store` holds the same contents now.

    After a merge, when `follow` has worked out what came: no message may go earlier because it lies elsewhere.
    Repeating it does no harm. Raises: StoreUnavailable, StoreError.
    """
    there, here = engines.open_store(source), engines.open_store(store)
    for block in RetentionBlock.objects.filter(store=source).order_by("block"):
        arrays = block.arrays()
        known = [at for at in range(BLOCK) if arrays[0][at] != dates.UNKNOWN]
        rows = there.rows([block.block * BLOCK + at for at in known])
        days = {bytes.fromhex(row.sha256): _days_at(arrays, row.number % BLOCK) for row in rows}
        found = here.catalogue.find_sha256(list(days))
        _raise(store, {number: days[digest] for digest, number in found.items()})


def _days_at(arrays: Sequence[Sequence[int]], at: int) -> tuple[int, ...]:
    return tuple(each[at] for each in arrays)


def _raise(store: Store, days: dict[int, tuple[int, ...]]) -> None:
    """Put off the days of these messages of one store to at least those given; unknown ones stay unknown."""
    for number in sorted({number // BLOCK for number in days}):
        with transaction.atomic():
            block = RetentionBlock.objects.select_for_update().filter(store=store, block=number).first()
            if block is None:
                continue
            minimum, maximum, policy, last = block.arrays()
            for message, (least, most, why, by) in days.items():
                at = message % BLOCK
                if message // BLOCK != number or minimum[at] == dates.UNKNOWN:
                    continue
                if least > minimum[at]:
                    minimum[at], policy[at] = least, why
                if most > maximum[at]:
                    maximum[at], last[at] = most, by
                if minimum[at] > maximum[at]:
                    maximum[at], last[at] = minimum[at], policy[at]
            block.take(minimum, maximum, policy, last)
            block.save()


def begin_anew(store: Store) -> None:
    """Another copy of the store's folder is in its place (restored, or attached again): work all of it out again.

    What is known stays, but of numbers that this copy hasn't given yet: those will be other messages'. What had been
    deleted, and is back, gets its days. Raises: StoreUnavailable, StoreError.
    """
    if not RetentionState.objects.filter(store=store).exists():
        return
    with engines.opened_for_upkeep(store) as opened:
        last = opened.catalogue.counter("next_number") - 1
    with transaction.atomic():
        state = RetentionState.objects.select_for_update().get(store=store)
        before = RetentionEdition.objects.filter(pk__lt=state.edition).order_by("-pk").first()
        state.edition, state.next_number = 0 if before is None else before.pk, 0
        state.number = min(state.number, last)
        state.save()
        RetentionBlock.objects.filter(store=store, block__gt=last // BLOCK).delete()
    forget(store, range(last + 1, (last // BLOCK + 1) * BLOCK))


def is_current(store: Store) -> bool:
    """Whether every message's days are worked out by the policies in force."""
    edition = newest_edition()
    if edition is None:
        return True
    state = RetentionState.objects.filter(store=store).first()
    return state is not None and state.edition == edition.pk


def _recompute(
    keeper: Keeper, state: RetentionState, edition: RetentionEdition, last: int, stop: Stop, progress: Progress
) -> int:
    """All messages by the newest policies; from the beginning where another edition had begun."""
    since = RetentionEdition.objects.filter(pk__gt=state.edition, shortens=True)
    may_shorten = since.exists()
    done = 0
    while state.next_number < last and not stop():
        done += _step(keeper, state, edition, last, may_shorten=may_shorten, renew=True)
        progress(state.next_number, last)
    if state.next_number >= last:
        with transaction.atomic():
            _lock(state, edition)
            state.edition, state.next_number = edition.pk, 0
            state.number = max(state.number, last)
            state.save()
    return done


class _Changed(Exception):  # no error: whoever meets it begins again with what is so now
    """Policies changed, or somebody else went on, in between."""


def _lock(state: RetentionState, edition: RetentionEdition) -> None:
    """Inside a transaction. Raises: _Changed."""
    now = RetentionState.objects.select_for_update().get(pk=state.pk)
    newest = newest_edition()
    same = (now.number, now.next_number, now.edition) == (state.number, state.next_number, state.edition)
    if newest is None or newest.pk != edition.pk or not same:
        raise _Changed


def _step(
    keeper: Keeper, state: RetentionState, edition: RetentionEdition, last: int, *, may_shorten: bool, renew: bool
) -> int:
    """Work out the next messages, within one block, and note how far that is. Raises: _Changed."""
    first = (state.next_number if renew else state.number) + 1
    end = min(last, first + STEP - 1, (first // BLOCK + 1) * BLOCK - 1)
    rows = keeper.opened.rows(range(first, end + 1))
    kept = keeper.judge(rows)
    verdicts = [(row, keeper.verdict(row, kept)) for row in rows]
    doubtful = {number for said in kept for number in said.doubtful}
    with transaction.atomic():
        _lock(state, edition)
        locked = {policy.id for policy in keeper.policies if policy.locked}
        _write(keeper.store, first // BLOCK, verdicts, doubtful, may_shorten=may_shorten, locked=locked)
        if renew:
            state.next_number = end
            state.save(update_fields=["next_number"])
        else:
            state.number = end
            state.save(update_fields=["number"])
    return len(rows)


def _write(
    store: Store, number: int, verdicts: Sequence[tuple[Row, Verdict]], doubtful: set[int], *, may_shorten: bool,
    locked: set[int],
) -> None:  # fmt: skip
    if not verdicts:
        return
    block = RetentionBlock.objects.select_for_update().filter(store=store, block=number).first()
    block = block or RetentionBlock.empty(store, number)
    minimum, maximum, policy, last = block.arrays()
    for row, verdict in verdicts:
        at = row.number % BLOCK
        known = minimum[at] != dates.UNKNOWN
        if row.number in doubtful:
            # It can't be read now, so nobody knows which policies it falls under: what was known before counts.
            if not known:
                maximum[at] = dates.NEVER
            continue
        new_minimum, new_maximum = verdict.minimum, verdict.maximum
        if known and (not may_shorten or policy[at] in locked):
            new_minimum = max(new_minimum, minimum[at])
        if known and (not may_shorten or last[at] in locked):
            new_maximum = max(new_maximum, maximum[at])
        new_maximum = max(new_minimum, new_maximum)
        if new_minimum != minimum[at] or not known:
            policy[at] = verdict.policy
        if new_maximum != maximum[at] or not known or not last[at]:
            last[at] = verdict.last if new_maximum == verdict.maximum else policy[at]
        minimum[at], maximum[at] = new_minimum, new_maximum
    block.take(minimum, maximum, policy, last)
    block.save()
