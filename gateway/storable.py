"""Texts of strangers as PostgreSQL can hold them: no NUL, no half surrogates, not longer than the column.

What is replaced is shown as U+FFFD, so that nobody takes it for the sender's own. Not for the bytes of a message.
"""

from __future__ import annotations

import math
from typing import Any

from django.utils.encoding import force_str


def storable(text: str | None, most: int = 1_000_000) -> str:
    """The text, at most so many characters; an ellipsis says that some are missing."""
    if not text:
        return ""
    if type(text) is str and text.isascii() and "\x00" not in text and len(text) <= most:
        return text  # as nearly all are, and there are many
    clean = force_str(text.replace("\x00", "\N{REPLACEMENT CHARACTER}"))
    if not clean.isascii():
        clean = clean.encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def storable_data(value: Any) -> Any:
    """JSON data with every text in it storable; keys too."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_data(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):  # has no JSON
        return None
    return value
