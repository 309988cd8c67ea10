"""Rules against leaks: outgoing only, by the sender's domain, in what they look at."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from domains.policy.decision import Action, Category
from domains.policy.dlp import DlpRule, dlp_problems
from domains.policy.facts import Direction, Envelope, Facts, Mailbox, Text, Where
from domains.policy.policy import Policy
from domains.policy.reading import TEXT_CHARACTERS, facts_from_message
from tests.domains.policy.builders import NOW, file, incoming, judge, outgoing

CARD = r"\b(?:\d[ -]?){13,16}\b"


def rule(expression: str, *targets: str, id: str = "1", domain: str = "example.org", **more: Any) -> DlpRule:
    values: dict[str, Any] = {f"targets_{target}": True for target in targets}
    return DlpRule(id, domain, expression, **values, **more)


@pytest.mark.parametrize(
    ("target", "known", "where"),
    [
        ("content", {"subject": "Card 4111 1111 1111 1111"}, Where.SUBJECT),
        ("content", {"texts": (Text(Where.BODY, "Hi,\nit is 4111-1111-1111-1111."),)}, Where.BODY),
        ("content", {"texts": (Text(Where.ATTACHMENT_TEXT, "4111111111111111"),)}, Where.ATTACHMENT_TEXT),
        ("content", {"attachments": (file("4111111111111111.txt"),)}, Where.ATTACHMENT_NAME),
        ("content", {"recipients": ("4111111111111111@x.example",)}, None),
        ("recipients", {"recipients": ("4111111111111111@x.example",)}, Where.RECIPIENT),
        ("recipients", {"header_recipients": (Mailbox("4111111111111111", "x@x.example"),)}, Where.RECIPIENT),
        ("recipients", {"subject": "4111111111111111"}, None),
        ("sender", {"envelope_sender": "4111111111111111@example.org"}, Where.ENVELOPE_SENDER),
        ("sender", {"header_from": (Mailbox("4111111111111111", "ada@example.org"),)}, Where.HEADER_FROM),
        ("sender", {"header_sender": (Mailbox("", "4111111111111111@x.example"),)}, Where.HEADER_SENDER),
    ],
)
def test_a_rule_looks_at_what_it_says(target: str, known: dict[str, Any], where: Where | None) -> None:
    decision = judge(outgoing(**known), rule(CARD, target))
    match = decision.decided_by.match
    assert (match.where if match else None) == where
    assert (decision.category is Category.DLP) is (where is not None)


def test_a_leak_is_held_for_somebody_to_look_at_or_refused_without_a_quarantine() -> None:
    leak, secret = outgoing(subject="top secret"), rule("Secret", "content")
    assert judge(leak, secret).action is Action.HOLD
    assert judge(leak, secret, policy=Policy(name="x", outgoing=True)).action is Action.REFUSE


@pytest.mark.parametrize(
    ("known", "applies"),
    [
        ({}, True),
        ({"envelope_sender": "ada@EXAMPLE.org"}, True),
        ({"envelope_sender": ""}, True),  # then From's domain
        ({"envelope_sender": "ada@sub.example.org"}, False),
        ({"envelope_sender": "ada@example.net"}, False),
    ],
)
def test_the_rules_are_those_of_the_senders_domain(known: dict[str, Any], applies: bool) -> None:
    decision = judge(outgoing(subject="secret", **known), rule("secret", "content"))
    assert (decision.category is Category.DLP) is applies


def test_incoming_mail_leaks_nothing() -> None:
    forged = incoming("ada@example.org", subject="secret")
    assert judge(forged, rule("secret", "content")).category is Category.CLEAN


def test_every_rule_that_fits_speaks_in_the_order_of_priorities() -> None:
    rules = (
        rule("secret", "content", id="b", priority=2),
        rule("se", "content", "sender", id="a", priority=2),
        rule("cret", "content", id="z", priority=1, explanation="Project names"),
        rule("nothing", "content", id="0", priority=0),
    )
    decision = judge(outgoing(subject="secret"), *rules)
    assert [finding.match.rule_id for finding in decision.findings if finding.match] == ["z", "a", "b"]
    assert decision.decided_by.why.data == {"piece": "cret", "explanation": "Project names"}


def test_case_matters_only_where_the_rule_says_so() -> None:
    assert judge(outgoing(subject="SECRET"), rule("secret", "content")).category is Category.DLP
    assert judge(outgoing(subject="SECRET"), rule("secret", "content", case_sensitive=True)).category is Category.CLEAN


def test_a_virus_is_worse_than_a_leak() -> None:
    decision = judge(outgoing(subject="secret", virus_names=("Eicar",)), rule("secret", "content"))
    assert decision.category is Category.VIRUS


SECRET = rule("secret", "content")


def sent(data: bytes, kind: str = "text/plain", *, charset: str = "", name: str = "") -> Facts:
    head = f"Content-Type: {kind}{charset and f'; charset={charset}'}\r\nContent-Transfer-Encoding: base64\r\n"
    head += f"Content-Disposition: attachment; filename={name}\r\n" if name else ""
    raw = b"From: ada@example.org\r\nSubject: x\r\n" + head.encode() + b"\r\n" + base64.encodebytes(data)
    envelope = Envelope("ada@example.org", ("bob@friends.example",), Direction.OUTGOING, NOW)
    return facts_from_message(raw, envelope)


@pytest.mark.parametrize("letter", ["x", "й", "€", "😀"])
def test_a_text_is_looked_through_as_far_as_it_was_read_in_whatever_letters(letter: str) -> None:
    whole = letter * (TEXT_CHARACTERS - 6) + "secret"
    (finding,) = judge(sent(whole.encode(), charset="utf-8"), SECRET).findings
    assert finding.match is not None and finding.category is Category.DLP


@pytest.mark.parametrize(
    ("data", "charset"),
    [(b"x" * TEXT_CHARACTERS + b"secret", "utf-8"), (b"+AHg-" * TEXT_CHARACTERS + b"secret", "utf-7")],
)
def test_what_lies_behind_the_end_of_what_was_read_is_kept_back(data: bytes, charset: str) -> None:
    decision = judge(sent(data, charset=charset), SECRET)
    assert (decision.category, decision.action) == (Category.DLP, Action.HOLD)
    assert decision.decided_by.why.data == {"names": "text"}
    assert judge(sent(data, charset=charset)).category is Category.CLEAN  # no rule would have looked at it


@pytest.mark.parametrize("skipped", ["size", "parts", "depth", "text"])
def test_what_could_not_be_read_is_kept_back_only_where_its_content_matters(skipped: str) -> None:
    unread = outgoing(incomplete=(skipped, "uris"))
    assert judge(unread, SECRET).decided_by.why.data == {"names": skipped}
    assert judge(unread, rule("secret", "sender", "recipients")).category is Category.CLEAN
    assert judge(outgoing(incomplete=("uris",)), SECRET).category is Category.CLEAN


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_table_that_says_it_is_any_bytes_is_a_text_all_the_same(codec: str) -> None:
    table = "name;größe\r\nsecret;1\r\n".encode(codec)
    decision = judge(sent(table, "application/octet-stream", name="a.csv"), SECRET)
    assert decision.decided_by.match is not None and decision.decided_by.match.where is Where.ATTACHMENT_TEXT


def test_a_picture_is_no_text() -> None:
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR secret"
    assert sent(picture, "image/png", name="a.png").texts == ()


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed"])
def test_a_message_packed_where_none_may_be_packed_is_kept_back(kind: str) -> None:
    inner = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"secret")
    assert judge(sent(inner, kind), SECRET).decided_by.why.data == {"names": "depth"}


@pytest.mark.parametrize(
    ("bad", "fields"),
    [
        (rule("a"), ["targets_content"]),
        (rule("a(", "content"), ["expression"]),
        (rule("a", "content", id=""), ["id"]),
        (rule("a", "content", domain="exa mple"), ["sender_domain"]),
        (rule("a", "content", explanation="x" * 2000), ["explanation"]),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_field(bad: DlpRule, fields: list[str]) -> None:
    assert [field for field, _said in dlp_problems(bad)] == fields


def test_the_manuals_own_example_works() -> None:
    james = rule("james.org", "sender", "recipients", id="1", explanation="Find senders or recipients")
    assert dlp_problems(james) == []
    assert judge(outgoing(recipients=("x@james.org",)), james).category is Category.DLP
