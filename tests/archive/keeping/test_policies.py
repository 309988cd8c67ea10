"""Which policy decides, and what a change of the policies takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.keeping.dates import NEVER, NO_MINIMUM, Interval, Reference, first_free_day
from archive.keeping.policies import Criteria, Policy, Shortening, breaks_lock, decide, deciding, shortenings
from archive.query.nodes import All

ARCHIVES = ("ada@example.org", "bob@example.org")
ALL = frozenset(range(100))


def policy(id: int, years: int, **more: Any) -> Policy:
    return Policy(id, f"Policy {id}", years, Interval.YEAR, **more)


def test_the_first_that_fits_decides() -> None:
    invoices, rest = policy(1, 10), policy(2, 3, delete=True)
    assert decide([invoices, rest], ARCHIVES[:1], 0, 0, frozenset({1, 2})).policy == 1
    verdict = decide([invoices, rest], ARCHIVES[:1], 0, 0, frozenset({2}))
    assert (verdict.policy, verdict.minimum, verdict.maximum) == (2, first_free_day(0, 3, Interval.YEAR), 1097)


def test_without_a_policy_it_may_go_and_doesn_t_go_by_itself() -> None:
    disabled = policy(1, 10, enabled=False)
    elsewhere = policy(2, 10, criteria=Criteria(included=frozenset({"eva@example.org"})))
    for policies in ([], [disabled], [elsewhere]):
        verdict = decide(policies, ARCHIVES, 0, 0, ALL)
        assert (verdict.minimum, verdict.maximum, verdict.policy) == (NO_MINIMUM, NEVER, 0)


def test_what_several_mailboxes_hold_is_kept_for_the_longest() -> None:
    for_ada = policy(1, 10, criteria=Criteria(included=frozenset({ARCHIVES[0]})))
    short = policy(2, 1, delete=True)
    one = decide([for_ada, short], [ARCHIVES[1]], 0, 0, ALL)
    both = decide([for_ada, short], ARCHIVES, 0, 0, ALL)
    assert one.maximum == first_free_day(0, 1, Interval.YEAR)
    assert (both.minimum, both.maximum, both.policy) == (first_free_day(0, 10, Interval.YEAR), NEVER, 1)


def test_a_period_counts_from_the_date_that_is_chosen() -> None:
    by_message = policy(1, 1, reference=Reference.MESSAGE_DATE)
    assert decide([by_message], ARCHIVES[:1], 10_000, 0, ALL).minimum == first_free_day(0, 1, Interval.YEAR)
    assert decide([policy(1, 1)], ARCHIVES[:1], 10_000, 0, ALL).minimum == first_free_day(10_000, 1, Interval.YEAR)


def test_criteria_are_one_search() -> None:
    assert Criteria().node() == All()
    words = Criteria(from_="ada@example.org", query="invoice", in_subject=True, in_attachments=True).node()
    assert words == Criteria(query="from:(ada@example.org) (subject:(invoice) OR attachment:(invoice))").node()
    assert Criteria(query="subject:x OR body:y").node() == Criteria(query="subject:x OR body:y").node()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"enabled": False}, Shortening.DISABLED),
        ({"period": 9}, Shortening.PERIOD),
        ({"interval": Interval.MONTH}, Shortening.PERIOD),
        ({"reference": Reference.MESSAGE_DATE}, Shortening.REFERENCE),
        ({"delete": True}, Shortening.DELETES),
        ({"criteria": Criteria(query="invoice")}, Shortening.CRITERIA),
    ],
)
def test_what_weakens_a_policy_shortens_and_a_locked_one_forbids_it(change: dict[str, Any], why: Shortening) -> None:
    before = policy(1, 10)
    after = dataclasses.replace(before, **change)
    assert shortenings([before], [after]) == [(before, why)]
    assert not breaks_lock([before], [after])
    locked = dataclasses.replace(before, locked=True)
    assert breaks_lock([locked], [dataclasses.replace(after, locked=True)])


def test_extending_is_free() -> None:
    before = [policy(1, 10), policy(2, 3, delete=True)]
    longer = [dataclasses.replace(before[0], period=11), dataclasses.replace(before[1], delete=False)]
    assert not shortenings(before, longer)
    assert not shortenings(before, [policy(-1, 12), *before, policy(-2, 1)])
    assert not shortenings([], [policy(-1, 1)])


def test_removing_swapping_and_deleting_anew_shorten() -> None:
    one, two = policy(1, 10), policy(2, 3)
    assert shortenings([one, two], [one]) == [(two, Shortening.GONE)]
    assert shortenings([one, two], [two, one]) == [(one, Shortening.PRECEDED), (two, Shortening.ORDER)]
    locked = dataclasses.replace(one, locked=True)
    assert breaks_lock([locked, two], [two, locked])
    narrow = dataclasses.replace(two, criteria=Criteria(query="invoice"))
    assert breaks_lock([narrow, locked], [two, locked])  # it takes more than it did from the one behind it
    assert not breaks_lock([narrow, locked], [dataclasses.replace(narrow, period=1), locked])
    assert shortenings([one], [policy(-1, 9), one]) == [(one, Shortening.PRECEDED)]
    fresh = policy(-1, 1, delete=True)
    assert shortenings([one], [one, fresh]) == [(fresh, Shortening.NEW_DELETES)]


def test_a_locked_policy_can_be_unlocked_by_nobody() -> None:
    locked = policy(1, 10, locked=True)
    assert breaks_lock([locked], [policy(1, 10)])
    assert breaks_lock([locked], [])
    assert not breaks_lock([locked], [dataclasses.replace(locked, period=20)])


policies = st.builds(
    Policy,
    id=st.integers(1, 6),
    name=st.just("policy"),
    period=st.integers(1, 40),
    interval=st.sampled_from(Interval),
    reference=st.sampled_from(Reference),
    delete=st.booleans(),
    enabled=st.booleans(),
    locked=st.booleans(),
    criteria=st.sampled_from([Criteria(), Criteria(included=frozenset({ARCHIVES[0]})), Criteria(query="invoice")]),
)
orders = st.lists(policies, max_size=5, unique_by=lambda each: each.id)


@st.composite
def changes(draw: st.DrawFn) -> tuple[list[Policy], list[Policy]]:
    """Policies before and after; often close to each other, so that some only extend."""
    before = draw(orders)
    after = [
        dataclasses.replace(each, period=each.period + draw(st.integers(-1, 5)) or 1) if draw(st.booleans()) else each
        for each in before
    ]
    if after and draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(after) - 1))
        after[at] = dataclasses.replace(after[at], criteria=draw(policies).criteria)
    fresh = dataclasses.replace(draw(policies), id=-1, period=draw(st.integers(1, 400)))
    if draw(st.booleans()):
        after.insert(draw(st.integers(0, len(after))), fresh)
    if draw(st.integers(0, 3)) == 0:
        after = draw(st.permutations(after))
    return before, after


messages = st.tuples(
    st.lists(st.sampled_from(ARCHIVES), min_size=1, max_size=2, unique=True),
    st.integers(0, 20_000),
    st.integers(0, 20_000),
    st.frozensets(st.sampled_from([-1, 1, 2, 3, 4, 5, 6])),
)


@settings(max_examples=400, deadline=None)
@given(changes(), st.lists(messages, min_size=1, max_size=20))
def test_what_is_said_to_extend_lets_no_message_go_earlier(
    change: tuple[list[Policy], list[Policy]],
    some: list[tuple[list[str], int, int, frozenset[int]]],
) -> None:
    before, after = change
    if shortenings(before, after):
        return
    for archives, archived, dated, matching in some:
        old = decide(before, archives, archived, dated, matching)
        new = decide(after, archives, archived, dated, matching)
        assert new.minimum >= old.minimum and new.maximum >= old.maximum, (old, new)


@settings(max_examples=400, deadline=None)
@given(changes(), st.lists(messages, min_size=1, max_size=20))
def test_what_a_locked_policy_keeps_no_change_lets_go_earlier(
    change: tuple[list[Policy], list[Policy]],
    some: list[tuple[list[str], int, int, frozenset[int]]],
) -> None:
    before, after = change
    if breaks_lock(before, after):
        return
    for archives, archived, dated, matching in some:
        keeper = deciding(before, archives[0], matching)
        if keeper is not None and keeper.locked:
            old = decide(before, archives[:1], archived, dated, matching)
            new = decide(after, archives[:1], archived, dated, matching)
            assert new.minimum >= old.minimum and new.maximum >= old.maximum, (keeper, old, new)
