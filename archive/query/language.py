"""The search language: parse(text) gives the tree, to_text(tree) the text again.

    query    := group ("OR" group)*                     words side by side bind tighter than OR
    group    := item (["AND"] item)*
    item     := ("-" | "NOT ") item | "(" query ")" | text | filter
    text     := word | begin* | "a phrase"
    filter   := from: to: cc: subject: body: attachment:   followed by a text or by "(" query of texts ")"
              | has:attachment | before: after: on: DAY | larger: smaller: SIZE | in:FOLDER | id:MESSAGE-ID

A colon after anything else is text: http://a.b, 12:30, Re:hello. Only a name that looks like a slip of a known one
(form:, subjet:) or that other programs use (since:, filename:) is refused with the right name, unless "//" follows.
The operators are written in capitals; a lower-case "or" is a word. “…” and „…“ work like "…".

Pure, linear in the length of the text, raises nothing but QueryError. Not for: what a word means to the index
(compile).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from decimal import Decimal

from archive.query.errors import QueryError
from archive.query.nodes import (
    All,
    And,
    Days,
    Field,
    HasAttachment,
    HasUnindexed,
    InFolder,
    MessageId,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Size,
    Span,
    Text,
    Word,
)

__all__ = ["QueryError", "days_of", "looks_like_address", "parse", "size_of", "to_text"]

LONGEST_QUERY = 4_000
DEEPEST = 50
SHORTEST_PREFIX = 2
MOST_PREFIXES = 20

ADDRESS_FIELDS = ("from", "to", "cc")
TEXT_FIELDS = (*ADDRESS_FIELDS, "subject", "body", "attachment")
FIELDS = (*TEXT_FIELDS, "has", "before", "after", "on", "larger", "smaller", "in", "id")
OTHER_PROGRAMS_SAY = {
    "sender": "from",
    "author": "from",
    "recipient": "to",
    "bcc": "cc",
    "title": "subject",
    "text": "body",
    "content": "body",
    "file": "attachment",
    "filename": "attachment",
    "attach": "attachment",
    "since": "after",
    "newer": "after",
    "newer_than": "after",
    "until": "before",
    "older": "before",
    "older_than": "before",
    "date": "on",
    "size": "larger",
    "bigger": "larger",
    "folder": "in",
    "label": "in",
    "path": "in",
    "mid": "id",
    "msgid": "id",
    "messageid": "id",
    "message-id": "id",
}
CLOSING = {'"': '"', "“": "“”", "„": "“”", "”": "“”"}
BREAKS = frozenset('()"“”„')
DAY = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?\Z")
DISTANCE = re.compile(r"([0-9]{1,5})([dwmy])\Z")
SIZE = re.compile(r"([0-9]{1,20}(?:[.,][0-9]{1,9})?)(b|k|kb|kib|m|mb|mib|g|gb|gib|t|tb|tib)?\Z")
POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
# Han, kana and Hangul: one character already says as much as a prefix of letters does.
DENSE_SCRIPTS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")


def parse(text: str) -> Node:
    """The tree of a typed query; All for an empty one. Raises QueryError with the place, nothing else."""
    if len(text) > LONGEST_QUERY:
        raise QueryError("too_long", LONGEST_QUERY, len(text) - LONGEST_QUERY, limit=LONGEST_QUERY)
    return _Parser(text).query()


def days_of(text: str, today: datetime.date) -> tuple[datetime.date, datetime.date] | None:
    """First and last day that a date text names (2004-01 is a month, 7d the day seven days ago); None if it is none."""
    if text in ("today", "yesterday"):
        day = _back(today, days=int(text == "yesterday"))
        return day, day
    if found := DISTANCE.match(text):
        number, unit = int(found[1]), found[2]
        day = {
            "d": lambda: _back(today, days=number),
            "w": lambda: _back(today, days=7 * number),
            "m": lambda: _back(today, months=number),
            "y": lambda: _back(today, months=12 * number),
        }[unit]()
        return day, day
    return _calendar(DAY.match(text))


def size_of(text: str) -> int | None:
    """Bytes that a size text names; k, M, G, T are powers of 1024 however they are written; None if it is none."""
    found = SIZE.match(text.lower())
    if not found:
        return None
    return int(Decimal(found[1].replace(",", ".")) * 1024 ** POWERS[(found[2] or "")[:1]])


def to_text(node: Node) -> str:
    """A query text that parses to this (parsed) tree."""
    match node:
        case And(children):
            return " ".join(_grouped(child, And, Or) for child in children)
        case Or(children):
            return " OR ".join(_grouped(child, Or) for child in children)
        case Not(child):
            return "-" + _grouped(child, And, Or)
        case Field(name, child):
            return f"{name}:{_grouped(child, And, Or, Not)}"
        case _:
            return _leaf_text(node)


def _grouped(node: Node, *kinds: type) -> str:
    return f"({to_text(node)})" if isinstance(node, kinds) else to_text(node)


def _leaf_text(node: Node) -> str:
    match node:
        case Word(text):
            return text
        case Prefix(text):
            return text + "*"
        case Phrase(text):
            return _quoted(text)
        case HasAttachment():
            return "has:attachment"
        case HasUnindexed():
            return "has:unindexed"
        case Days(name, text) | Size(name, text):
            return f"{name}:{text}"
        case InFolder(path):
            return f"in:{path if _is_run(path) else _quoted(path)}"
        case MessageId(value):
            if _is_run(value):
                return f"id:{value}"
            return f"id:{_quoted(value)}" if ">" in value or any(map(str.isspace, value)) else f"id:<{value}>"
        case _:
            return ""


def _quoted(text: str) -> str:
    return f"“{text}”" if '"' in text else f'"{text}"'


def _is_run(text: str) -> bool:
    return not any(char in BREAKS or char.isspace() for char in text)


def _bare(text: str, edges: str) -> str:
    """The text without spaces and those characters at both ends."""
    start, end = 0, len(text)
    while start < end and (text[start] in edges or text[start].isspace()):
        start += 1
    while start < end and (text[end - 1] in edges or text[end - 1].isspace()):
        end -= 1
    return text[start:end]


def looks_like_address(text: str) -> bool:
    """Whether a word after from:, to: or cc: is (part of) an address rather than of a name."""
    return "@" in text or "." in text.strip(".")


def _last_letters(text: str) -> str:
    """The letters and digits at the end, at most as many as a prefix needs."""
    last = text[-SHORTEST_PREFIX:]
    while not last.isalnum() and last:
        last = last[1:]
    return last


def _back(today: datetime.date, *, days: int = 0, months: int = 0) -> datetime.date:
    """The day that long ago, not before the calendar begins; 31 March less one month is the end of February."""
    if months:
        month = today.year * 12 + today.month - 1 - months
        if month < 12:
            return datetime.date.min
        first = datetime.date(month // 12, month % 12 + 1, 1)
        return first.replace(day=min(today.day, _last_of_month(first).day))
    return datetime.date.fromordinal(max(1, today.toordinal() - days))


def _last_of_month(day: datetime.date) -> datetime.date:
    if day.month == 12:
        return day.replace(day=31)
    return day.replace(month=day.month + 1, day=1) - datetime.timedelta(days=1)


def _calendar(found: re.Match[str] | None) -> tuple[datetime.date, datetime.date] | None:
    if not found:
        return None
    try:
        first = datetime.date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return None
    if found[3]:
        return first, first
    return first, _last_of_month(first if found[2] else first.replace(month=12))


def _is_slip(name: str, known: str) -> bool:
    """One letter missing, too many, other, or two swapped; of short names nothing is a slip (no:5 is not on:5)."""
    if min(len(name), len(known)) < 4 or abs(len(name) - len(known)) > 1:
        return False
    start = 0
    while start < min(len(name), len(known)) and name[start] == known[start]:
        start += 1
    a, b = name[start:], known[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _meant(name: str) -> str | None:
    return OTHER_PROGRAMS_SAY.get(name) or next((known for known in FIELDS if _is_slip(name, known)), None)


class _Parser:
    """One pass from left to right, one function per line of the grammar; `at` is the next character to read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.prefixes = 0
        self.field = ""  # the text field whose value is being read

    def query(self) -> Node:
        self._skip_space()
        if self.at == len(self.text):
            return All()
        node = self._any_of()
        if self.at < len(self.text):
            raise QueryError("unopened_parenthesis", self.at, 1)
        return node

    def _any_of(self) -> Node:
        items = [self._all_of()]
        while self._run() == "OR":
            self._operand_must_follow("OR")
            items.append(self._all_of())
        return items[0] if len(items) == 1 else Or(tuple(items))

    def _all_of(self) -> Node:
        items = [self._item()]
        while not self._at_end() and (run := self._run()) != "OR":
            if run == "AND":
                self._operand_must_follow("AND")
            items.append(self._item())
        return items[0] if len(items) == 1 else And(tuple(items))

    def _item(self) -> Node:
        start, char, run = self.at, self.text[self.at], self._run()
        if char == ")":
            raise QueryError("unopened_parenthesis", start, 1)
        if run in ("OR", "AND"):
            raise QueryError("operator_alone", start, len(run), operator=run)
        if run == "NOT" or char == "-":
            node = self._nested(start, self._negated)
        elif char == "(":
            node = self._nested(start, self._group)
        elif char in CLOSING:
            node = Phrase(self._phrase(), (start, self.at))
        elif (colon := run.find(":")) > 0 and self._is_field(run, colon):
            node = self._filter(run[:colon].lower(), start)
        else:
            node = self._word(run)
        self._skip_space()
        return node

    def _nested(self, start: int, read: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise QueryError("too_deep", start, 1, limit=DEEPEST)
        node = read()
        self.depth -= 1
        return node

    def _negated(self) -> Node:
        start = self.at
        if self.text[start] == "-":
            self.at += 1
            if self._at_end() or self.text[self.at].isspace():
                raise QueryError("minus_alone", start, 1)
        else:
            self.at += 3
            self._skip_space()
            if self._at_end():
                raise QueryError("not_alone", start, 3)
        return Not(self._item())

    def _group(self) -> Node:
        start = self.at
        self.at += 1
        self._skip_space()
        if self.text[self.at : self.at + 1] == ")":
            raise QueryError("empty_parenthesis", start, self.at + 1 - start)
        if self.at == len(self.text):
            raise QueryError("unclosed_parenthesis", start, 1)
        node = self._any_of()
        if self.at == len(self.text):
            raise QueryError("unclosed_parenthesis", start, 1)
        self.at += 1
        return node

    def _phrase(self) -> str:
        """The text between quotation marks; one that holds no letter is refused here, an index never sees it."""
        start = self.at
        content = self._quoted_value()
        if not any(map(str.isalnum, content)):
            code = "no_letters" if content.strip() else "empty_phrase"
            raise QueryError(code, start, self.at - start, **({"word": content} if content.strip() else {}))
        return content

    def _quoted_value(self) -> str:
        start, closing = self.at, CLOSING[self.text[self.at]]
        end = start + 1
        while end < len(self.text) and self.text[end] not in closing:
            end += 1
        if end == len(self.text):
            raise QueryError("unclosed_quote", start, 1)
        self.at = end + 1
        return self.text[start + 1 : end]

    def _word(self, run: str) -> Text:
        span = (self.at, self.at + len(run))
        self.at = span[1]
        stem = run[:-1] if run.endswith("*") else run
        if not any(map(str.isalnum, stem)):
            raise QueryError("no_letters", span[0], len(run), word=run)
        if "*" in stem:
            raise QueryError("star_inside", span[0], len(run), word=run)
        return Word(run, span) if stem == run else self._prefix(stem, span)

    def _prefix(self, stem: str, span: Span) -> Prefix:
        whole = self.field in ADDRESS_FIELDS and looks_like_address(stem)
        last = _bare(stem, "@.") if whole else _last_letters(stem)
        if 0 < len(last) < SHORTEST_PREFIX and not DENSE_SCRIPTS.match(last):
            raise QueryError("prefix_too_short", span[0], span[1] - span[0], word=stem + "*", limit=SHORTEST_PREFIX)
        self.prefixes += 1
        if self.prefixes > MOST_PREFIXES:
            raise QueryError("too_many_prefixes", span[0], span[1] - span[0], limit=MOST_PREFIXES)
        return Prefix(stem, span)

    def _is_field(self, run: str, colon: int) -> bool:
        name = run[:colon].lower()
        if name in FIELDS:
            if self.field:
                raise QueryError("field_inside_field", self.at, colon + 1, name=name)
            return True
        if not run.startswith("//", colon + 1) and (suggestion := _meant(name)):
            raise QueryError("unknown_field", self.at, colon + 1, name=run[:colon], suggestion=suggestion)
        return False

    def _filter(self, name: str, start: int) -> Node:
        self.at += len(name) + 1
        if self._at_end() or self.text[self.at].isspace():
            raise QueryError("empty_field", start, len(name) + 1, name=name)
        if name in TEXT_FIELDS:
            self.field = name
            child = self._field_text()
            self.field = ""
            return Field(name, child, (start, self.at))
        value = self._value(name, start)
        span = (start, self.at)
        match name:
            case "has":
                return self._has(value, span)
            case "in":
                return InFolder(value, span)
            case "id":
                return MessageId(value, span)
            case "larger" | "smaller":
                size_bytes = size_of(value)
                if size_bytes is None:
                    raise self._bad("bad_size", name, value, span)
                return Size(name, value, size_bytes, span)
            case _:
                if days_of(value.lower(), datetime.date.min) is None:
                    raise self._bad("bad_date", name, value, span)
                return Days(name, value.lower(), span)

    def _field_text(self) -> Node:
        char = self.text[self.at]
        if char == "(":
            return self._nested(self.at, self._group)
        if char in CLOSING:
            start = self.at
            return Phrase(self._phrase(), (start, self.at))
        return self._word(self._run())

    def _value(self, name: str, start: int) -> str:
        """A plain value: a run, or between quotation marks; a Message-ID may stand in its angle brackets."""
        char = self.text[self.at]
        if char in CLOSING:
            value = self._quoted_value()
        elif name == "id" and (found := re.compile(r"<([^>\s]*)>").match(self.text, self.at)):
            value, self.at = found[1], found.end()
        else:
            value = self._run()
            self.at += len(value)
        value = _bare(value, {"id": "<>", "in": "/"}.get(name, ""))
        if not value:
            raise QueryError("empty_field", start, max(self.at - start, len(name) + 1), name=name)
        return value

    def _has(self, value: str, span: Span) -> Node:
        if value.lower() == "unindexed":
            return HasUnindexed(span)
        if value.lower() not in ("attachment", "attachments"):
            raise self._bad("bad_has", "has", value, span)
        return HasAttachment(span)

    def _bad(self, code: str, name: str, value: str, span: Span) -> QueryError:
        start = span[0] + len(name) + 1
        return QueryError(code, start, span[1] - start, value=value)

    def _operand_must_follow(self, operator: str) -> None:
        start = self.at
        self.at += len(operator)
        self._skip_space()
        if self._at_end():
            raise QueryError("operator_alone", start, len(operator), operator=operator)

    def _at_end(self) -> bool:
        return self.at == len(self.text) or self.text[self.at] == ")"

    def _run(self) -> str:
        """The characters up to the next space, parenthesis or quotation mark; the place does not move."""
        end = self.at
        while end < len(self.text) and self.text[end] not in BREAKS and not self.text[end].isspace():
            end += 1
        return self.text[self.at : end]

    def _skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
