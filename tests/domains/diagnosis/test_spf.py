"""Who may send: one record, its costs counted as a receiver counts them, and our own mail let through."""

from __future__ import annotations

from ipaddress import ip_address
from textwrap import dedent
from typing import Any

import pytest

from domains.diagnosis import CheckResult, CheckType, Code, Severity
from domains.diagnosis.spf_records import BadSpf, parse
from tests.dns_server import DnsServer
from tests.domains.diagnosis.looking import check, codes


def spf(server: DnsServer, record: str, zone: str = "", **expected: Any) -> CheckResult:
    server.add_zone("example.org", f'@ TXT "{record}"\n' + zone)
    return check(CheckType.SPF, server, **expected)


def test_a_good_record_is_fine_and_its_lookups_are_counted(dns_server: DnsServer) -> None:
    provider = """
        @ TXT "v=spf1 ip4:192.0.2.0/24 include:more.provider.example -all"
        more TXT "v=spf1 a:out.provider.example -all"
        out A 192.0.2.200"""
    dns_server.add_zone("provider.example", dedent(provider))
    zone = "@ MX 10 mx\nmx A 192.0.2.1\n@ A 192.0.2.2\n@ TXT unrelated\n"
    result = spf(dns_server, "v=spf1 mx a include:provider.example ip6:2001:db8::/32 ~all", zone)
    assert (result.result, codes(result)) == ("OK", [Code.SPF_OK])
    assert result.findings[0].params == {"lookups": 5}
    assert "5 lookups of 10, 0 of them void" in result.output


def test_no_record_is_missing_with_one_to_begin_with(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org", '@ TXT "v=spf10 no"\n@ TXT "v=spf"')
    result = check(CheckType.SPF, dns_server)
    assert (result.result, result.publish[0].value) == ("ERROR_SPF_MISSING_ENTRY", "v=spf1 mx ~all")
    ours = check(
        CheckType.SPF,
        dns_server,
        spf_includes=("spf.provider.example",),
        spf_addresses=("192.0.2.7", "2001:db8::/32", "a name"),
    )
    assert ours.publish[0].value == "v=spf1 include:spf.provider.example ip4:192.0.2.7 ip6:2001:db8::/32 ~all"
    assert ours.publish[0].zone_line().startswith('example.org. IN TXT ( "v=spf1 ')


def test_two_records_are_as_good_as_none(dns_server: DnsServer) -> None:
    result = spf(dns_server, "v=spf1 -all", '@ TXT "v=spf1 mx -all"\n')
    assert (result.result, result.findings[0].params) == ("ERROR_SPF_MULTIPLE", {"count": 2})


def chain(server: DnsServer, length: int, last: str = "-all") -> None:
    """s1 includes s2 includes s3 …"""
    zone = [f's{n} TXT "v=spf1 include:s{n + 1}.chain.example -all"' for n in range(1, length)]
    server.add_zone("chain.example", "\n".join([*zone, f's{length} TXT "v=spf1 {last}"']))


@pytest.mark.parametrize(("length", "code"), [(10, Code.SPF_OK), (11, Code.ERROR_SPF_TOO_MANY_LOOKUPS)])
def test_the_eleventh_lookup_breaks_it_however_deep_it_is(dns_server: DnsServer, length: int, code: Code) -> None:
    chain(dns_server, length)
    result = spf(dns_server, "v=spf1 include:s1.chain.example -all")
    assert codes(result) == [code]
    assert result.findings[0].params["lookups"] in (length, str(length))


def test_redirects_mx_exists_and_ptr_count_too(dns_server: DnsServer) -> None:
    dns_server.add_zone("chain.example", 's TXT "v=spf1 exists:here.chain.example ptr -all"\nhere A 127.0.0.2')
    result = spf(dns_server, "v=spf1 mx a redirect=s.chain.example", "@ MX 10 mx\nmx A 192.0.2.1\n@ A 192.0.2.1")
    assert codes(result) == [Code.WARNING_SPF_PTR]
    assert "5 lookups of 10, 0 of them void" in result.output


def test_a_record_that_includes_itself_ends(dns_server: DnsServer) -> None:
    result = spf(dns_server, "v=spf1 include:example.org -all")
    assert codes(result) == [Code.ERROR_SPF_TOO_MANY_LOOKUPS]
    assert result.findings[0].params["lookups"] == "40+"
    assert len(result.output) < 10


@pytest.mark.parametrize(("count", "is_wrong"), [(2, False), (3, True)])
def test_the_third_host_that_does_not_exist_breaks_it(dns_server: DnsServer, count: int, is_wrong: bool) -> None:
    terms = " ".join(f"a:gone{n}.example.org" for n in range(count))
    result = spf(dns_server, f"v=spf1 {terms} -all")
    assert (Code.ERROR_SPF_TOO_MANY_VOID_LOOKUPS in codes(result)) == is_wrong
    assert not is_wrong or "gone2.example.org" in result.words


@pytest.mark.parametrize("target", ["gone.example.org", "empty.example.org", "two.example.org"])
def test_an_include_of_what_is_no_record_breaks_all_of_it(dns_server: DnsServer, target: str) -> None:
    zone = 'empty TXT "hello"\ntwo TXT "v=spf1 -all"\ntwo TXT "v=spf1 ~all"\n'
    result = spf(dns_server, f"v=spf1 include:{target} -all", zone)
    assert codes(result) == [Code.ERROR_SPF_BROKEN_INCLUDE] and target in result.words


BAD = ["ip4:300.0.0.1", "ip4:192.0.2.0/33", "ip6:192.0.2.1", "ip4:", "include:", "include", "all:x", "a/33", "a//129",
       "redirect=", "foo", "foo:bar", "+redirect=x", "mx:", "ip4:2001:db8::1", "-", "include:x/24"]  # fmt: skip


@pytest.mark.parametrize("term", BAD)
def test_a_term_that_nobody_understands_is_named(dns_server: DnsServer, term: str) -> None:
    result = spf(dns_server, f"v=spf1 mx {term} -all")
    assert result.result == "ERROR_SPF_SYNTAX" and result.findings[0].params["term"] == term


def test_a_mistake_in_an_included_record_is_named_with_its_place(dns_server: DnsServer) -> None:
    chain(dns_server, 2, last="ip4:nonsense -all")
    result = spf(dns_server, "v=spf1 include:s1.chain.example -all")
    assert result.findings[0].params == {"name": "s2.chain.example", "term": "ip4:nonsense"}


GOOD = ["a", "A/24", "a:host.example/24//64", "mx//64", "+ip4:192.0.2.1", "?ip6:2001:db8::/32", "~all", "exp=x.%{d}",
        "exists:%{ir}.%{l1r-}.example.org", "unknown=modifier", "ptr:example.org", "INCLUDE:example.org"]  # fmt: skip


@pytest.mark.parametrize("term", GOOD)
def test_every_form_of_the_grammar_is_read(term: str) -> None:
    assert len(parse(f"v=spf1 {term}")) == 1


def test_a_modifier_that_stands_there_twice_is_a_mistake() -> None:
    with pytest.raises(BadSpf):
        parse("v=spf1 redirect=a.example redirect=b.example")


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ("v=spf1 +all", Code.WARNING_SPF_PASS_ALL),
        ("v=spf1 all", Code.WARNING_SPF_PASS_ALL),
        ("v=spf1 ?all", Code.WARNING_SPF_NEUTRAL),
        ("v=spf1", Code.WARNING_SPF_NEUTRAL),
        ("v=spf1 -all ip4:192.0.2.1", Code.WARNING_SPF_AFTER_ALL),
        ("v=spf1 -all redirect=example.net", Code.WARNING_SPF_AFTER_ALL),
    ],
)
def test_how_everybody_else_is_treated_is_looked_at(dns_server: DnsServer, record: str, code: Code) -> None:
    result = spf(dns_server, record)
    assert (result.severity, codes(result)) == (Severity.WARNING, [code])


# --- our own mail ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "passes"),
    [
        ("192.0.2.1", True),
        ("192.0.2.9", False),  # -ip4 before the include that would let it pass
        ("198.51.100.7", True),
        ("203.0.113.5", True),  # a/24 of the domain
        ("203.0.114.5", False),
        ("2001:db8::77", True),
        ("2001:db9::1", False),
        ("198.51.100.0/24", True),
        ("198.51.0.0/16", False),
    ],
)
def test_addresses_mail_leaves_from_must_pass_as_a_receiver_would_decide(
    dns_server: DnsServer, address: str, passes: bool
) -> None:
    zone = 'p TXT "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 ?ip4:203.0.114.0/24 -all"\n@ A 203.0.113.1\n'
    record = "v=spf1 -ip4:192.0.2.9 a/24 ip6:2001:db8::/32 include:p.example.org -all"
    result = spf(dns_server, record, zone, spf_addresses=(address,))
    assert (result.result == "OK") == passes
    if not passes:
        version = ip_address(address.partition("/")[0]).version
        assert codes(result) == [Code.ERROR_SPF_NOT_AUTHORISED] and address in result.words
        assert result.publish[0].value == f"{record[:-5]} ip{version}:{address} -all"


def test_a_provider_counts_wherever_it_is_included(dns_server: DnsServer) -> None:
    chain(dns_server, 3)
    record = "v=spf1 include:s1.chain.example ~all"
    assert spf(dns_server, record, spf_includes=("S3.chain.example.",)).result == "OK"
    result = spf(dns_server, record, spf_includes=("spf.provider.example", "s2.chain.example"))
    assert result.result == "ERROR_SPF_NOT_AUTHORISED"
    assert result.publish[0].value == "v=spf1 include:s1.chain.example include:spf.provider.example ~all"
    moved = spf(dns_server, "v=spf1 redirect=s1.chain.example", spf_includes=("spf.provider.example",))
    assert moved.publish[0].value == "v=spf1 include:spf.provider.example redirect=s1.chain.example"


# --- nobody answers ----------------------------------------------------------------------------------------------


def test_an_include_nobody_answers_about_is_not_held_against_anybody(dns_server: DnsServer) -> None:
    dns_server.fail("provider.example")
    result = spf(dns_server, "v=spf1 include:provider.example -all", spf_addresses=("192.0.2.1",))
    assert (result.severity, codes(result)) == (Severity.UNKNOWN, [Code.SPF_NOT_CHECKED_IN_PART])
    assert (result.result, "provider.example" in result.words) == ("NOT_CHECKED", True)


def test_a_failing_server_means_not_checked(dns_server: DnsServer) -> None:
    dns_server.fail("example.org")
    assert (spf(dns_server, "v=spf1 -all").result, spf(dns_server, "").severity) == ("NOT_CHECKED", Severity.UNKNOWN)
