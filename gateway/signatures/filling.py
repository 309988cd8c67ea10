"""Placeholders of the directory: `{{ title }}`, `{{ mobile | phone }}` (the first that isn't empty), `{{ info.Room }}`.

An empty one takes its line away, so that nobody's signature ends in "Tel.": in text the line; in HTML what stands
between two breaks, the paragraph, the list entry, or the table row when it has nothing else to say. Values are text:
they are escaped, and a link made of one is cleaned again by who calls. Not for whose values (`gateway.services`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from gateway.signatures.pages import Tag, tokens

_PLACEHOLDER = re.compile(r"\{\{\s{0,9}([^{}]{1,200}?)\s{0,9}\}\}")
_NAME = re.compile(r"[a-z_]{1,30}|info\.[A-Za-z][A-Za-z0-9_.-]{0,63}")
NAMES = (
    "name", "first_name", "last_name", "email", "title", "department", "company", "phone", "mobile", "fax", "address",
    "street", "postcode", "city", "country", "location", "website", "pronouns", "domain",
)  # fmt: skip
_INLINE = frozenset(
    {"a", "b", "strong", "i", "em", "u", "s", "span", "font", "small", "sub", "sup", "code", "img", "o:p"}
)
_VOID = frozenset({"br", "hr", "img"})
_ALONE = frozenset({"p", "div", "li", "h1", "h2", "h3", "blockquote", "pre"})
_AROUND = frozenset({"ul", "ol", "tr", "tbody", "thead", "table", "div"})


def unknown_names(text: str) -> list[str]:
    """Placeholders that mean nothing."""
    return [name for name in names_in(text) if name not in NAMES and not name.startswith("info.")]


def names_in(text: str) -> list[str]:
    found: dict[str, None] = {}
    for match in _PLACEHOLDER.finditer(text):
        for part in match[1].split("|"):
            name = part.strip()
            found[name if _NAME.fullmatch(name) else f"?{name}"] = None
    return list(found)


def _value(inside: str, values: Mapping[str, str]) -> str:
    for part in inside.split("|"):
        value = values.get(part.strip(), "") or values.get(part.strip().lower(), "")
        if value.strip():
            return " ".join(value.split())
    return ""


def fill_text(text: str, values: Mapping[str, str]) -> str:
    """The text with its values; lines with an empty one are gone, and so are empty lines where two met."""
    kept: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        found = [_value(match[1], values) for match in _PLACEHOLDER.finditer(line)]
        if found and not all(found):
            continue
        kept.append(_PLACEHOLDER.sub(lambda match: _value(match[1], values), line))
    made = [line for at, line in enumerate(kept) if line.strip() or (at and kept[at - 1].strip())]
    return "\n".join(made).strip("\n")


def fill_html(html: str, values: Mapping[str, str]) -> str:
    """The HTML with its values. It is sanitised before, so well formed; what comes out is for another cleaning."""
    pieces = _Pieces(html)
    for at in range(len(pieces.items)):
        if _has_empty(pieces.items[at], values):
            pieces.remove_line(at)
    return "".join(_filled(piece, values) for piece in pieces.left())


@dataclass(slots=True)
class _Piece:
    text: str
    tag: Tag | None
    is_gone: bool = False


def _has_empty(piece: _Piece, values: Mapping[str, str]) -> bool:
    return not piece.is_gone and any(not _value(match[1], values) for match in _PLACEHOLDER.finditer(piece.text))


def _filled(piece: _Piece, values: Mapping[str, str]) -> str:
    def put(match: re.Match[str]) -> str:
        value = _value(match[1], values)
        if piece.tag is not None and piece.text[: match.start()].endswith(("tel:", "TEL:")):
            value = re.sub(r"[^0-9+*#,;]", "", value)
        return escape(value)

    return _PLACEHOLDER.sub(put, piece.text)


class _Pieces:
    """Tags and texts in order, some of them taken away."""

    def __init__(self, html: str) -> None:
        self.items = [_Piece(html[start:end], tag) for start, end, tag in tokens(html)]

    def left(self) -> Iterator[_Piece]:
        return (piece for piece in self.items if not piece.is_gone)

    def remove_line(self, at: int) -> None:
        """What stands on the line of the piece here, and what then holds nothing any more."""
        start, end = self._edge(at, -1), self._edge(at, 1)
        self._take(start + 1, end)
        first, last = self._tag(start), self._tag(end)
        if last is not None and last.name == "br":
            self.items[end].is_gone = True
        elif first is not None and first.name == "br":
            self.items[start].is_gone = True
        self._remove_empty_around(start, end)

    def _edge(self, at: int, step: int) -> int:
        """The next tag in this direction that ends a line; −1 or the end where there is none."""
        at += step
        while 0 <= at < len(self.items):
            piece = self.items[at]
            if piece.tag is not None and not piece.is_gone and piece.tag.name not in _INLINE:
                return at
            at += step
        return at

    def _take(self, start: int, end: int) -> None:
        """Texts and whole inline elements between two places; a tag whose other half is elsewhere stays."""
        opened: list[int] = []
        for at in range(start, end):
            piece = self.items[at]
            if piece.is_gone:
                continue
            if piece.tag is None or piece.tag.name in _VOID:
                piece.is_gone = True
            elif not piece.tag.closes:
                opened.append(at)
            elif opened:
                self.items[opened.pop()].is_gone = piece.is_gone = True

    def _remove_empty_around(self, start: int, end: int) -> None:
        """The element whose only line this was, then those that it leaves empty; of a table the row."""
        while (pair := self._empty_element(start, end)) is not None:
            start, end = pair
            tag = self._tag(start)
            if tag is None:
                return
            if tag.name in ("td", "th"):
                row = self._row_of(start)
                if row is None:
                    return
                self._clear(*row)
                start, end = row[0], row[1]
            elif tag.name in _ALONE or tag.name in _AROUND:
                self.items[start].is_gone = self.items[end].is_gone = True
            else:
                return

    def _empty_element(self, start: int, end: int) -> tuple[int, int] | None:
        """The element around these places, if there is nothing visible left in it."""
        start, end = self._next(start, -1), self._next(end, 1)
        first, last = self._tag(start), self._tag(end)
        if first is None or last is None or first.closes or not last.closes or first.name != last.name:
            return None
        return start, end

    def _next(self, at: int, step: int) -> int:
        """The next piece in this direction, itself included, that is more than blanks."""
        while 0 <= at < len(self.items):
            piece = self.items[at]
            if not piece.is_gone and (piece.tag is not None or piece.text.strip()):
                return at
            at += step
        return at

    def _tag(self, at: int) -> Tag | None:
        return self.items[at].tag if 0 <= at < len(self.items) else None

    def _row_of(self, at: int) -> tuple[int, int] | None:
        """The row a cell stands in, if its other cells only have words: no picture, no value."""
        start = self._find(at, -1, closes=False)
        end = self._find(at, 1, closes=True)
        if start is None or end is None:
            return None
        for piece in self.items[start:end]:
            if not piece.is_gone and (_PLACEHOLDER.search(piece.text) or (piece.tag and piece.tag.name == "img")):
                return None
        return start, end

    def _find(self, at: int, step: int, *, closes: bool) -> int | None:
        depth = 0
        at += step
        while 0 <= at < len(self.items):
            tag = self._tag(at)
            if tag is not None and tag.name == "table" and not self.items[at].is_gone:
                depth += 1 if tag.closes != closes else -1
                if depth < 0:
                    return None
            if tag is not None and tag.name == "tr" and tag.closes is closes and depth == 0:
                return at
            at += step
        return None

    def _clear(self, start: int, end: int) -> None:
        for piece in self.items[start : end + 1]:
            piece.is_gone = True
