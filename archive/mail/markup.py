"""The words of HTML for the index. Not for showing: `archive.mail.html` makes what a browser may see."""

from __future__ import annotations

import re
from html import unescape

from selectolax.lexbor import LexborHTMLParser

# Beyond this the tree is not built: deep nesting costs memory and, in the tree builder, quadratic time.
MAX_TREE_CHARS = 4_000_000
MAX_OPEN_TAGS = 100_000
_BLOCK = re.compile(
    r"<(?=/?(?:p|div|br|td|th|tr|table|li|ul|ol|dl|dt|dd|h[1-6]|hr|blockquote|pre|center|section|article|"
    r"header|footer|address|form|fieldset|legend|caption|option|select|input|button|textarea|title|body|img)\b)",
    re.I,
)
_SILENT = re.compile(r"<(script|style|template)\b[^>]*+>.*?(?:</\1\s*>|\Z)", re.I | re.S)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_TAG = re.compile(r"<[/!?A-Za-z][^<>]*+>?")
_SPACE = re.compile(r"[ \t\r\f\v\xa0]*\n[ \t\r\f\v\xa0\n]*")
_BLANKS = re.compile(r"[ \t\r\f\v\xa0]{2,}")


def text_of_html(html: str) -> str:
    """The text a reader would see, with the title and the texts of images; blocks on lines of their own."""
    html = _BLOCK.sub("\n<", html.replace("\n", " "))
    if len(html) > MAX_TREE_CHARS or html.count("<") > MAX_OPEN_TAGS:
        text = _without_tree(html)
    else:
        try:
            text = _from_tree(html)
        except Exception:  # the parser is foreign code, and the words matter more than its reasons
            text = _without_tree(html)
    return _BLANKS.sub(" ", _SPACE.sub("\n", text)).strip()


def _from_tree(html: str) -> str:
    tree = LexborHTMLParser(html)
    pieces = [node.text() for node in tree.css("head > title")]
    tree.strip_tags(["script", "style", "template", "head", "noframes"])
    if tree.body is not None:
        pieces.append(tree.body.text())
    for node in tree.css("[alt], [title]"):
        attributes = node.attributes
        pieces += [value for key in ("alt", "title") if (value := attributes.get(key))]
    return "\n".join(pieces)


def _without_tree(html: str) -> str:
    """A single pass over the tags, for HTML too big or too deep for a tree."""
    return unescape(_TAG.sub("", _COMMENT.sub(" ", _SILENT.sub(" ", html))))
