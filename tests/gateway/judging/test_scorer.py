"""The built-in scorer: its table, what it says of plain and of shouting mail, and that nothing upsets it."""

from __future__ import annotations

import os
import random
import re
from email.utils import format_datetime
from pathlib import Path

import pytest

from domains.policy.facts import AuthResult, Envelope
from domains.policy.reading import read_message
from gateway.judging.authentication.checking import Authenticated
from gateway.judging.authentication.dmarc import DmarcAnswer
from gateway.judging.authentication.spf import SpfAnswer
from gateway.judging.scoring.phrases import PHRASES, TRICKS
from gateway.judging.scoring.scoring import Score, score
from gateway.judging.scoring.sight import sight_of
from gateway.judging.scoring.table import GROUPS, SIGNS, Group
from tests.gateway.judging.world import ADA, NOW

OFFER = (
    b"From: BEST OFFERS!! <x7k2p9q@cheap-deals.biz>\r\nTo: <ada@example.org>\r\nSubject: SAVE 80% ON PILLS NOW!!!\r\n"
    b"Date: Mon, 2 Mar 2026 11:59:00 +0000\r\nMessage-ID: <2@cheap-deals.biz>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><body><font color=red size=+4>ORDER NOW! No prescription, lose weight, 100% free trial!</font><br>"
    b"Click here: <a href='http://192.0.2.99/buy'>http://www.bank.example/</a> To be removed from our mailing list "
    b"reply with remove. This is not spam.</body></html>\r\n"
)


def scored(raw: bytes, found: Authenticated | None = None, **more: object) -> Score:
    read = read_message(raw, Envelope(received_at=NOW))
    return score(sight_of(read, found or Authenticated(), **more))  # type: ignore[arg-type]


def names(found: Score) -> set[str]:
    return {name for name, _points in found.parts}


def test_every_sign_has_its_place_in_the_table_and_its_words() -> None:
    assert set(GROUPS) == set(Group)
    assert {sign.group for sign in SIGNS.values()} == set(Group)
    assert set(PHRASES) <= set(SIGNS)
    assert set(TRICKS) - {"body", "shown-link"} <= set(SIGNS)
    for name, sign in SIGNS.items():
        assert sign.text.endswith("."), name
        assert (sign.points < 0) == (sign.group is Group.WANTED), name


def test_a_letter_is_wanted_and_an_offer_is_not() -> None:
    letter, offer = scored(ADA), scored(OFFER)
    assert letter.points < 1
    assert offer.points > 10
    assert {"subject-capitals", "link-number", "link-other", "html-only", "says-remedy", "says-remove"} <= names(offer)
    assert offer.points == pytest.approx(sum(points for _name, points in offer.parts), abs=0.05)


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (b"\r\n> one", set()),  # once is chance
        (b"\r\n> one\r\n| two", {"quotes"}),
        (b"\r\n@@ - one\r\n@@ - two", set()),  # twice the same is no code
        (b"\r\ndiff a b\r\n--- a/one", {"code"}),
        (b"\r\n-- \r\n> Bob\r\n> 5", {"signature", "quotes"}),
        (b"\r\n-- Bob", set()),
        (b"\r\n--- a/one\r\n> a\r\n+++ b/one\r\n| a\r\n-- \r\n", {"quotes", "code", "signature"}),
    ],
)
def test_how_lines_begin_says_what_they_are(lines: bytes, wanted: set[str]) -> None:
    head = ADA.partition(b"\r\n\r\n")[0]
    found = names(scored(head + b"\r\n\r\nHello," + lines + b"\r\nBob\r\n"))
    assert found & {"quotes", "code", "signature"} == wanted


def test_what_dns_says_counts() -> None:
    forged = Authenticated(spf=SpfAnswer(AuthResult.FAIL), dmarc=DmarcAnswer(AuthResult.FAIL, "a.example", "reject"))
    assert {"spf-fail", "dmarc-reject"} <= names(scored(ADA, forged))
    proved = Authenticated(dmarc=DmarcAnswer(AuthResult.PASS, "a.example", "reject"))
    assert "dmarc-pass" in names(scored(ADA, proved))
    assert {"client-nameless", "helo-odd"} <= names(scored(ADA, client_name="", helo="localhost"))
    assert "own-server" in names(scored(ADA, client_name="mail.friends.example", helo="mail.friends.example"))


def test_an_old_date_is_odd_but_not_of_a_mail_that_is_old() -> None:
    """Whoever brings the mail of years, or forwards one, isn't taken for who forged the date."""
    old = ADA.replace(re.search(rb"Date: .*\r\n", ADA)[0], b"Date: Tue, 02 Apr 1996 10:00:00 -0800\r\n")  # type: ignore[index]
    hop = b"Received: from a.example by b.example; Tue, 2 Apr 1996 %s -0800 (PST)\r\n"
    assert "date-behind" in names(scored(old)) and "date-behind" not in names(scored(ADA))
    assert "date-behind" not in names(scored(hop % b"10:00:07" + old))
    now = format_datetime(NOW).encode()
    assert "date-behind" in names(scored(b"Received: from a.example by b.example; " + now + b"\r\n" + old))


def test_nothing_that_can_be_written_upsets_it() -> None:
    chance = random.Random(7)
    for _round in range(150):
        torn = bytearray(OFFER)
        for _change in range(30):
            place = chance.randrange(len(torn))
            torn[place : place + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(4)))
        scored(bytes(torn))
    for raw in (
        b"",
        b"\r\n",
        b"\0" * 1000,
        b"<" * 100_000,
        b"Subject: " + b"a " * 50_000,
        b"\r\n\r\n" + b"&#1;<a href=" * 20_000,
    ):
        scored(raw)


def test_real_mail_is_told_apart() -> None:
    """On the labelled corpus where it is unpacked; the figures are in benchmarks/."""
    corpora = os.environ.get("POSTKEEP_CORPORA")
    if not corpora:
        pytest.skip("POSTKEEP_CORPORA is not set")
    folder = Path(corpora) / "spamassassin"
    ham = [scored(file.read_bytes()).points for file in sorted((folder / "easy-ham-2").iterdir())[::5]]
    spam = [scored(file.read_bytes()).points for file in sorted((folder / "spam-2").iterdir())[::5]]
    assert sum(points >= 5 for points in ham) <= len(ham) * 0.01
    assert sum(points >= 5 for points in spam) >= len(spam) * 0.65
