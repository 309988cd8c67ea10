"""SPF as RFC 7208 wants it evaluated, in records of our own."""

from __future__ import annotations

import pytest

from domains.policy.facts import AuthResult
from gateway.judging.authentication import spf
from tests.gateway.judging.world import Names

PASS, FAIL, SOFT, NEUTRAL = AuthResult.PASS, AuthResult.FAIL, AuthResult.SOFTFAIL, AuthResult.NEUTRAL
NONE, TEMP, PERM = AuthResult.NONE, AuthResult.TEMPERROR, AuthResult.PERMERROR
CHAIN = {f"i{number}.example TXT": (f"v=spf1 include:i{number + 1}.example ~all",) for number in range(12)}


def asked(record: str, client: str = "192.0.2.7", **more: tuple[str, ...] | None) -> AuthResult:
    names = Names(
        {"a.example TXT": (record,), **{key.replace("__", " "): value for key, value in more.items()}, **CHAIN}
    )
    return spf.check(client, "ada@a.example", "mail.a.example", names.ask).result


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", PASS),
        ("v=spf1 ip4:198.51.100.0/24 -all", FAIL),
        ("v=spf1 ~all", SOFT),
        ("v=spf1 ?all", NEUTRAL),
        ("v=spf1 ip4:198.51.100.1", NEUTRAL),
        ("v=spf1 ip6:2001:db8::/32 -all", FAIL),
        ("v=spf10 +all", NONE),
        ("some other text", NONE),
        ("v=spf1 ip4:192.0.2.0/33 -all", PERM),
        ("v=spf1 nonsense -all", PERM),
        ("v=spf1 include: -all", PERM),
        ("v=spf1 a:%{z}.example -all", PERM),
        ("v=spf1\tip4:192.0.2.7 -all", NONE),
        ("v=spf1 include:i2.example -all", PERM),  # more than ten lookups
        ("v=spf1 redirect=nowhere.example", PERM),
    ],
)
def test_a_record_says_whether_the_client_may_send(record: str, result: AuthResult) -> None:
    assert asked(record) is result


def test_names_are_looked_up_and_macros_filled_in() -> None:
    names = Names(
        {
            "a.example TXT": ("v=spf1 exists:%{ir}.%{l1r-}.%{d2}.list.example mx/28 -all",),
            "7.2.0.192.ada.a.example.list.example A": ("127.0.0.2",),
            "b.example TXT": ("v=spf1 mx//64 a:host.b.example -all",),
            "b.example MX": ("10 mx.b.example",),
            "mx.b.example AAAA": ("2001:db8::1",),
            "host.b.example AAAA": ("2001:db8:1::1",),
            "c.example TXT": ("v=spf1 ptr -all",),
            "9.2.0.192.in-addr.arpa PTR": ("mail.c.example.",),
            "mail.c.example A": ("192.0.2.9",),
        }
    )
    assert spf.check("192.0.2.7", "ada@a.example", "h", names.ask).result is PASS
    assert spf.check("2001:db8::ffff", "ada@b.example", "h", names.ask).result is PASS
    assert spf.check("2001:db8:1::1", "ada@b.example", "h", names.ask).result is PASS
    assert spf.check("2001:db8:2::1", "ada@b.example", "h", names.ask).result is FAIL
    assert spf.check("192.0.2.9", "ada@c.example", "h", names.ask).result is PASS
    assert spf.check("::ffff:192.0.2.9", "ada@c.example", "h", names.ask).result is PASS


def test_an_empty_sender_is_judged_by_helo_and_silence_is_an_error_of_its_own() -> None:
    names = Names({"mail.a.example TXT": ("v=spf1 ip4:192.0.2.7 -all",), "silent.example TXT": None})
    answer = spf.check("192.0.2.7", "", "mail.a.example", names.ask)
    assert (answer.result, answer.domain) == (PASS, "mail.a.example")
    assert spf.check("192.0.2.7", "x@silent.example", "h", names.ask).result is TEMP
    assert spf.check("192.0.2.7", "", "[192.0.2.7]", names.ask).result is NONE
    assert spf.check("192.0.2.7", "x@" + "a" * 64 + ".example", "h", names.ask).result is NONE


def test_two_questions_without_an_answer_are_allowed_and_three_are_not() -> None:
    assert asked("v=spf1 a:x.example a:y.example ip4:192.0.2.7 -all") is PASS
    assert asked("v=spf1 a:x.example a:y.example a:z.example ip4:192.0.2.7 -all") is PERM
