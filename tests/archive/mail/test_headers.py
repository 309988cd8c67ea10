"""Header fields into text, as standards say and as mailers really write them."""

from __future__ import annotations

import calendar
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.mail.headers import (
    Address,
    _tokenised,
    _usual,
    addresses,
    message_id,
    parameter,
    parse_date,
    plausible,
    sent_at,
    text_of,
)
from archive.mail.structure import parse_params


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain text", "plain text"),
        (b"folded\r\n here", "folded here"),
        (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?ISO-8859-1?B?R3L832U=?=", "Grüße"),
        (b"=?utf-8?q?two?=\n =?utf-8?q?_words?=", "two words"),
        (b"=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
        (b"=?utf-8?Q?spaces in it?= after", "spaces in it after"),
        (b"=?utf-8?Q?what??=", "what?"),
        (b"=?utf-8?B?dGVzdA?=", "test"),
        (b"=?utf-8*de?q?J=C3=A4ger?=", "Jäger"),
        (b"a=?utf-8?q?b?=c", "abc"),
        (b"=?x-unknown?q?caf=C3=A9?=", "café"),
        (b"=?gb2312?B?1tDOxA==?=", "中文"),
        (b"=?ks_c_5601-1987?B?x9GxuQ==?=", "한국"),
        (b"=?unicode-1-1-utf-7?q?Hi_+ZeU-?=", "Hi 日"),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"=?broken", "=?broken"),
        (b"=?utf-8?q?x?=\x00\x07y", "xy"),
    ],
)
def test_text_of_a_field(raw: bytes, text: str) -> None:
    assert " ".join(text_of(raw).split()).replace(" y", "y") == text


def test_raw_text_is_read_in_the_charset_of_the_body() -> None:
    assert text_of("Привет, мир".encode("koi8-r"), "koi8-r") == "Привет, мир"


def test_an_encoded_line_break_cannot_start_a_header() -> None:
    text = text_of(b"=?utf-8?q?a=0D=0ABcc:_x=40y?=")
    assert "\r" not in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"a@b.org", [("", "a@b.org")]),
        (b"<a@b.org>", [("", "a@b.org")]),
        (b"Ann Example <a@b.org>", [("Ann Example", "a@b.org")]),
        (b'"Example, Ann" <a@b.org>, c@d.org', [("Example, Ann", "a@b.org"), ("", "c@d.org")]),
        (b"a@b.org (Ann Example)", [("Ann Example", "a@b.org")]),
        (b"a@b.org (Ann (the first) Example)", [("Ann (the first) Example", "a@b.org")]),
        (b"=?utf-8?q?J=C3=B6rg?= <j@b.org>", [("Jörg", "j@b.org")]),
        (b"=?utf-8?q?Doe=2C_J=C3=B6rg?= <j@b.org>", [("Doe, Jörg", "j@b.org")]),
        (b'"=?utf-8?q?J=C3=B6rg?=" <j@b.org>', [("Jörg", "j@b.org")]),
        (b"team: a@b.org, c@d.org;, e@f.org", [("", "a@b.org"), ("", "c@d.org"), ("", "e@f.org")]),
        (b"undisclosed-recipients:;", []),
        (b"<@relay.org:a@b.org>", [("", "a@b.org")]),
        (b"a@b.org, , c@d.org,", [("", "a@b.org"), ("", "c@d.org")]),
        (b'"quoted \\" mark" <a@b.org>', [('quoted " mark', "a@b.org")]),
        (b"Ann <a@b.org> (home)", [("Ann", "a@b.org")]),
        (b"root", [("", "root")]),
        (b"a@b.org\r\n\t, c@d.org", [("", "a@b.org"), ("", "c@d.org")]),
        (b"Ann <>", [("Ann", "")]),
        (b"", []),
    ],
)
def test_addresses(raw: bytes, found: list[tuple[str, str]]) -> None:
    assert addresses([raw]) == [Address(*one) for one in found]


PEOPLE = [
    '"Smith, Bob" <b@s.de>', "a@b (Bob)", "Bob  Smith <b@c.d>", "x@y", '"a:b;c" <x@y>', '"Bob', "o'x@y.z",
    "(a (b)) x@y", '"a" "b" <c@d>', "Bob. S <a=b@c>", '"\u202ex" <y@z>', "<@r:u@h>", "g:;", "B\xa0b\u2028 <x@y>",
    "=?utf-8?q?B?= <a@b>", "",
]  # fmt: skip


@given(st.lists(st.sampled_from(PEOPLE) | st.text(alphabet='ab@."<>() \\,:=', max_size=8), max_size=5))
def test_the_usual_forms_of_addresses_are_read_as_all_others_are(people: list[str]) -> None:
    quick, slow = list[Address](), list[Address]()
    if _usual(",".join(people), quick):
        _tokenised(",".join(people), "", slow)
    assert quick == slow


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_of_addresses(raw: bytes) -> None:
    for one in addresses([raw]):
        assert one.name or one.address
        (one.name + one.address).encode()


@pytest.mark.parametrize(
    ("raw", "utc"),
    [
        (b"Sat, 31 Jan 2004 12:00:00 +0100", (2004, 1, 31, 11, 0, 0)),
        (b"31 Jan 2004 12:00 GMT", (2004, 1, 31, 12, 0, 0)),
        (b"Sat, 31 Jan 04 12:00:00 EST", (2004, 1, 31, 17, 0, 0)),
        (b"Sat, 31 Jan 96 12:00:00", (1996, 1, 31, 12, 0, 0)),
        (b"Sat, 31 Jan 103 12:00:00 -0000", (2003, 1, 31, 12, 0, 0)),
        (b"Sat, 31-Jan-1998 12:00:00 PDT", (1998, 1, 31, 19, 0, 0)),
        (b"Sat Jan 31 12:00:00 1998", (1998, 1, 31, 12, 0, 0)),
        (b"Sat Jan 31 12:00:00 MET 1998", (1998, 1, 31, 11, 0, 0)),
        (b"January 31, 1998 3:05 PM", (1998, 1, 31, 15, 5, 0)),
        (b"2004-01-31T12:00:00Z", (2004, 1, 31, 12, 0, 0)),
        (b"2004-01-31 12:00:00 +02:00", (2004, 1, 31, 10, 0, 0)),
        (b"Donnerstag, 14. M\xe4rz 2002 08:05:00 +0100", (2002, 3, 14, 7, 5, 0)),
        (b"Tue,24 Dec 2002 01:02:03 +0000", (2002, 12, 24, 1, 2, 3)),
        (b"Thu, 1 Jan 1970 00:00:00 +0000 (UTC)", (1970, 1, 1, 0, 0, 0)),
        (b"29 Feb 2003 12:00:00 +0000", None),
        (b"Sat, 31 Foo 2004 12:00:00", None),
        (b"yesterday", None),
        (b"", None),
    ],
)
def test_dates(raw: bytes, utc: tuple[int, ...] | None) -> None:
    assert parse_date(raw) == (calendar.timegm((*utc, 0, 0, 0)) if utc else None)


def test_years_beyond_belief_are_read_but_not_believed() -> None:
    for year in ("2036", "9999", "1904"):
        seconds = parse_date(f"1 Jan {year} 00:00:00 +0000".encode())
        assert seconds is not None
        assert not plausible(seconds, now=1_700_000_000)
    assert parse_date(b"1 Jan 0000 00:00:00 +0000") is None
    assert plausible(int(time.time()) + 86_400)


def test_a_date_that_is_not_believed_is_taken_from_the_last_hop() -> None:
    received = b"from a by b; Mon, 2 Feb 2004 10:00:00 +0000"
    older = b"from x by a; Sun, 1 Feb 2004 10:00:00 +0000"
    assert sent_at([b"Fri, 1 Jan 2038 00:00:00 +0000"], [received, older]) == parse_date(b"2 Feb 2004 10:00:00 +0000")
    assert sent_at([], [received, older]) == parse_date(b"2 Feb 2004 10:00:00 +0000")
    assert sent_at([b"nonsense"], [b"no date here"]) is None
    assert sent_at([b"nonsense", b"1 Feb 2004 10:00:00 +0000"], []) == parse_date(b"1 Feb 2004 10:00:00 +0000")


@given(st.binary(max_size=100))
def test_any_bytes_are_a_date_or_none(raw: bytes) -> None:
    parse_date(raw)


def test_message_ids() -> None:
    assert message_id(b"<a.b@c.org>") == "a.b@c.org"
    assert message_id(b" <a\r\n b@c> (comment)") == "ab@c"
    assert message_id(b"bare@c") == "bare@c"
    assert message_id(b"") == ""


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"attachment; filename=plain.txt", "plain.txt"),
        (b'attachment; filename="with space; and more.txt"', "with space; and more.txt"),
        (b"attachment; filename*=utf-8'de'%C3%BCber.txt", "über.txt"),
        (b"attachment; filename*0=long; filename*1=er.txt", "longer.txt"),
        (b"attachment; filename*1*=%9F.txt; filename*0*=utf-8''stra%C3", "straß.txt"),
        (b'attachment; filename="=?utf-8?q?=C3=BCber.txt?="', "über.txt"),
        (b'attachment; filename="a\\"b.txt"', 'a"b.txt'),
        (b'attachment; FileName = "x.txt" ; size=3', "x.txt"),
        (b"attachment; filename=two words.txt", "two words.txt"),
        (b'attachment; filename="\xfcber.txt"', "über.txt"),
        (b"attachment; filename=fallback.txt; filename*=utf-8''b%C3%A4r.txt", "bär.txt"),
        (b"attachment", ""),
    ],
)
def test_file_names(value: bytes, name: str) -> None:
    assert parameter(parse_params(value), "filename") == name
