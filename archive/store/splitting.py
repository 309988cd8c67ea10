"""A message made ready for a pack: as it stands, or as a recipe with the parts that it shares with others.

Only shapes what `adding` writes. Not for what a part is (`parts`), nor for when which message comes (`ingest`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from .adding import IncomingPart
from .base import OpenStore
from .codec import FRAME_BYTES, RECIPE, Squeezed, squeeze_stream
from .parts import AS_IT_STANDS, LEAST_BYTES, Read, Span, find_parts, plain_pieces, recipe, regrouped

PARTS_SINCE_FORMAT = 3


@dataclass(slots=True)
class Split:
    """A message of `size` bytes that `read(offset, length)` gives, and the parts found in it (none = as it stands)."""

    read: Read
    size: int
    spans: Sequence[Span]

    @classmethod
    def of(cls, read: Read, size: int, store: OpenStore) -> Split:
        """With the parts, where the store has words for them."""
        splits = size >= LEAST_BYTES and store.format >= PARTS_SINCE_FORMAT
        return cls(read, size, find_parts(read, size) if splits else [])

    def recipe(self) -> bytes:
        """All of it at once: only for messages that are held in memory."""
        return b"".join(recipe(self.read, self.size, self.spans))

    def frames(self, store: OpenStore) -> Iterator[Squeezed]:
        """The frames of the message's entry, as a stream."""
        pieces = (
            recipe(self.read, self.size, self.spans) if self.spans
            else (self.read(at, FRAME_BYTES) for at in range(0, self.size, FRAME_BYTES))
        )  # fmt: skip
        frames = squeeze_stream(regrouped(pieces, FRAME_BYTES), store.dictionaries, store.current_dictionary())
        return as_recipe(frames) if self.spans else frames

    def parts(self, store: OpenStore) -> list[IncomingPart]:
        """The parts, each to be compressed when it is written."""
        return [
            IncomingPart(span.sha256, span.size, partial(_frames, self.read, span, store))
            for span in {span.sha256: span for span in self.spans}.values()
        ]


def _frames(read: Read, span: Span, store: OpenStore) -> Iterator[Squeezed]:
    # What was in base64 is seldom like mail: no dictionary.
    number = store.current_dictionary() if span.encoding == AS_IT_STANDS else 0
    return squeeze_stream(plain_pieces(read, span, FRAME_BYTES), store.dictionaries, number)


def as_recipe(frames: Iterator[Squeezed]) -> Iterator[Squeezed]:
    """The same frames, marked as those of a recipe."""
    for frame in frames:
        frame.flags |= RECIPE
        yield frame
