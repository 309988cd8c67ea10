"""Which signature a message gets: own ones, rules of three places, additions that nobody takes away."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.signatures.choosing import Book, Kind, Occasion, Own, Rule, Side, Template, Writing, choose, fits

OWN = Template(1, "own", Kind.SIGNATURE, "own", own=True)
HOUSE = Template(2, "house", Kind.SIGNATURE, "house")
SHORT = Template(3, "short", Kind.SIGNATURE, "short")
NOTICE = Template(4, "notice", Kind.ADDITION, "notice")
BANNER = Template(5, "banner", Kind.ADDITION, "banner")
TO_BOB = Writing("Bob@Example.NET", is_inside=False, is_reply=False, day=date(2026, 11, 30))
RULE = Rule(1, "rule", 0, HOUSE)
IN_SERVER = Rule(2, "of the server", 2, NOTICE)


def names(book: Book, writing: Writing = TO_BOB) -> list[str]:
    return [template.name for template in choose(book, writing).templates]


@pytest.mark.parametrize(
    ("worth", "rules", "wanted"),
    [
        (Own.FIRST, (), ["own"]),
        (Own.FIRST, (RULE, IN_SERVER), ["own", "notice"]),
        (Own.ELSE, (RULE, IN_SERVER), ["house", "notice"]),
        (Own.ELSE, (IN_SERVER,), ["own", "notice"]),
        (Own.NEVER, (IN_SERVER,), ["notice"]),
        (Own.NEVER, (RULE,), ["house"]),
        (Own.FIRST, (replace(RULE, template=None), IN_SERVER), ["notice"]),
    ],
)
def test_own_signatures_count_as_the_setting_says(worth: Own, rules: tuple[Rule, ...], wanted: list[str]) -> None:
    assert names(Book(OWN, worth, rules)) == wanted


def test_the_first_rule_that_fits_gives_the_signature_and_stopping_ends_only_its_own_place() -> None:
    rules = (
        Rule(1, "a", 0, SHORT, occasion=Occasion.REPLY),
        Rule(2, "b", 0, HOUSE, stops=True),
        Rule(3, "c", 0, BANNER),
        Rule(4, "d", 2, SHORT),
        Rule(5, "e", 2, NOTICE),
        Rule(6, "f", 2, NOTICE),
    )
    assert names(Book(None, Own.FIRST, rules)) == ["house", "notice"]
    assert names(Book(None, Own.FIRST, rules), replace(TO_BOB, is_reply=True)) == ["short", "notice"]
    assert [rule.name for rule in choose(Book(None, Own.FIRST, rules), TO_BOB).rules] == ["b", "e"]


@pytest.mark.parametrize(
    ("rule", "does"),
    [
        (RULE, True),
        (replace(RULE, side=Side.INSIDE), False),
        (replace(RULE, side=Side.OUTSIDE), True),
        (replace(RULE, occasion=Occasion.REPLY), False),
        (replace(RULE, occasion=Occasion.FIRST), True),
        (replace(RULE, first_day=date(2026, 12, 1)), False),
        (replace(RULE, first_day=date(2026, 11, 30), last_day=date(2026, 11, 30)), True),
        (replace(RULE, last_day=date(2026, 11, 29)), False),
        (replace(RULE, recipients=("*@example.net",)), True),
        (replace(RULE, recipients=("*@example.org", "bob@*")), True),
        (replace(RULE, recipients=("b[oO]b@example.net", "bo?@example.net")), False),
    ],
)
def test_a_rule_fits_when_all_it_says_is_so(rule: Rule, does: bool) -> None:
    assert fits(rule, TO_BOB) is does
