"""The text of a signature's HTML, for the text part: lines as they are seen, links with where they lead. No tree."""

from __future__ import annotations

import re
from html import unescape

from gateway.signatures.pages import Tag, tokens

_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
_LINES = frozenset({"p", "div", "tr", "table", "ul", "ol", "h1", "h2", "h3", "blockquote", "pre"})
_APART = frozenset({"p", "table", "ul", "ol", "h1", "h2", "h3", "blockquote"})
WIDTH_OF_RULE = 20


def text_of(html: str) -> str:
    """Lines with LF, no empty line at either end, at most one between two others."""
    writer = _Writer()
    for start, end, tag in tokens(html):
        if tag is None:
            writer.say(unescape(html[start:end]))
        else:
            writer.pass_tag(tag)
    return writer.text()


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = [""]
        self.link = ""
        self.since_link = ""
        self.alts: list[str] = []  # what pictures are called, for a signature of nothing else

    def say(self, text: str) -> None:
        words = " ".join(text.replace("\xa0", " ").split())
        lead = " " if text[:1].isspace() or text[:1] == "\xa0" else ""
        tail = " " if words and (text[-1:].isspace() or text[-1:] == "\xa0") else ""
        if self.lines[-1] == "":
            lead = ""
        self.lines[-1] += lead + words + tail
        self.since_link += words

    def pass_tag(self, tag: Tag) -> None:
        name = tag.name
        if name == "br":
            self.lines.append("")
        elif name == "hr":
            self._new_line()
            self.lines[-1] = "-" * WIDTH_OF_RULE
            self.lines.append("")
        elif name == "li":
            self._new_line()
            if not tag.closes:
                self.lines[-1] = "- "
        elif name in _LINES:
            self._new_line(apart=name in _APART)
        elif name in ("td", "th") and not tag.closes and self.lines[-1].strip():
            self.lines[-1] = self.lines[-1].rstrip() + " "
        elif name == "img" and (alt := _ALT.search(tag.attributes)):
            self.alts.append(unescape(alt[1] or alt[2] or ""))
        elif name == "a":
            self._link(tag)

    def _link(self, tag: Tag) -> None:
        if not tag.closes:
            found = _HREF.search(tag.attributes)
            self.link = unescape(found[1] or found[2] or found[3] or "") if found else ""
            self.since_link = ""
            return
        target = self.link
        bare = re.sub(r"^(?:https?://|mailto:|tel:)(?:www\.)?", "", target).rstrip("/")
        said = self.since_link.replace(" ", "")
        if target.startswith("http") and bare not in said:
            self.lines[-1] = f"{self.lines[-1].rstrip()} <{target}>"
        self.link = ""

    def _new_line(self, *, apart: bool = False) -> None:
        if self.lines[-1].strip():
            self.lines.append("")
        if apart and len(self.lines) > 1 and self.lines[-2].strip():
            self.lines.append("")

    def text(self) -> str:
        lines = [line.rstrip() for line in self.lines]
        kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
        return "\n".join(kept).strip("\n") or " ".join(filter(None, self.alts))
