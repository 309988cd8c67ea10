"""Styles of mail reduced to an allow-list: what is not understood completely is dropped, nothing is repaired.

What comes out holds no escapes, comments, at-rules but @media, and no function but colours, gradients and those
url() that the caller's `Images` accept. Properties that take a box out of its place are not on the list.
"""

from __future__ import annotations

import re
from typing import Protocol


class Images(Protocol):
    """Who decides about remote references, and counts them."""

    def image(self, value: str) -> str | None:
        """The URL to load an image from, None if it may not be loaded."""

    def refuse(self, text: str) -> None:
        """Take note of the references in a text that is dropped."""


MAX_STYLE_CHARS = 20_000
MAX_SHEET_CHARS = 300_000
MAX_RULES = 3_000

_SIDES = ("top", "right", "bottom", "left")
PROPERTIES = frozenset(
    {
        "background", "background-color", "background-image", "background-position", "background-repeat",
        "background-size", "border", "border-collapse", "border-color", "border-radius", "border-spacing",
        "border-style", "border-width", "box-sizing", "caption-side", "clear", "color", "direction", "display",
        "empty-cells", "float", "font", "font-family", "font-size", "font-style", "font-variant", "font-weight",
        "height", "letter-spacing", "line-height", "list-style", "list-style-position", "list-style-type", "margin",
        "max-height", "max-width", "min-height", "min-width", "opacity", "overflow", "overflow-wrap", "overflow-x",
        "overflow-y", "padding", "table-layout", "text-align", "text-decoration", "text-decoration-color",
        "text-decoration-line", "text-indent", "text-overflow", "text-transform", "vertical-align", "visibility",
        "white-space", "width", "word-break", "word-spacing", "word-wrap",
        "border-top-left-radius", "border-top-right-radius", "border-bottom-left-radius",
        "border-bottom-right-radius",
        *(f"{name}-{side}" for name in ("border", "margin", "padding") for side in _SIDES),
        *(f"border-{side}-{what}" for side in _SIDES for what in ("color", "style", "width")),
    }
)  # fmt: skip
_IMAGE_PROPERTIES = {"background", "background-image"}

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
_STRING = r"\"[^\"\\\n]*+\"|'[^'\\\n]*+'"
_DECLARATION = re.compile(
    rf"\s*+([A-Za-z-]{{1,40}}+)\s*+:((?:[^;\"'()\\{{}}<>]++|{_STRING}|\((?:[^()\"'\\{{}}<>]++|{_STRING})*+\))*+)(?:;|\Z)"
)
_VALUE = re.compile(
    rf"""\s*+(?:
        (?P<url>url\(\s*+(?:"(?P<double>[^"\\\n]*+)"|'(?P<single>[^'\\\n]*+)'|(?P<bare>[^"'()\\\s]*+))\s*+\))
      | (?P<function>(?:rgba?|hsla?|linear-gradient|radial-gradient)\(
            (?:[A-Za-z0-9\s.,%\#/+-]|(?:rgba?|hsla?)\([0-9\s.,%/]{{0,60}}+\)){{0,300}}+\))
      | (?P<string>{_STRING})
      | (?P<important>!\s{{0,5}}important\b)
      | (?P<number>[+-]?(?:\d{{1,7}}(?:\.\d{{0,9}})?|\.\d{{1,9}})(?:%|[A-Za-z]{{1,4}}\b)?)
      | (?P<hash>\#[0-9A-Fa-f]{{3,8}}\b)
      | (?P<ident>-?[A-Za-z][A-Za-z0-9_-]{{0,60}}+(?!\())
      | (?P<mark>[,/])
    )\s*+""",
    re.X | re.I,
)
_SELECTOR_CHARS = re.compile(r"[A-Za-z0-9_\-.#*>+~\s]+(?::(?:link|visited|hover|active|first-child|last-child))?", re.I)
_BRACE = re.compile(r"[{}]")
_MEDIA = re.compile(r"[A-Za-z0-9\s():,.\-]{1,200}")


def clean_style(text: str, images: Images) -> str:
    """The declarations of a style attribute (or of a rule) that are allowed, in a normal form."""
    kept: list[str] = []
    text = _COMMENT.sub(" ", text[:MAX_STYLE_CHARS])
    position = 0
    while position < len(text):
        match = _DECLARATION.match(text, position)
        if match is None:
            semicolon = text.find(";", position)
            if semicolon < 0:
                break
            position = semicolon + 1
            continue
        position = match.end()
        name = match[1].lower()
        value = _clean_value(name, match[2], images)
        if value:
            kept.append(f"{name}:{value}")
    return ";".join(kept)


def _clean_value(name: str, text: str, images: Images) -> str:
    """A value whose every token is known, "" if it has another or if nothing is left."""
    tokens: list[str] = []
    position = 0
    while position < len(text):
        match = _VALUE.match(text, position)
        if match is None:
            images.refuse(text[position:])
            return ""
        position = match.end()
        if match["url"]:
            if name not in _IMAGE_PROPERTIES:
                images.refuse(match["url"])
            elif source := images.image(match["double"] or match["single"] or match["bare"] or ""):
                tokens.append(f'url("{source}")')
            continue
        token = match.group().strip()
        if match["string"]:
            token = _quoted(token[1:-1])
        tokens.append(token)
    if name not in PROPERTIES or tokens == ["!important"]:
        return ""
    return " ".join(tokens).replace(" ,", ",")


def _quoted(text: str) -> str:
    return "'" + re.sub(r"[^\w .,\-]", "", text) + "'"


def clean_sheet(text: str, images: Images) -> str:
    """The rules of a <style> block that are simple and allowed; @media blocks keep theirs."""
    text = _COMMENT.sub(" ", text[:MAX_SHEET_CHARS]).replace("<!--", " ").replace("-->", " ")
    out: list[str] = []
    _rules(text, 0, len(text), images, out, nested=False)
    return "\n".join(out)


def _rules(text: str, position: int, end: int, images: Images, out: list[str], *, nested: bool) -> None:
    while position < end and len(out) < MAX_RULES:
        brace = text.find("{", position, end)
        if brace < 0:
            images.refuse(text[position:end])  # an @import at the end
            return
        prelude = text[position:brace]
        if ";" in prelude:  # @import, @charset, @namespace: statements without a block
            statement, _, prelude = prelude.rpartition(";")
            images.refuse(statement)
        prelude = prelude.strip().lstrip("}").strip()
        close = _closing(text, brace, end)
        if prelude.startswith("@"):
            query = prelude[6:].strip()
            if not nested and prelude[:6].lower() == "@media" and _MEDIA.fullmatch(query):
                inner: list[str] = []
                _rules(text, brace + 1, close, images, inner, nested=True)
                if inner:
                    out.append(f"@media {query} {{{' '.join(inner)}}}")
            else:
                images.refuse(text[brace:close])
        else:
            selectors = [part.strip() for part in prelude.split(",")[:100] if _is_selector(part.strip())]
            body = clean_style(text[brace + 1 : close], images)
            if selectors and body:
                out.append(f"{', '.join(selectors)} {{{body}}}")
        position = close + 1


def _is_selector(text: str) -> bool:
    return len(text) <= 300 and _SELECTOR_CHARS.fullmatch(text) is not None


def _closing(text: str, brace: int, end: int) -> int:
    """The brace that closes the one at `brace`, or the end."""
    depth = 0
    for match in _BRACE.finditer(text, brace, end):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return end
