"""From the tree of a query to a query of the index, exact: the same messages as reading every one of them would give.

How the parts of the language meet the fields of the index (archive/store/index.py):

- a text is split by the analyzer; several words (foo-bar, a@b.c) must follow each other in one field;
- a bare text is looked for in body, head (subject, addresses, attachment names) and attachment;
- from: to: cc: with an @ or a dot in an unquoted word is an address: whole (a@b.org), local part (a.b, a@) or domain
  (b.org, @b.org, and those below it), and nothing that merely contains it (b.org does not find b.org.uk). A word
  without either, or anything in quotation marks, is text of the names and addresses;
- begin* runs over the sorted words of the index; in a word of several pieces (foo-ba*) the last one is the open one,
  and the index refuses it, when it searches, if more than 16,384 words begin so: explain_refusal says it in our words;
- words of 64 bytes and more are not in the index: such a word is refused and named, never silently dropped.

No score is asked for here: sorting by date makes the index skip scores, by relevance uses its own (BM25).
Not for: rights (the caller ANDs the folders a person may read), reading text (language).
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tantivy
from tantivy import FieldType, Occur, Query

from archive.query.analysis import TOO_LONG_BYTES, UNSPACED, longest_run_bytes, prepare, words_of
from archive.query.errors import QueryError
from archive.query.language import days_of, looks_like_address
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
    Text,
    Word,
)

BARE_FIELDS = ("body", "head", "attachment")
ADDRESS_FIELDS = {"from": "address_from", "to": "address_to", "cc": "address_cc"}
LARGEST = 2**63 - 1
LONGEST_MESSAGE_ID = 1000  # what the index keeps of one
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def compile_query(
    node: Node,
    schema: tantivy.Schema,
    analyze: Callable[[str], list[str]],
    *,
    folder_numbers: Callable[[str], list[int]],
    zone: datetime.tzinfo = datetime.UTC,
    now: datetime.datetime | None = None,
) -> Query:
    """The index query of a tree.

    analyze: the index's own analyzer ("pk"); folder_numbers: the numbers of the folders of a path and all below it,
    only those the person may know of (none: nothing is found); zone: where days begin; now: for today and 7d, default
    the clock.
    Raises: QueryError (a word the index can't hold).
    """
    today = (now or datetime.datetime.now(zone)).astimezone(zone).date()
    return _Compiler(schema, analyze, folder_numbers, zone, today).query(node, BARE_FIELDS)


def explain_refusal(error: ValueError, node: Node) -> QueryError | None:
    """What the index means when it refuses a search: an open last piece (foo-ba*) with over 16,384 words; else None."""
    if "max expansions" not in str(error):
        return None
    found = next((prefix for prefix in _prefixes(node) if len(words_of(prefix.text)) > 1), Prefix(""))
    return QueryError("prefix_too_common", found.span[0], found.span[1] - found.span[0], word=f"{found.text}*")


def _prefixes(node: Node) -> Iterator[Prefix]:
    match node:
        case Prefix():
            yield node
        case And(children) | Or(children):
            for child in children:
                yield from _prefixes(child)
        case Not(child) | Field(_, child):
            yield from _prefixes(child)


def all_of(*queries: Query) -> Query:
    """Messages that match every one of these queries."""
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, query) for query in queries])


def any_of(*queries: Query) -> Query:
    """Messages that match at least one of these queries."""
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


@dataclass(frozen=True, slots=True)
class _Compiler:
    schema: tantivy.Schema
    analyze: Callable[[str], list[str]]
    folder_numbers: Callable[[str], list[int]]
    zone: datetime.tzinfo
    today: datetime.date

    def query(self, node: Node, fields: tuple[str, ...]) -> Query:
        match node:
            case All():
                return Query.all_query()
            case And(children):
                return self._conjunction(children, fields)
            case Or(children):
                return any_of(*(self.query(child, fields) for child in dict.fromkeys(children)))
            case Not():
                return self._conjunction((node,), fields)
            case Field(name, child):
                return self.query(child, (name,))
            case Word() | Phrase() | Prefix():
                return self._text(node, fields)
            case _:
                return self._fact(node)

    def _conjunction(self, children: tuple[Node, ...], fields: tuple[str, ...]) -> Query:
        """One flat conjunction; the index finds nothing by exclusions alone, so then everything is the base.

        What is said twice is asked once: a thousand times "the" would take seconds.
        """
        children = tuple(dict.fromkeys(children))
        wanted = [child for child in children if not isinstance(child, Not)]
        clauses = [(Occur.Must, self.query(child, fields)) for child in wanted]
        if not wanted:
            clauses.append((Occur.Must, Query.all_query()))
        clauses += [(Occur.MustNot, self.query(child.child, fields)) for child in children if isinstance(child, Not)]
        return clauses[0][1] if len(clauses) == 1 else Query.boolean_query(clauses)

    def _text(self, node: Text, fields: tuple[str, ...]) -> Query:
        is_word = not isinstance(node, Phrase)
        if is_word and fields[0] in ADDRESS_FIELDS and looks_like_address(node.text):
            return self._address(node, ADDRESS_FIELDS[fields[0]])
        words = self._words(node)
        last_open = isinstance(node, Prefix) and self._is_open(node.text)
        return any_of(*(self._in_field(name, words, last_open) for name in fields))

    def _words(self, node: Text) -> list[str]:
        words = self.analyze(prepare(node.text))
        start, end = node.span
        shown = node.text if len(node.text) <= 40 else node.text[:40] + "…"
        if longest_run_bytes(node.text) >= TOO_LONG_BYTES:
            raise QueryError("word_too_long", start, end - start, word=shown, limit=TOO_LONG_BYTES - 1)
        if not words:
            raise QueryError("no_letters", start, end - start, word=shown)
        return words

    def _is_open(self, text: str) -> bool:
        """Whether more letters may follow: not after a full stop, and not in a script whose characters stand alone."""
        return bool(self.analyze(prepare(text[-1:]))) and not UNSPACED.match(text[-1:])

    def _in_field(self, name: str, words: list[str], last_open: bool) -> Query:
        if last_open and len(words) == 1:
            return self._beginning(name, words[0])
        if last_open:
            beginning = re.escape(words[-1]) + ".*"
            return Query.regex_phrase_query(self.schema, name, [*map(re.escape, words[:-1]), beginning])
        if len(words) == 1:
            return Query.term_query(self.schema, name, words[0])
        return Query.phrase_query(self.schema, name, list(words))

    def _beginning(self, name: str, start: str) -> Query:
        """Words that begin so: what differs by no letter, with anything after it. An expression would say the same,
        but takes a quarter of a millisecond to be made."""
        return Query.fuzzy_term_query(self.schema, name, start, 0, transposition_cost_one=False, prefix=True)

    def _address(self, node: Text, name: str) -> Query:
        """The index holds per address: the whole, `local@`, and `@domain` for the domain and each one above it."""
        text = unicodedata.normalize("NFC", node.text).lower().encode("utf-8", "replace").decode().strip("<>,;")
        if isinstance(node, Prefix):
            return any_of(*(self._beginning(name, start) for start in ((text,) if "@" in text else (text, f"@{text}"))))
        if "@" in text:
            return any_of(*(self._exact(name, value) for value in _with_punycode(text)))
        values = (f"{text}@", *_with_punycode(f"@{text}"))
        return any_of(*(self._exact(name, value) for value in values))

    def _exact(self, name: str, value: str) -> Query:
        return Query.term_query(self.schema, name, value, index_option="basic")

    def _fact(self, node: Node) -> Query:
        match node:
            case HasAttachment():
                return Query.term_query(self.schema, "attached", 1)
            case HasUnindexed():
                return self._exact("unread", "any")
            case MessageId(value):
                return self._exact("msgid", value.encode("utf-8", "replace").decode()[:LONGEST_MESSAGE_ID])
            case InFolder(path):
                numbers = self.folder_numbers(path)
                return Query.term_set_query(self.schema, "folder", numbers) if numbers else Query.empty_query()
            case Size(name, _, size_bytes):
                return self._size(name, min(size_bytes, LARGEST))
            case Days(name, text):
                return self._days(name, text)
            case _:
                raise TypeError(node)

    def _size(self, name: str, size_bytes: int) -> Query:
        if name == "smaller":
            return self._range("size", FieldType.Unsigned, None, size_bytes - 1) if size_bytes else Query.empty_query()
        return self._range("size", FieldType.Unsigned, min(size_bytes + 1, LARGEST), None)

    def _days(self, name: str, text: str) -> Query:
        days = days_of(text, self.today)
        assert days, text
        start, end = self._midnight(days[0]), self._midnight(days[1], after=True)
        lower, upper = {"before": (None, start - 1), "after": (end, None), "on": (start, end - 1)}[name]
        return self._range("date", FieldType.Integer, lower, upper)

    def _range(self, name: str, kind: FieldType, lower: int | None, upper: int | None) -> Query:
        """Both bounds inclusive; over the column, which is faster here than over the terms."""
        return Query.range_query(self.schema, name, kind, lower, upper)

    def _midnight(self, day: datetime.date, *, after: bool = False) -> int:
        """Epoch seconds at which that day begins in the zone, or the next one does."""
        if after and day == datetime.date.max:
            return LARGEST
        day += datetime.timedelta(days=int(after))
        begins = datetime.datetime.combine(day, datetime.time.min, tzinfo=self.zone)
        return int((begins - EPOCH).total_seconds())


def _with_punycode(address: str) -> tuple[str, ...]:
    """An address or @domain, and the same with the domain as it travels (bücher.de is xn--bcher-kva.de)."""
    local, _, domain = address.rpartition("@")
    try:
        travelling = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return (address,)
    return tuple(dict.fromkeys((address, travelling)))
