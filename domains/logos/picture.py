"""What a checked picture is, how large one may be, and why one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

MOST_BYTES = 512 * 1024
MOST_SIDE = 2_048
MOST_PIXELS = 1_000_000  # 8 MB unpacked at the most

Why = Literal["large", "svg", "unknown", "damaged", "pixels", "animated", "colours"]


class Kind(StrEnum):
    """The kinds of pictures, by their media type."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"


class BadPicture(ValueError):
    """Not a picture that we take; `why` says what is wrong, for whoever has words for it."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was checked and written anew."""

    kind: Kind
    content: bytes
    width: int
    height: int


def check_size(width: int, height: int) -> None:
    """Raises: BadPicture for what has no extent, or too much."""
    if width < 1 or height < 1:
        raise BadPicture("damaged")
    if width > MOST_SIDE or height > MOST_SIDE or width * height > MOST_PIXELS:
        raise BadPicture("pixels")
