"""A hash tree over the messages a journal names, in the order in which it names them.

The tree's hash (its root) commits to every message; that one message is in it is shown with a few hashes of its
neighbours. The shape and the prefixes are those of RFC 6962 §2.1 (certificate transparency); a leaf is a text of lines
(`Leaf`) with a salt, so that the neighbours' hashes tell nobody whose mail they know what else is archived. Pure.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the tree says of one message: its number, SHA-256 (hex), bytes and dates, and the journal record with the
    chain after it (hex), which names it. date in seconds, archived in ms since 1970 UTC; salt is 32 hex digits.
    """

    number: int
    sha256: str
    size: int
    date: int
    archived_ms: int
    record: int
    chain: str
    salt: str

    def text(self) -> str:
        """Exactly what is hashed."""
        values = (self.number, self.sha256, self.size, self.date, self.archived_ms, self.record, self.chain, self.salt)
        return "postkeep message\n" + "".join(f"{value}\n" for value in values)

    def hash(self) -> bytes:
        return hashlib.sha256(b"\0" + self.text().encode()).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """The tree's right edge: takes leaves one by one and knows the root at every moment, in memory of log n."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []
        self.count = 0

    def add(self, leaf: bytes) -> None:
        size, top = 1, leaf
        while self._peaks and self._peaks[-1][0] == size:
            top = node(self._peaks.pop()[1], top)
            size *= 2
        self._peaks.append((size, top))
        self.count += 1

    def root(self) -> bytes:
        """Of no leaves: the hash of nothing (RFC 6962)."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        found = self._peaks[-1][1]
        for _size, left in reversed(self._peaks[:-1]):
            found = node(left, found)
        return found


class Hashes(Sequence[bytes]):
    """Leaf hashes that lie in one piece of memory, each at a fixed distance."""

    def __init__(self, data: bytes, count: int, *, stride: int, offset: int = 0) -> None:
        self._data, self._count, self._stride, self._offset = data, count, stride, offset

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at):  # type: ignore[no-untyped-def]  # slices are not needed
        if not 0 <= at < self._count:
            raise IndexError(at)
        start = at * self._stride + self._offset
        return self._data[start : start + HASH_BYTES]


def root_of(hashes: Sequence[bytes], first: int, count: int) -> bytes:
    """The hash of the part of a tree that begins at a leaf."""
    edge = Frontier()
    for at in range(first, first + count):
        edge.add(hashes[at])
    return edge.root()


def prove(hashes: Sequence[bytes], count: int, wanted: Sequence[int]) -> list[bytes]:
    """The hashes that, beside the wanted leaves themselves (ascending), give the root of the first `count` leaves.

    In the order in which a walk from left to right needs them: one for each largest part without a wanted leaf.
    """
    return list(_walk(hashes, wanted, 0, count)) if count else []


def _walk(hashes: Sequence[bytes], wanted: Sequence[int], first: int, count: int) -> Iterator[bytes]:
    at = bisect_left(wanted, first)
    if at == len(wanted) or wanted[at] >= first + count:
        yield root_of(hashes, first, count)
    elif count > 1:
        left = split(count)
        yield from _walk(hashes, wanted, first, left)
        yield from _walk(hashes, wanted, first + left, count - left)


def split(count: int) -> int:
    """How many of so many leaves lie in the left half: the largest power of two below it."""
    return 1 << ((count - 1).bit_length() - 1)


def lead(count: int, leaves: Mapping[int, bytes], nodes: Sequence[bytes]) -> bytes:
    """The root that these leaves (by place, at least one) and the hashes of `prove` give. Raises: ValueError."""
    places, rest = sorted(leaves), iter(nodes)

    def climb(first: int, length: int) -> bytes:
        at = bisect_left(places, first)
        if at == len(places) or places[at] >= first + length:
            found = next(rest, None)
            if found is None:
                raise ValueError("hashes are missing")
            return found
        if length == 1:
            return leaves[first]
        left = split(length)
        return node(climb(first, left), climb(first + left, length - left))

    return climb(0, count)
