"""Where a signature goes into HTML: above what is quoted at its end, else at the end of the body. Builds no tree.

One pass of patterns that can't run back, over text as mail programs write it, well formed or not. Everything that is
not put in stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from gateway.signatures import quoting
from gateway.signatures.texts import Spot

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^<>]{0,2000}+>"
    r"|<(script|style|title|textarea|template|noscript)\b[^<>]{0,4000}+>.*?(?:</\1\s{0,9}>|\Z)"
    r"|<(/?)([A-Za-z][A-Za-z0-9:-]{0,30}+)((?:[^<>\"']++|\"[^\"]{0,8000}+\"|'[^']{0,8000}+'){0,100}+)/?>",
    re.S | re.I,
)
_ATTRIBUTE = re.compile(r"([A-Za-z-]{1,30}+)\s{0,9}=\s{0,9}(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))")
_BLOCKS = frozenset(
    {
        "address", "article", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt", "fieldset", "footer",
        "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section",
        "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
# Openers that belong to what they are followed by: the quotation is put off with them.
_OPENERS = frozenset({"div", "p", "span", "font", "b", "strong", "i", "em", "u", "center", "hr", "o:p", "section", "a"})
_VISIBLE = frozenset({"img", "video", "audio", "object", "embed", "iframe", "input", "button", "svg"})
_BELOW = re.compile(
    r"(?:x_)*(?:divRplyFwdMsg|appendonsend|mail-editor-reference-message-container|ms-outlook-mobile-reply\w*|"
    r"OLK_SRC_BODY_SECTION|stopSpelling|zwchr|yahoo_quoted\w*|moz-forward-container|protonmail_quote|"
    r"wmQuoteWrapper|replySplit|ymail_android_signature_quote|oriMsgHtmlSeperator|isForwardContent)",
    re.I,
)
_STARTS = re.compile(
    r"(?:\w{0,40}_)?(?:gmail_quote(?:_container)?|gmail_extra_quote|reply-intro|moz-cite-prefix)", re.I
)
_SAYS = re.compile(r"(?:\w{0,40}_)?(?:gmail_attr|moz-cite-prefix|reply-intro|OutlookMessageHeader)", re.I)
_CITED = re.compile(r"\bcite\b|quote|border-left", re.I)
MOST_CHARS = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tag:
    start: int
    end: int
    name: str
    closes: bool
    attributes: str

    def names(self) -> Iterator[str]:
        """What it is called: its id, its classes, its name."""
        for name, *values in _ATTRIBUTE.findall(self.attributes):
            if name.lower() in ("id", "class", "name"):
                yield from "".join(values).split()


def tokens(html: str) -> Iterator[tuple[int, int, Tag | None]]:
    """Pieces of text (with None) and tags, in order. Comments, scripts and the head are left out."""
    at = 0
    for match in _TOKEN.finditer(html):
        if match.start() > at:
            yield at, match.start(), None
        if match[3] is not None:
            tag = Tag(match.start(), match.end(), match[3].lower(), bool(match[2]), match[4])
            yield tag.start, tag.end, tag
        at = match.end()
    if at < len(html):
        yield at, len(html), None


def spot_in(html: str) -> Spot:
    """Before the quotation at the end, else before `</body>`."""
    return _Look(html).run()


class _Look:
    """One pass. `starter`: where the quotation begins after which nothing own has come."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.starter: int | None = None
        self.quoted = 0  # open blockquotes that quote
        self.plain = 0  # those inside them, or that only indent
        self.stack: list[bool] = []
        self.line: list[str] = []
        self.line_start = 0
        self.opened: int | None = None  # where the openers directly before here begin
        self.saying: list[str] = []  # the element that introduces a quotation, and the same ones inside it
        self.fields: list[int] = []  # where the lines of a repeated header begin
        self.tables: list[tuple[int, bool]] = []
        self.introduced = False
        self.end: int | None = None

    def run(self) -> Spot:
        for start, end, tag in tokens(self.html):
            below = self._text(start, end) if tag is None else self._tag(tag)
            if below is not None:
                return Spot(self.starter if self.starter is not None else self._outside(below), True)
        below = self._end_line(len(self.html))
        if below is not None and self.starter is None:
            self.starter = self._outside(below)
        if self.starter is not None:
            return Spot(self.starter, True)
        return Spot(len(self.html) if self.end is None else self.end, False)

    # --- what comes by ---

    def _text(self, start: int, end: int) -> int | None:
        text = self.html[start:end]
        if not text.strip() or self.quoted:
            return None
        if not self.line:
            lead = len(text) - len(text.lstrip())
            self.line_start = self.opened if self.opened is not None else start + lead
        self.line.append(text)
        if text.strip("\xa0 \r\n\t").replace("&nbsp;", ""):
            self.opened = None
        return None

    def _tag(self, tag: Tag) -> int | None:
        name = tag.name
        if name in _BLOCKS:
            below = self._end_line(tag.start)
            if below is not None:
                return below
        if name in ("body", "html") and tag.closes:
            if self.end is None or name == "body":
                self.end = tag.start
        elif name == "blockquote":
            self._blockquote(tag)
        elif name in ("table", "td", "th", "tr"):
            self._table(tag)
        elif name in _VISIBLE and not tag.closes and not self.quoted and not self.saying:
            self._own()
        if not tag.closes and not self.quoted and any(_BELOW.fullmatch(each) for each in tag.names()):
            return tag.start if self.opened is None else self.opened
        self._note_names(tag)
        self._note_opener(tag)
        return None

    def _note_names(self, tag: Tag) -> None:
        if self.saying:
            if tag.name == self.saying[0]:
                self.saying.pop() if tag.closes else self.saying.append(tag.name)
            return
        if tag.closes or self.quoted:
            return
        names = list(tag.names())
        if any(_STARTS.fullmatch(each) for each in names):
            self._starts(tag.start)
        if tag.name != "br" and any(_SAYS.fullmatch(each) for each in names):
            self.saying = [tag.name]
            self._starts(tag.start)

    def _note_opener(self, tag: Tag) -> None:
        if tag.closes or tag.name not in _OPENERS:
            self.opened = None
        elif self.opened is None:
            self.opened = tag.start

    def _blockquote(self, tag: Tag) -> None:
        if tag.closes:
            if self.stack and self.stack.pop():
                self.quoted -= 1
                self.introduced = False
            return
        cites = bool(self.quoted or self.introduced or _CITED.search(tag.attributes))
        self.stack.append(cites)
        if cites:
            if not self.quoted:
                self._starts(tag.start)
            self.quoted += 1

    def _table(self, tag: Tag) -> None:
        if tag.name == "table":
            if not tag.closes:
                self.tables.append((tag.start, False))
            elif self.tables:
                self.tables.pop()
        elif self.tables:
            inside = tag.name in ("td", "th") and not tag.closes
            self.tables[-1] = (self.tables[-1][0], inside)

    # --- what follows from it ---

    def _own(self) -> None:
        """Something the person wrote: what was quoted before it is not the end."""
        self.starter, self.introduced, self.fields = None, False, []

    def _starts(self, at: int) -> None:
        if self.starter is None:
            self.starter = self._outside(at if self.opened is None else self.opened)

    def _outside(self, at: int) -> int:
        """Not between the rows and cells of a table."""
        if self.tables and not self.tables[-1][1]:
            return min(at, self.tables[-1][0])
        return at

    def _end_line(self, at: int) -> int | None:
        """A line is whole. Where everything quoted begins, if it says so."""
        if not self.line:
            return None
        text = " ".join(unescape("".join(self.line)).replace("\xa0", " ").split())
        self.line = []
        if not text:
            return None
        if quoting.is_banner(text):
            return self.line_start
        if self.fields or quoting.is_from(text):
            if not self.fields or quoting.is_other_field(text):
                self.fields.append(self.line_start)
            if len(self.fields) >= 3:
                return self.fields[0]
            if len(self.fields) > 1 or quoting.is_from(text):
                self._maybe_a_field()
                return None
        if self.saying:
            self.introduced = True
            return None
        if quoting.introduces(text):
            self._starts_at_line()
            self.introduced = True
            return None
        self._own()
        return None

    def _maybe_a_field(self) -> None:
        """A line that looks like one of a header: own until two more follow."""
        kept = self.fields
        self._own()
        self.fields = kept

    def _starts_at_line(self) -> None:
        if self.starter is None:
            self.starter = self._outside(self.line_start)
