"""Pictures that people upload as logos: recognised by what they are, checked, and written anew from what was checked.

PNG, JPEG and WebP. What comes out holds the picture and nothing else: no comments, places, colour profiles, second
files behind the first. Everything is bounded before it is unpacked, so that a few bytes can't become gigabytes. Pure;
no file name and no declared type is believed. Not for scaling or drawing.
"""

from __future__ import annotations

from domains.logos import jpeg, png, webp
from domains.logos.picture import MOST_BYTES, MOST_PIXELS, MOST_SIDE, BadPicture, Kind, Picture

__all__ = ["MOST_BYTES", "MOST_PIXELS", "MOST_SIDE", "BadPicture", "Kind", "Picture", "read_picture"]

_READERS = ((png.SIGNATURE, png.read), (jpeg.SIGNATURE, jpeg.read), (webp.SIGNATURE, webp.read))


def read_picture(raw: bytes) -> Picture:
    """The picture in these bytes, written anew. Raises: BadPicture."""
    if len(raw) > MOST_BYTES:
        raise BadPicture("large")
    for signature, read in _READERS:
        if raw.startswith(signature):
            return read(raw)
    if _is_markup(raw):
        raise BadPicture("svg")
    raise BadPicture("unknown")


def _is_markup(raw: bytes) -> bool:
    """SVG, or another text that a browser could take for a page (also in UTF-16, also compressed)."""
    start = raw[:1_024].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    return start.startswith((b"<", b"\x1f\x8b"))
