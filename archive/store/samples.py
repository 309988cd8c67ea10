"""What a dictionary of a store is trained on: a fair sample of the messages that pass. Not for training (`codec`)."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Container, Sequence

SAMPLE_BYTES = 8 << 20
SAMPLE_MESSAGE_BYTES = 64 << 10
GROWTH = 4
SAMPLE_LEAST_BYTES = 1 << 20
SAMPLE_LEAST_MESSAGES = 100


class Samples:
    """A fair sample of the messages that passed, at most SAMPLE_BYTES, and when it is time to train on it again.

    A dictionary trained on the first messages alone leaves a sixth more bytes than one trained over all of them, so
    it is trained again each time the store has grown fourfold.
    """

    def __init__(self, raw_bytes: int, trained_at: int) -> None:
        self._random = random.Random(raw_bytes)  # noqa: S311 - a sample, not a secret
        # With the how-manieth message each one was.
        self._kept: list[tuple[int, bytes]] = []
        self._passed = 0
        self._size = 0
        self._every = 1
        self._raw_bytes = raw_bytes
        self._trained_at = trained_at

    def add(self, content: bytes) -> None:
        self._raw_bytes += len(content)
        self._passed += 1
        if len(content) > SAMPLE_MESSAGE_BYTES or self._random.randrange(self._every):
            return
        self._kept.append((self._passed, content))
        self._size += len(content)
        if self._size > SAMPLE_BYTES:
            self._random.shuffle(self._kept)
            del self._kept[len(self._kept) // 2 :]
            self._size = sum(len(content) for _, content in self._kept)
            self._every *= 2

    def due(self, committed: int, lives: Callable[[Sequence[bytes]], Container[bytes]]) -> list[bytes]:
        """The sample, when it is time to train on it; else nothing.

        Without those of the first `committed` messages that are deleted again, which `lives` leaves out by SHA-256: an
        erased message must not come back in a dictionary.
        """
        grown = self._raw_bytes >= GROWTH * self._trained_at
        enough = len(self._kept) >= SAMPLE_LEAST_MESSAGES and self._size >= SAMPLE_LEAST_BYTES
        if not (grown and enough):
            return []
        self._trained_at = self._raw_bytes
        digests = [hashlib.sha256(content).digest() for _, content in self._kept]
        living = lives(digests)
        return [
            content
            for (passed, content), digest in zip(self._kept, digests, strict=True)
            if passed > committed or digest in living
        ]
