"""Where an element of XML ends: balanced tags, counted in one walk. Not for what it says; nothing is expanded."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")
_TEXT = re.compile(r"[^<]*")
_TO_QUOTE_OR_END = re.compile(r"[^<>\"']*")


def read_element(text: str, at: int, max_depth: int) -> int | None:
    """The place behind the element that begins at `at`; None where it isn't well-formed or nests too deeply.

    Comments, processing instructions, declarations and sections of characters are no part of this format.
    """
    open_names: list[str] = []
    while True:
        closing = text.startswith("</", at)
        name = _NAME.match(text, at + (2 if closing else 1))
        if text[at : at + 1] != "<" or name is None:
            return None
        ends = _tag_end(text, name.end())
        if ends is None:
            return None
        if closing:
            if not open_names or open_names.pop() != name[0]:
                return None
        elif text[ends - 2] != "/":
            open_names.append(name[0])
            if len(open_names) > max_depth:
                return None
        if not open_names:
            return ends
        after = _TEXT.match(text, ends)
        assert after is not None
        at = after.end()


def _tag_end(text: str, at: int) -> int | None:
    """Behind the `>` of a tag; one within quotes is none."""
    while True:
        found = _TO_QUOTE_OR_END.match(text, at)
        assert found is not None
        at = found.end()
        letter = text[at : at + 1]
        if letter == ">":
            return at + 1
        if letter not in ('"', "'"):  # the end of the text, or another tag within this one
            return None
        at = text.find(letter, at + 1) + 1
        if not at:
            return None
