"""Places on this machine's disk as task arguments, which are JSON and hold text only.

A name may be any bytes (UTF-8 or not); one that is no text is kept as a `file://` URI (RFC 8089), which can't be
mistaken for an absolute path. Not for deciding who may read or write where.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

_URI = "file://"


def text_of(path: Path) -> str:
    """An absolute path as text; any path comes back from `path_of` as it was."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return path.as_uri()
    return str(path)


def path_of(text: str) -> Path:
    """The path that `text_of` wrote down, or that a person did."""
    return Path(os.fsdecode(unquote_to_bytes(text.removeprefix(_URI)))) if text.startswith(_URI) else Path(text)
