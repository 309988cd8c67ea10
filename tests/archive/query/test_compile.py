"""The index finds exactly what reading every message finds."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.query.compile import compile_query, explain_refusal
from archive.query.errors import QueryError
from archive.query.language import parse
from archive.query.nodes import Node

from .corpus import MAILS, Library


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {mail.number for mail in MAILS}),
        ("report", {1, 2, 10, 11}),
        ("REPORT annual", {1, 2, 11}),
        ('"annual report"', {1, 2, 11}),
        ('"report read"', {10}),
        ("report -annual", {10}),
        ("-report -foo", {3, 4, 6, 7, 8, 9, 12}),
        ("secret OR house", {5, 6}),
        ("(secret OR house) -foo", {6}),
        ("foo-bar", {2, 10}),
        ('"foo bar"', {2, 10}),
        ("foo*", {2, 5, 10}),
        ("foo-ba*", {2, 10}),
        ("http://example.org/foo", {10}),
        ("12:30", {10}),
        ("don't", {10}),
        ("3.14", {11}),
        # case and accents
        ("grosse", {1, 3, 11, 9} | {2, 5, 8, 4}),
        ("subject:GRÖSSE", {3}),
        ("strasse", {3}),
        ("fussball", {3}),
        ("resume", {4}),
        ("RÉSUMÉ", {4}),
        ("attache", {4}),
        ("naive cooperate file aero", {12}),
        ("istanbul", {12}),
        ("İSTANBUL", {12}),
        ("σοφοσ", {12}),
        ("привет", {8}),
        # writing without spaces
        ("東京", {8}),
        ("東京都", {8}),
        ("京東", set()),
        ("subject:天気", {8}),
        ("한국어*", {8}),
        ("한국*", {8}),
        ("한국", set()),
        ("from:山田", {8}),
        # addresses: whole, local part, domain; and names
        ("from:alice@example.org", {1, 3, 9, 11}),
        ("from:ALICE@Example.ORG", {1, 3, 9, 11}),
        ("from:alice", {1, 3, 5, 9, 11, 12}),
        ("from:alice@", {1, 3, 9, 11}),
        ("from:bob.smith", {2, 6, 11}),
        ("from:example.org", {1, 2, 3, 6, 9, 11}),
        ("from:@example.org", {1, 2, 3, 6, 9, 11}),
        ("from:@mail.example.org", {2, 6, 11}),
        ("from:example.org.uk", {4, 10}),
        ("from:ali*", {1, 3, 5, 9, 11, 12}),
        ("from:@example.o*", {1, 2, 3, 4, 6, 9, 10, 11}),
        ("from:alice@ex*", {1, 3, 9, 11}),
        ('from:"bob.smith@mail.example.org"', {2, 6, 7, 11}),
        ("from:bob.smith@mail.example.org", {2, 6, 11}),
        ("from:<alice@example.org>", {1, 3, 9, 11}),
        ("from:alice@example.org,", {1, 3, 9, 11}),
        ("from:example.com*", {7}),
        ("from:dyke", {2, 6, 11}),
        ("from:(alice OR carol)", {1, 3, 4, 5, 9, 10, 11, 12}),
        ("from:(alice bob)", {11}),
        ("from:(alice -bob) to:carol", {3}),
        ("from:bücher.de", {8}),
        ("to:alicia", {6}),
        ("cc:alicia@alice.net", {11}),
        ("carol@example.org.uk", {3, 4, 10, 11}),
        # the other filters
        ("subject:report", {1, 2, 10}),
        ("body:house", set()),
        ("attachment:garden", {6}),
        ("attachment:resume", {4}),
        ("2004", {4}),
        ("garden", {6}),
        ("has:attachment", {4, 6}),
        ("-has:attachment report -annual", {10}),
        ("on:2004-01-31", {1, 2}),
        ("before:2004-01-31", {5, 10, 12}),
        ("after:2004-01-31 before:2004-03", {3, 4}),
        ("on:2004-02", {3, 4}),
        ("on:2004 report", {1, 2}),
        ("after:2004", {11}),
        ("before:2004", {5, 10, 12}),
        ("on:today", {7}),
        ("on:yesterday", {8, 9}),
        ("on:7d", {6}),
        ("after:7d", {7, 8, 9, 11}),
        ("on:1m", {4}),
        ("before:0001-01-01", set()),
        ("after:9999", set()),
        ("on:0001", {12}),
        ("larger:1k", {5, 6, 9}),
        ("smaller:1024", {1, 2, 3, 7, 8, 10, 11, 12}),
        ("larger:5M", {9}),
        ("smaller:0", set()),
        ("smaller:1", {10}),
        ("larger:99999999999999999999", set()),
        ("smaller:99999999999999999999 larger:0", set(range(1, 13)) - {10}),
        ("in:Inbox", {1, 2, 3, 4, 8, 9, 10, 11}),
        ("in:Projects", {5, 6, 12}),
        ('in:"Projects/New house"', {5, 12}),
        ('in:"Projekte (alt)"', {7}),
        ("in:Nowhere", set()),
        ("-in:Inbox", {5, 6, 7, 12}),
        ("id:<A(1)@x.org>", {7}),
        ('id:"A(1)@x.org"', {7}),
        ("id:<a(1)@x.org>", set()),
        ("id:id-11@example.org", {11}),
        ('id:"odd id"', {9}),
        ("x" * 63, {9}),
        ("end -" + "x" * 63, set()),
    ],
)
def test_a_query_finds_these_messages(library: Library, query: str, found: set[int]) -> None:
    node = parse(query)
    assert library.find(node) == library.read(node) == found


@pytest.mark.parametrize(
    ("query", "code", "word"),
    [
        ("report " + "y" * 64, "word_too_long", "y" * 40),
        (f'"report {"y" * 64} end"', "word_too_long", "report"),
        ("é" * 32, "word_too_long", "é" * 32),
    ],
)
def test_a_word_the_index_cant_hold_is_named_where_it_stands(
    library: Library, query: str, code: str, word: str
) -> None:
    with pytest.raises(QueryError) as caught:
        library.find(parse(query))
    assert caught.value.code == code
    assert word in str(caught.value)
    assert (
        query[caught.value.position :][: caught.value.length] in query.split(" ", 1)[-1] or caught.value.position == 0
    )


def test_days_begin_when_they_do_in_the_persons_zone(library: Library) -> None:
    def found(query: str, zone: datetime.tzinfo) -> int:
        compiled = compile_query(
            parse(query), library.schema, library.analyzer.analyze, folder_numbers=lambda _: [], zone=zone
        )
        return library.count(compiled)

    assert found("on:2004-01-31", datetime.UTC) == 2
    assert found("on:2004-01-30", datetime.UTC) == 1
    assert found("on:2004-01-31", zoneinfo.ZoneInfo("Africa/Tripoli")) == 2
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"):
        assert found("after:9999-12-31 OR before:0001-01-01", zoneinfo.ZoneInfo(zone)) in (0, 1)


def test_an_open_last_piece_with_too_many_words_is_explained(library: Library) -> None:
    node = parse("report from:(foo-ba* OR -x)")
    error = explain_refusal(ValueError("Phrase query exceeded max expansions 20000"), node)
    assert error is not None
    assert (error.code, error.position, error.length) == ("prefix_too_common", 13, 7)
    assert explain_refusal(ValueError("something else"), node) is None


VOCABULARY = """
    report annual read foo bar foobar food grosse straße RÉSUMÉ plan house secret a the 2004 東京 天気 привет
    foo-bar alice@example.org example.org don't a_b alice bob x.org via Team
"""
WORDS = VOCABULARY.split()
PREFIXES = ["re*", "foo*", "foo-ba*", "gro*", "ali*", "exam*", "2004*", "東京*", "pdf*"]
PHRASES = [
    '"annual report"',
    '"report read"',
    '"foo bar"',
    '"example org"',
    '"bob smith"',
    '"the annual"',
    '"report re"',
]
PEOPLE = [
    "alice",
    "alice@example.org",
    "example.org",
    "@example.org",
    "bob.smith",
    "uk",
    "alice@",
    "@example.o*",
    "bob.*",
]
FACTS = [
    "has:attachment",
    *("before:2004-02", "before:1970", "after:2004-01-31", "after:7d", "on:2004-01-31", "on:7d", "on:2004"),
    *("larger:1k", "larger:5M", "smaller:1k"),
    *("in:Inbox", "in:Projects", 'in:"Projects/New house"', "id:id-11@example.org"),
]
texts = st.sampled_from([*WORDS, *PREFIXES, *PHRASES])
people = st.sampled_from([*PEOPLE, *PREFIXES, *PHRASES])


def nested(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(" ".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda some: "(" + " OR ".join(some) + ")"),
            inner.map(lambda one: f"-({one})"),
        ),
        max_leaves=5,
    )


fields = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(["subject", "body", "attachment"]), texts),
    st.builds("{}:{}".format, st.sampled_from(["from", "to", "cc"]), people),
    st.builds("{}:({})".format, st.sampled_from(["subject", "body"]), nested(texts)),
    st.builds("{}:({})".format, st.sampled_from(["from", "to", "cc"]), nested(people)),
)
queries = nested(st.one_of(texts, fields, st.sampled_from(FACTS)))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(query=queries)
def test_the_index_and_the_reading_of_every_message_agree(library: Library, query: str) -> None:
    node: Node = parse(query)
    assert library.find(node) == library.read(node)


odd = st.text(alphabet='abßÉe\u0301İ東한 ki\u093f²٣ⅷ.@_-<>[]{}()*+?^$|\\\\#&~"\x00\ud800\U0001f600:', max_size=20)
odd_queries = st.one_of(
    odd, st.builds("{}:{}{}".format, st.sampled_from(["from", "subject", "id", "in"]), odd, st.just("*"))
)


@settings(max_examples=600, deadline=None)
@given(query=odd_queries)
def test_whatever_is_typed_the_index_answers_or_the_query_is_refused(library: Library, query: str) -> None:
    try:
        library.find(parse(query))
    except QueryError as error:
        assert error.position + error.length <= len(query)
