"""CommuniGate's data format both ways: what clients really send is read, what we write any of them reads."""

from __future__ import annotations

import contextlib
import ipaddress
import time
from datetime import UTC, datetime

import pytest
from CGPCLI.Parser import parse_to_CGP_object, parse_to_python_object
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.communigate.format import FUTURE, PAST, Address, DataError, Value, Xml, read_value, write_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
ADDRESSES = st.builds(Address, st.ip_addresses().map(str), st.none() | st.integers(0, 65535)).filter(
    lambda address: "%" not in address.ip
)
PLAIN = (
    TEXTS
    | st.integers(-(10**18), 10**18)
    | st.binary(max_size=30)
    | TIMES
    | ADDRESSES
    | st.sampled_from([None, PAST, FUTURE, Xml("<a b='>'><c/>text</a>")])
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
SCRAPS = st.lists(
    st.sampled_from(
        [*list("{}()[]\"'=;,<>/#\\ \r\n\x00ä"), "#T", "#I[", "#NULL#", "#0x", "\\u'", "\\300", "a=", "<a>"]
    ),
    max_size=60,
).map("".join)

READ: list[tuple[str, Value]] = [
    ("abc", "abc"),
    ("user-1@client.example", "user-1@client.example"),
    ('"a \\"b\\" \\\\ \\r\\n\\e\\t \\065"', 'a "b" \\ \r\n\n\t A'),
    ("\"\\u'e4'\\195\\164\"", "ää"),
    ('"\\228"', "ä"),
    ('"ab" "cd"', "abcd"),
    ('( a , b,"c d" )', ["a", "b", "c d"]),
    ("()", []),
    ("{}", {}),
    ('{"RealName" = "A B";"Quota" = #5;}', {"RealName": "A B", "Quota": 5}),
    ("{a=(b,{c=d;});}", {"a": ["b", {"c": "d"}]}),
    ("#-50", -50),
    ("#0x17EF", 0x17EF),
    ("#0b101", 5),
    ("#0o17", 15),
    ("#-12.5", -12.5),
    ("#T22-10-2009_15:24:45", datetime(2009, 10, 22, 15, 24, 45, tzinfo=UTC)),
    ("#T22-10-2009", datetime(2009, 10, 22, tzinfo=UTC)),
    ("#TPAST", PAST),
    ("#TFUTURE", FUTURE),
    ("#I[10.0.44.55]:25", Address("10.0.44.55", 25)),
    ("#I[2001:db8::1]", Address("2001:db8::1")),
    ("[10.0.44.55]", Address("10.0.44.55")),
    ("[SGVs bG8=]", b"Hello"),
    ("[]", b""),
    ("#NULL#", None),
    ("#True", "YES"),
    ('<a x="1>2"><b/>c</a>', Xml('<a x="1>2"><b/>c</a>')),
]
WRONG = [
    '{RealName="A "q" B";}',  # as a widespread client sends quotes within a string
    "{a=b}",
    "{a b;}",
    "{a=b;",
    "(a b)",
    "(a,",
    "(,a)",
    '"abc',
    '"\\q"',
    '"\\999"',
    "\"\\u'd800'\"",
    "#",
    "#12ab",
    "#T99-99-2009",
    "#I[999.1.1.1]",
    "#I[1.2.3.4]:70000",
    "[abc",
    "[a]",
    "<a><b></a>",
    "<a",
    "",
    "a b",
    "(" * 40 + ")" * 40,
    "#" + "9" * 100,
]


@pytest.mark.parametrize(("text", "value"), READ)
def test_what_clients_send_is_read(text: str, value: Value) -> None:
    assert read_value(text) == value


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(DataError) as raised:
        read_value(text)
    assert 0 <= raised.value.position <= len(text)
    assert "position" in str(raised.value)


@given(VALUES)
@example(2222222222222222220.0)  # found by the fuzzer: it was written with an exponent
@example([1e-11, -0.0, float("9" * 20)])
@example({"": [b"", "", None, {"\x00\x85": "\\"}]})
def test_whatever_is_written_is_read_again_and_is_one_line(value: Value) -> None:
    written = write_value(value)
    assert read_value(written) == value
    assert not set("\r\n\x85\u2028\u2029") & set(written)


@settings(max_examples=400)
@given(SCRAPS | st.text(max_size=80))
def test_garbage_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        value = read_value(text)
    except DataError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert read_value(write_value(value)) == value


@pytest.mark.parametrize("scrap", ['"', "\\\\", "(", "{a=", "<a>", "<a b='", "a", '"" ', "[", "#", "\\065", " ", "<a/"])
def test_reading_takes_time_in_proportion_to_the_text(scrap: str) -> None:
    def seconds(count: int) -> float:
        began = time.process_time()
        for text in (scrap * count, f'"{scrap * count}', f"({scrap * count}"):
            with contextlib.suppress(DataError):
                read_value(text)
        return time.process_time() - began

    assert seconds(100_000) < 2.0  # a walk back at each letter would take minutes


SIMPLE: st.SearchStrategy[Value] = st.recursive(
    st.text("abcXYZ019 .-_@äü(){};=,", min_size=1, max_size=12) | st.integers(-9999, 9999) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcXYZ", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(SIMPLE)
def test_the_client_from_pypi_reads_what_we_write_and_we_what_it_writes(value: Value) -> None:
    assert parse_to_python_object(write_value(value)) == value
    assert read_value(parse_to_CGP_object(value)) == value


def test_a_hostile_string_stays_one_string() -> None:
    hostile = 'a";}\r\n200 OK\x00"'
    assert write_value({"RealName": hostile}) == '{RealName="a\\";}\\r\\n200 OK\\000\\"";}'
    assert write_value([True, False]) == "(YES,NO)"
    assert write_value(Address(str(ipaddress.ip_address("::1")), 25)) == "#I[::1]:25"
