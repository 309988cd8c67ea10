"""Uploaded pictures, decoded and written anew: nothing of the file but its pixels goes into mail.

PNG, JPEG, GIF and WebP in; PNG or JPEG out, as every mail program shows them (of something that moves the first
picture). Sizes are bounded before anything is unpacked.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps

MOST_BYTES = 2 * 1024 * 1024
MOST_PIXELS = 16_000_000
MOST_SIDE = 1_200  # wider ones are made smaller
MOST_WRITTEN = 512 * 1024
# What readers of pictures raise where a file is broken; the pixels are bounded before any is read.
_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, OverflowError, struct.error,
    zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


class BadPicture(Exception):
    """`why`: "large", "unknown", "pixels"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Written:
    """A picture as it is kept. `digest`: SHA-256 of data, in hex."""

    data: bytes
    content_type: str
    width: int
    height: int
    digest: str


def write_anew(raw: bytes) -> Written:
    """Raises: BadPicture."""
    if len(raw) > MOST_BYTES:
        raise BadPicture("large")
    try:
        return _written(raw)
    except BadPicture:
        raise
    except _BROKEN:
        raise BadPicture("unknown") from None


def _written(raw: bytes) -> Written:
    with Image.open(io.BytesIO(raw), formats=_FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise BadPicture("pixels")
        is_photo = opened.format == "JPEG"
        opened.seek(0)
        picture: Image.Image = ImageOps.exif_transpose(opened) or opened
        picture = picture.convert("RGB" if is_photo else "RGBA")
    if max(picture.size) > MOST_SIDE:
        picture.thumbnail((MOST_SIDE, MOST_SIDE))
    for is_jpeg, quality in ((is_photo, 88), (True, 80), (True, 60)):
        data = _bytes_of(picture, is_jpeg=is_jpeg, quality=quality)
        if len(data) <= MOST_WRITTEN:
            kind = "image/jpeg" if is_jpeg else "image/png"
            return Written(data, kind, picture.width, picture.height, hashlib.sha256(data).hexdigest())
    raise BadPicture("large")


def _bytes_of(picture: Image.Image, *, is_jpeg: bool, quality: int) -> bytes:
    out = io.BytesIO()
    if is_jpeg:
        flat = picture
        if picture.mode == "RGBA":
            flat = Image.new("RGB", picture.size, "white")
            flat.paste(picture, mask=picture.getchannel("A"))
        flat.save(out, "JPEG", quality=quality, optimize=True)
    else:
        picture.save(out, "PNG", optimize=True)
    return out.getvalue()
