"""Whether From's domain stands behind a message, and the header that says so."""

from __future__ import annotations

import pytest

from domains.policy.facts import AuthResult, Facts
from gateway.flow import InMemory, Inspection
from gateway.judging.authentication import dmarc, results
from gateway.judging.authentication.arc import ArcAnswer
from gateway.judging.authentication.checking import Authenticated
from gateway.judging.authentication.dkim import DkimAnswer
from gateway.judging.authentication.dmarc import DmarcAnswer
from gateway.judging.authentication.spf import SpfAnswer
from gateway.judging.cleaning import cleaned_body
from tests.gateway.judging.world import ADA, Names, came_in

PASS, FAIL, NONE = AuthResult.PASS, AuthResult.FAIL, AuthResult.NONE
RECORDS = {
    "_dmarc.a.example TXT": ("v=DMARC1; p=reject; sp=quarantine",),
    "_dmarc.strict.example TXT": ("v=DMARC1; p=none; aspf=s; adkim=s",),
    "_dmarc.example TXT": ("v=DMARC1; p=reject; psd=y",),
    "_dmarc.twice.example TXT": ("v=DMARC1; p=none", "v=DMARC1; p=reject"),
    "_dmarc.other.example TXT": ("v=spf1 -all",),
    "_dmarc.silent.example TXT": None,
}


@pytest.mark.parametrize(
    ("domain", "spf", "signers", "result", "policy"),
    [
        ("a.example", "a.example", [], PASS, "reject"),
        ("a.example", "bounce.a.example", [], PASS, "reject"),
        ("a.example", "", ["a.example"], PASS, "reject"),
        ("a.example", "b.example", ["c.example"], FAIL, "reject"),
        ("a.example", "nota.example", [], FAIL, "reject"),
        ("news.a.example", "a.example", [], PASS, "quarantine"),
        ("news.a.example", "", [], FAIL, "quarantine"),
        ("strict.example", "mail.strict.example", ["mail.strict.example"], FAIL, "none"),
        ("strict.example", "", ["strict.example"], PASS, "none"),
        ("twice.example", "twice.example", [], NONE, ""),
        ("other.example", "other.example", [], NONE, ""),
    ],
)
def test_spf_or_dkim_must_speak_for_the_domain_that_people_see(
    domain: str, spf: str, signers: list[str], result: AuthResult, policy: str
) -> None:
    found = dmarc.evaluate([domain], spf, signers, Names(RECORDS).ask)
    assert (found.result, found.policy) == (result, policy)


def test_from_must_name_one_domain_and_silence_is_an_error_of_its_own() -> None:
    ask = Names(RECORDS).ask
    assert dmarc.evaluate(["a.example", "b.example"], "a.example", [], ask).result is NONE
    assert dmarc.evaluate([], "a.example", [], ask).result is NONE
    assert dmarc.evaluate(["silent.example"], "", [], ask).result is AuthResult.TEMPERROR


FOUND = Authenticated(
    SpfAnswer(FAIL, "a.example", "-all"),
    (
        DkimAnswer(PASS, "a.example", "s1", "", "rsa-sha256"),
        DkimAnswer(FAIL, "b.example", "s", 'the "body" (was) changed'),
    ),
    DmarcAnswer(PASS, "a.example", "reject", "dkim"),
    ArcAnswer(NONE),
)


def test_the_header_has_all_results_and_nothing_that_a_sender_can_break_it_with() -> None:
    line = results.header_line("mx.example.org", FOUND, client="192.0.2.7", sender='"x; y"@a.example\r\nX: y', helo="h")
    assert line == (
        'Authentication-Results: mx.example.org; spf=fail reason="-all" smtp.mailfrom="\\"x; y\\"@a.exampleX: y"; '
        "dkim=pass header.d=a.example header.s=s1 header.a=rsa-sha256; "
        'dkim=fail reason="the body was changed" header.d=b.example header.s=s; '
        "dmarc=pass policy.dmarc=reject header.from=a.example; arc=none"
    )


def test_results_that_pretend_to_be_ours_are_found_and_taken_out_and_nothing_else() -> None:
    ours = b"Authentication-Results: (hi) MX.example.org 1;\r\n spf=pass\r\n"
    theirs = b"Authentication-Results: mx.elsewhere.example; spf=pass\r\n"
    values = ["(hi) MX.example.org 1;\r\n spf=pass", "mx.elsewhere.example; spf=pass", "", "none"]
    assert results.claimed_ids(values) == ["mx.example.org", "mx.elsewhere.example", "", "none"]
    assert results.without_ours(theirs + ours + ADA, "mx.example.org") == theirs + ADA
    assert results.without_ours(theirs + ADA, "mx.example.org") == theirs + ADA
    body = ADA + ours
    assert results.without_ours(body, "mx.example.org") == body


def test_what_goes_on_has_no_results_that_we_did_not_write() -> None:
    ours = b"Authentication-Results: mx.example.org; spf=pass\r\n"
    said = Inspection(Facts(), headers=("Authentication-Results: mx.example.org; spf=fail", "X-Spam-Score: 1.0"))
    assert cleaned_body(came_in(), said) is None
    assert cleaned_body(came_in(ours + ADA), Inspection(Facts())) is None
    small = cleaned_body(came_in(ours + ADA), said)
    assert small is not None
    assert (small.read(), small.sha256) == (ADA, InMemory(ADA).sha256)
    long = ADA + b"x" * 3_000_000
    large = cleaned_body(came_in(ours + long), said)
    assert large is not None
    assert (large.read(), large.size_bytes, large.sha256) == (long, len(long), InMemory(long).sha256)
