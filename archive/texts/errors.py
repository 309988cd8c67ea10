"""What stops the reading of one attached file."""

from __future__ import annotations


class Unreadable(Exception):
    """Its text can't be had; `reason` is a code of `model`, `text` what was read before."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text
