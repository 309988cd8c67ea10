"""The hash tree: its roots are those of RFC 6962, and a proof shows what it says and nothing else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.evidence.tree import Frontier, lead, prove, root_of


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\0" + str(n).encode()).digest() for n in range(count)]


def by_the_book(entries: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if len(entries) <= 1:
        return entries[0] if entries else hashlib.sha256(b"").digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + by_the_book(entries[:k]) + by_the_book(entries[k:])).digest()


@pytest.mark.parametrize("count", [*range(34), 63, 64, 65, 100])
def test_the_growing_root_is_that_of_the_whole_tree_at_every_size(count: int) -> None:
    assert root_of(leaves(count), 0, count) == by_the_book(leaves(count))


def test_the_frontier_knows_the_root_after_every_leaf() -> None:
    edge, entries = Frontier(), leaves(40)
    for at, leaf in enumerate(entries, 1):
        edge.add(leaf)
        assert edge.root() == by_the_book(entries[:at])


@given(st.integers(1, 70), st.data())
def test_the_hashes_beside_any_leaves_lead_to_the_root(count: int, data: st.DataObject) -> None:
    entries = leaves(count)
    wanted = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    nodes = prove(entries, count, wanted)
    assert lead(count, {at: entries[at] for at in wanted}, nodes) == by_the_book(entries)
    other = {at: entries[at] for at in wanted} | {wanted[0]: bytes(32)}
    assert lead(count, other, nodes) != by_the_book(entries)


def test_few_hashes_are_enough_for_one_of_many() -> None:
    entries = leaves(1000)
    assert len(prove(entries, 1000, [417])) <= 10
