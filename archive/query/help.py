"""The search language explained as data, for the page beside the search box and for the docs; and filters as chips.

Texts are English and marked for translation; the page translates them. Syntax and examples are the language itself.
Not for: rendering.
"""

from __future__ import annotations

from dataclasses import dataclass

from archive.query.errors import gettext_noop
from archive.query.language import to_text
from archive.query.nodes import (
    FILTERS,
    And,
    Days,
    Field,
    Filter,
    HasAttachment,
    HasUnindexed,
    InFolder,
    MessageId,
    Node,
    Not,
    Size,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One way to say something: its form, what it finds, a query to try."""

    syntax: str
    meaning: str
    example: str


ROWS: tuple[Row, ...] = (
    Row(
        "word word",
        gettext_noop("messages with all these words, wherever they stand; case and accents don't matter"),
        "invoice grosse",
    ),
    Row('"a phrase"', gettext_noop("words that follow each other"), '"meeting on monday"'),
    Row("begin*", gettext_noop("words that begin like this (at least 2 letters)"), "invoic*"),
    Row("-word", gettext_noop("messages without the word; also NOT word, and before a phrase, filter or ("), "-draft"),
    Row("a OR b", gettext_noop("either; words side by side bind tighter than OR"), "offer OR invoice"),
    Row("( )", gettext_noop("puts together what belongs together"), "(offer OR invoice) -draft"),
    Row(
        "from: to: cc:",
        gettext_noop("an address (whole, the part before the @, or the domain) or words of the name"),
        "from:alice@example.org",
    ),
    Row(
        "from:example.org",
        gettext_noop("everybody of that domain and those below it; in quotes it is searched as text of the name"),
        "to:example.org",
    ),
    Row("subject:", gettext_noop("words of the subject"), 'subject:"annual report"'),
    Row("body:", gettext_noop("words of the text itself"), "body:password"),
    Row("attachment:", gettext_noop("words of the names and texts of attachments"), "attachment:contract"),
    Row("from:(a OR b)", gettext_noop("parentheses work inside these fields too"), "from:(alice OR bob)"),
    Row("has:attachment", gettext_noop("messages with an attachment"), "has:attachment invoice"),
    Row(
        "has:unindexed",
        gettext_noop(
            "messages with an attachment that could not be read (encrypted, damaged), so its words are missing"
        ),
        "has:unindexed",
    ),
    Row(
        "before: after: on:",
        gettext_noop("days: 2004-01-31, a month 2004-01, a year 2004, today, yesterday, or 7d 2w 3m 1y ago"),
        "after:2004-01 before:2004-03",
    ),
    Row("larger: smaller:", gettext_noop("size of the message: 500k, 1M, 2G, or bytes"), "larger:5M"),
    Row(
        "in:folder",
        gettext_noop("a folder and those below it; in quotes where the name has spaces"),
        'in:"projects/New house"',
    ),
    Row("id:", gettext_noop("the message with this Message-ID"), "id:<20040131.1@example.org>"),
)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that can be taken away: its name ("from"), its value as typed, and the query that is left without it."""

    name: str
    value: str
    negated: bool
    without: str


def chips(node: Node) -> list[Chip]:
    """The filters that stand at the top level of a query, in the order typed."""
    parts = node.children if isinstance(node, And) else (node,)
    found = []
    for place, part in enumerate(parts):
        inner = part.child if isinstance(part, Not) else part
        if isinstance(inner, FILTERS):
            rest = And(parts[:place] + parts[place + 1 :])
            found.append(Chip(*_label(inner), negated=isinstance(part, Not), without=_joined(rest)))
    return found


def _joined(rest: And) -> str:
    """The text of what is left; a single part needs no parentheses around it any more."""
    return to_text(rest.children[0] if len(rest.children) == 1 else rest)


def _label(part: Filter) -> tuple[str, str]:
    match part:
        case Field(name, child):
            return name, to_text(child)
        case HasAttachment():
            return "has", "attachment"
        case HasUnindexed():
            return "has", "unindexed"
        case Days(name, text) | Size(name, text):
            return name, text
        case InFolder(path):
            return "in", path
        case MessageId(value):
            return "id", value
